// Tables of any file format, row by row.
#pragma once

#include "schema/result.h"

#include <cstddef>
#include <string>
#include <vector>

namespace takt {

struct TableCell {
  std::string text;        ///< numbers with a decimal point
  bool is_number = false;  ///< the file says so; in a column of times it is a serial date
};

struct TableRow {
  std::size_t line = 0;  ///< from 1, as an editor or a spreadsheet numbers it
  std::vector<TableCell> cells;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  /// The next row with anything in it; false: there is none. An error ends the file.
  virtual Result<bool> next(TableRow& row) = 0;
  /// How much of the file was read, from 0 to 1.
  virtual double share() const = 0;
  /// Day 0 of its serial dates, in days since 1970-01-01.
  virtual int day_zero() const = 0;
};

/// 1899-12-30: a spreadsheet's day 60, which never was, lets the days after it count from here.
inline constexpr int kDayZero1900 = -25'569;
inline constexpr int kDayZero1904 = -24'107;

}  // namespace takt
