#include "export/csv_export.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "export/scratch_warehouse.h"
#include "export/sqlite_database.h"

namespace takt {
namespace {

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) line.append(c == '"' ? 2 : 1, c);
  line += '"';
}

void append_field(std::string& line, const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    line += fmt::format("{}", *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    line += fmt::format("{}", *number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    const bool plain = !text->empty() && text->find_first_of(",\"\r\n") == std::string::npos;
    plain ? static_cast<void>(line += *text) : append_quoted(line, *text);
  }
}

/// One table into one file, through a name of its own until it is whole.
Result<std::size_t> write_table(SqliteDatabase& database, const std::string& table,
                                const std::filesystem::path& file) {
  const auto columns = database.query("SELECT name FROM pragma_table_info(?) ORDER BY cid", {table});
  if (!columns) return columns.error();
  const std::filesystem::path part = file.string() + ".part";
  const auto failed = [&] {
    return io_error(fmt::format("{}: cannot be written: {}", part.string(), std::strerror(errno)));
  };
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> out{std::fopen(part.c_str(), "we"), &std::fclose};
  if (!out) return failed();
  std::string line;
  const auto put = [&](const SqlRow& row) {
    line.clear();
    for (const SqlValue& value : row) {
      if (&value != row.data()) line += ',';
      append_field(line, value);
    }
    line += "\r\n";
    return std::fwrite(line.data(), 1, line.size(), out.get()) == line.size();
  };
  SqlRow header;
  for (const SqlRow& column : *columns) header.push_back(column[0]);
  bool written = put(header);
  std::size_t rows = 0;
  const auto read =
      database.each_row(fmt::format("SELECT * FROM {} ORDER BY 1, 2", table), [&](const SqlRow& row) {
        written = written && put(row);
        ++rows;
        return written;
      });
  if (!read) return read.error();
  written = written && std::fflush(out.get()) == 0;
  if (!written) return failed();
  std::error_code error;
  std::filesystem::rename(part, file, error);
  if (error) return io_error(fmt::format("{}: {}", file.string(), error.message()));
  return rows;
}

}  // namespace

Result<CsvReport> export_csv(const Store& store, const std::filesystem::path& folder,
                             std::optional<TimeRange> only,
                             const std::function<void(std::string_view table, double share)>& progress) {
  progress("reading", 0);
  // What every other target gets, so that the files add up as tables do.
  const auto scratch = ScratchWarehouse::make(store, folder, only);
  if (!scratch) return scratch.error();
  const auto database = SqliteDatabase::open(scratch->file(), SqliteDatabase::Mode::existing);
  if (!database) return database.error();
  const auto tables = (*database)->query(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'takt\\_%' ESCAPE '\\' ORDER BY name",
      {});
  if (!tables) return tables.error();
  CsvReport report;
  for (const SqlRow& row : *tables) {
    const auto& table = std::get<std::string>(row[0]);
    progress(table, static_cast<double>(report.files) / static_cast<double>(tables->size()));
    const auto rows = write_table(**database, table, folder / (table + ".csv"));
    if (!rows) return rows.error();
    ++report.files;
    report.rows += *rows;
  }
  return report;
}

}  // namespace takt
