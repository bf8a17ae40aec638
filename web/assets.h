// The dashboard's files, compiled into the binary: what `GET /` serves works without a network and without a
// folder.
//
// They lie there compressed with gzip -9 and are never unpacked by us: every browser accepts gzip, and so a server
// sends them as they are with `Content-Encoding: gzip`. Built with TAKT_WEB=OFF, there is one plain page that says
// so.
#pragma once

#include <span>
#include <string_view>

namespace takt {

/// One file of the dashboard. All views point into the binary and live for ever.
struct Asset {
  std::string_view path;          ///< "/index.html", "/favicon.svg", "/assets/index-1a2b3c.js"
  std::string_view content_type;  ///< with the charset where it is text
  std::string_view etag;          ///< strong, with its quotes; of the compressed bytes
  std::string_view gzip;          ///< the compressed bytes

  /// True if the name changes with the content, so that a browser may keep the file for ever. All others are to be
  /// asked for again each time (`no-cache` with the etag), or a screen would show yesterday's page after an
  /// update.
  bool immutable() const { return path.starts_with("/assets/"); }
};

/// Every file, by path in rising order. Any thread.
std::span<const Asset> web_assets();

/// The file asked for as `path` (without its query; "/" is the page itself), or null. Any thread.
const Asset* find_asset(std::string_view path);

}  // namespace takt
