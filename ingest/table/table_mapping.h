// What the columns of a table mean, and its rows as the CSV that the server reads.
#pragma once

#include "engine/zone.h"
#include "ingest/table/row_source.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace takt {

/// What a user says of a table. All optional.
struct TableOptions {
  std::vector<std::pair<std::string, std::string>> columns;    ///< field, and the header of its column
  std::vector<std::pair<std::string, std::string>> constants;  ///< field, and its value in every row
  char delimiter = 0;                                          ///< 0: found out
  char decimal = '.';                                          ///< or a comma; then a point groups digits
  std::string timezone;                                        ///< of times without one
  std::string sheet;                                           ///< of a workbook; empty: the first
  std::size_t header_row = 0;                                  ///< 0: the first that has all columns
};

/// Turns rows into lines of CSV, as POST /v1/events takes them. One thread.
class TableMapping {
 public:
  /// invalid_argument: a field or zone that does not exist, or one that is given twice.
  static Result<TableMapping> make(TableOptions options, int day_zero);

  /// Whether `row` is the header; all columns must then be found before rows are mapped.
  bool is_header(const TableRow& row);
  /// Why no row was the header: the columns that the likeliest one lacks.
  std::string missing() const;
  /// invalid_argument: nothing says what type the rows are, or of which machine.
  Result<void> check() const;
  std::string header_line() const;
  /// Appends the row's line; an error says what is wrong with which cell, and nothing is appended.
  Result<void> append(const TableRow& row, std::string& csv) const;

 private:
  struct Column {
    std::string field;
    std::size_t index;
  };
  Result<std::string> converted(const std::string& field, const TableCell& cell) const;
  Result<std::string> time_of(const std::string& text, const TableCell& cell) const;
  std::string number_of(const std::string& text) const;

  TableOptions options_;
  std::optional<Zone> zone_;
  int day_zero_ = 0;
  std::vector<Column> columns_;
  std::vector<std::string> missing_;
};

/// `2026-01-05 06:00[:00[.5]]`, with T between, or `05.01.2026 06:00`; also without a time, which is midnight.
/// Nothing: it is no such text, or no such day.
std::optional<LocalTime> parse_local_time(std::string_view text);

}  // namespace takt
