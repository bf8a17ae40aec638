// The files that `takt import` reads, cut into bodies for POST /v1/events.
#pragma once

#include "schema/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

enum class ImportFormat { ndjson, csv, lp, mtconnect, xlsx };

/// By the extension: .ndjson .jsonl .json, .csv, .xlsx, .lp; .txt .shdr .log are adapter logs. Standard input (-)
/// is NDJSON.
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
  /// How much of the file was read, from 0 to 1; negative: that is not known.
  virtual double share() const { return -1; }
  /// The first kMostUnreadable of them, and how many there are.
  const std::vector<UnreadableLine>& unreadable() const { return unreadable_; }
  std::size_t unreadable_count() const { return unreadable_count_; }

  static constexpr std::size_t kMostUnreadable = 1000;

 protected:
  void cannot_read(std::size_t line, std::string message) {
    if (++unreadable_count_ <= kMostUnreadable) unreadable_.push_back({line, std::move(message)});
  }

 private:
  std::vector<UnreadableLine> unreadable_;
  std::size_t unreadable_count_ = 0;
};

struct TableOptions;  // ingest/table/table_mapping.h

/// `mapping_file` is for mtconnect alone, `table` for csv and xlsx; none: a CSV as the server reads it.
Result<std::unique_ptr<ImportSource>> open_import(const std::string& file, ImportFormat format,
                                                  const std::string& mapping_file,
                                                  const TableOptions* table = nullptr);

}  // namespace takt
