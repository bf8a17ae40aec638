#include "ingest/table/table_source.h"

#include "ingest/table/delimited_rows.h"
#include "ingest/table/xlsx_rows.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

namespace takt {
namespace {

constexpr std::size_t kBodyEvents = 4'000;
constexpr std::size_t kBodyBytes = std::size_t{4} << 20U;
constexpr int kHeaderWithin = 50;  // rows: titles and notes may stand above it

Result<std::unique_ptr<std::istream>> open_text(const std::string& file) {
  if (file == "-") return std::make_unique<std::istream>(std::cin.rdbuf());
  auto in = std::make_unique<std::ifstream>(file, std::ios::binary);
  if (!*in) return not_found(file + " cannot be opened; check its name and permissions");
  return std::unique_ptr<std::istream>{std::move(in)};
}

Result<std::unique_ptr<RowSource>> open_rows(const std::string& file, ImportFormat format,
                                             const TableOptions& options) {
  if (format == ImportFormat::xlsx) return xlsx_rows(file, options.sheet);
  auto in = open_text(file);
  if (!in) return in.error();
  std::error_code unknown;
  const auto bytes = std::filesystem::file_size(file, unknown);
  return delimited_rows(std::move(*in), options.delimiter, unknown ? 0 : static_cast<std::size_t>(bytes));
}

class TableSource : public ImportSource {
 public:
  TableSource(std::unique_ptr<RowSource> rows, TableMapping mapping)
      : rows_(std::move(rows)), mapping_(std::move(mapping)) {}

  std::string_view content_type() const override { return "text/csv"; }
  double share() const override { return rows_->share(); }

  Result<void> find_header() {
    TableRow row;
    for (int i = 0; i < kHeaderWithin; ++i) {
      const auto more = rows_->next(row);
      if (!more) return more.error();
      if (!*more) break;
      if (mapping_.is_header(row)) return mapping_.check();
    }
    return invalid(mapping_.missing());
  }

  Result<ImportBody> next() override {
    ImportBody body{mapping_.header_line(), {}};
    TableRow row;
    while (body.lines.size() < kBodyEvents && body.text.size() < kBodyBytes) {
      const auto more = rows_->next(row);
      if (!more) return more.error();
      if (!*more) break;
      if (const auto added = mapping_.append(row, body.text); !added)
        cannot_read(row.line, added.error().context);
      else
        body.lines.push_back(row.line);
    }
    return body;
  }

 private:
  std::unique_ptr<RowSource> rows_;
  TableMapping mapping_;
};

}  // namespace

bool needs_mapping(const std::string& file, const TableOptions& options) {
  const bool asked = !options.columns.empty() || !options.constants.empty() || options.delimiter != 0 ||
                     options.decimal != '.' || !options.timezone.empty() || options.header_row != 0;
  if (asked || file == "-") return asked;
  std::ifstream in{file, std::ios::binary};
  constexpr std::size_t kLooked = 4096;
  std::string line(kLooked, '\0');
  in.read(line.data(), static_cast<std::streamsize>(line.size()));
  line.resize(static_cast<std::size_t>(in.gcount()));
  line.resize(std::min(line.find('\n'), line.size()));
  return line.find(',') == std::string::npos && line.find_first_of(";\t") != std::string::npos;
}

Result<std::unique_ptr<ImportSource>> open_table(std::unique_ptr<RowSource> rows, const TableOptions& options) {
  auto mapping = TableMapping::make(options, rows->day_zero());
  if (!mapping) return mapping.error();
  auto source = std::make_unique<TableSource>(std::move(rows), std::move(*mapping));
  if (const auto found = source->find_header(); !found) return found.error();
  return std::unique_ptr<ImportSource>{std::move(source)};
}

Result<std::unique_ptr<ImportSource>> open_table(const std::string& file, ImportFormat format,
                                                 const TableOptions& options) {
  if (format == ImportFormat::xlsx && file == "-") return invalid("a workbook cannot be read from standard input");
  auto rows = open_rows(file, format, options);
  if (!rows) return rows.error();
  auto source = open_table(std::move(*rows), options);
  if (!source) return Error{source.error().code, file + ": " + source.error().context};
  return source;
}

}  // namespace takt
