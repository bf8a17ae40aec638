// The figures of a benchmark: a table for people as they come, and a file for programs at the end.
#pragma once

#include "schema/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace takt::bench {

/// One line of the table and one object of the file.
struct Figure {
  std::string name;
  double value = 0;
  std::string_view unit;
  std::string note;  ///< such as the floor; may be empty
};

class Report {
 public:
  /// `json`: the file that save() writes; empty: none.
  explicit Report(std::string json) : json_(std::move(json)) {}

  void heading(const std::string& text);
  void add(const Figure& figure);
  /// The array of all figures, each with name, value and unit.
  Result<void> save() const;

 private:
  std::string json_, section_, lines_;
};

/// Such as "goal 10: reached".
std::string at_least(double value, double goal);
std::string at_most(double value, double goal);

}  // namespace takt::bench
