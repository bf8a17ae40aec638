// The files that `takt import` reads, cut into bodies for POST /v1/events.
#pragma once

#include "schema/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

enum class ImportFormat { ndjson, csv, lp, mtconnect };

/// By the extension: .ndjson .jsonl .json, .csv, .lp; .txt .shdr .log are adapter logs. Standard input (-) is
/// NDJSON.
Result<ImportFormat> format_of(std::string_view file);

/// One body, and the line of the file each of its events comes from.
struct ImportBody {
  std::string text;
  std::vector<std::size_t> lines;
};

/// What this side could not read; the rest of the file goes on.
struct UnreadableLine {
  std::size_t line = 0;
  std::string message;
};

class ImportSource {
 public:
  virtual ~ImportSource() = default;
  /// The next body, at most some thousand events and a few MiB; an empty one at the end.
  virtual Result<ImportBody> next() = 0;
  virtual std::string_view content_type() const { return "application/x-ndjson"; }
  const std::vector<UnreadableLine>& unreadable() const { return unreadable_; }

 protected:
  std::vector<UnreadableLine> unreadable_;
};

/// `mapping_file` is for mtconnect alone.
Result<std::unique_ptr<ImportSource>> open_import(const std::string& file, ImportFormat format,
                                                  const std::string& mapping_file);

}  // namespace takt
