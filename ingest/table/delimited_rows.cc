#include "ingest/table/delimited_rows.h"

#include <algorithm>
#include <utility>

namespace takt {
namespace {

constexpr std::size_t kRecordBytes = std::size_t{1} << 20U;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

char most_frequent_delimiter(std::string_view line) {
  char best = ',';
  std::ptrdiff_t most = 0;
  for (const char delimiter : {',', ';', '\t'}) {
    const auto count = std::count(line.begin(), line.end(), delimiter);
    if (count > most) best = delimiter, most = count;
  }
  return best;
}

/// Leaves `cells` without the quotes around and in them.
void split(std::string_view record, char delimiter, std::vector<TableCell>& cells) {
  cells.emplace_back();
  bool quoted = false;
  for (std::size_t i = 0; i < record.size(); ++i) {
    std::string& text = cells.back().text;
    if (quoted && record[i] == '"') {
      const bool doubled = i + 1 < record.size() && record[i + 1] == '"';
      if (doubled) text += record[i++];
      quoted = doubled;
    } else if (!quoted && record[i] == '"' && text.empty()) {
      quoted = true;
    } else if (!quoted && record[i] == delimiter) {
      cells.emplace_back();
    } else {
      text += record[i];
    }
  }
}

class DelimitedRows : public RowSource {
 public:
  DelimitedRows(std::unique_ptr<std::istream> in, char delimiter, std::size_t bytes)
      : in_(std::move(in)), delimiter_(delimiter), bytes_(bytes) {}

  Result<bool> next(TableRow& row) override {
    std::string record;
    while (next_record(record, row.line)) {
      if (delimiter_ == 0) delimiter_ = most_frequent_delimiter(record);
      row.cells.clear();
      split(record, delimiter_, row.cells);
      if (std::any_of(row.cells.begin(), row.cells.end(),
                      [](const TableCell& cell) { return !cell.text.empty(); }))
        return true;
    }
    if (in_->bad()) return io_error("the file cannot be read to its end");
    return false;
  }
  double share() const override {
    return bytes_ == 0 ? -1 : std::min(1.0, static_cast<double>(read_) / static_cast<double>(bytes_));
  }
  int day_zero() const override { return kDayZero1900; }

 private:
  bool next_record(std::string& record, std::size_t& first_line) {
    record.clear();
    std::ptrdiff_t quotes = 0;
    first_line = line_ + 1;
    for (std::string line; std::getline(*in_, line);) {
      ++line_;
      read_ += line.size() + 1;
      if (line_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
      quotes += std::count(line.begin(), line.end(), '"');
      record += record.empty() ? "" : "\n";
      record += line;
      if (quotes % 2 != 0 && record.size() <= kRecordBytes) continue;
      if (record.ends_with('\r')) record.pop_back();
      return true;
    }
    return !record.empty();
  }

  std::unique_ptr<std::istream> in_;
  char delimiter_;
  std::size_t bytes_, read_ = 0, line_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> delimited_rows(std::unique_ptr<std::istream> in, char delimiter, std::size_t bytes) {
  return std::make_unique<DelimitedRows>(std::move(in), delimiter, bytes);
}

}  // namespace takt
