// An answer of the API as rows and columns, its numbers digit by digit as the server wrote them.
#pragma once

#include "schema/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace takt {

struct AnswerTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< a cell for each column; null and what is missing is empty
  std::vector<std::pair<std::string, std::string>> besides;  ///< what stands beside the rows, such as a total
};

/// `rows`: the member that holds them; of members that may hold groups of them, "series.buckets", each row begins
/// with what names its group. Rows are objects, or arrays that `columns` names. Without such a member what stands
/// beside is all. io: it is no JSON object.
Result<AnswerTable> table_of(std::string_view json, std::string_view rows,
                             const std::vector<std::string>& columns);

struct AnswerLines {
  std::string lines;  ///< a JSON object each, every value as the server wrote it
  std::vector<std::pair<std::string, std::string>> besides;
};
/// The same rows as NDJSON.
Result<AnswerLines> lines_of(std::string_view json, std::string_view rows,
                             const std::vector<std::string>& columns);

/// RFC 4180; what stands beside is left out, unless it is all.
std::string to_csv(const AnswerTable& table);
/// Columns side by side, numbers to the right. `wanted` are shown, all if none are; `bold`: the head, for a
/// terminal.
std::string to_text(const AnswerTable& table, const std::vector<std::string>& wanted, bool bold);

}  // namespace takt
