#include "query/answer_table.h"

#include "schema/event_json.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>

namespace takt {
namespace {

namespace ondemand = simdjson::ondemand;

std::string_view trimmed(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

/// As it is written.
std::string json_of(ondemand::value value) {
  if (value.type() == ondemand::json_type::object) {
    ondemand::object object = value.get_object();
    return std::string{std::string_view{object.raw_json()}};
  }
  if (value.type() == ondemand::json_type::array) {
    ondemand::array array = value.get_array();
    return std::string{std::string_view{array.raw_json()}};
  }
  return std::string{trimmed(value.raw_json_token())};
}

/// The same, but for texts without their quotes and null as nothing.
std::string cell_of(ondemand::value value) {
  if (value.type() == ondemand::json_type::string) return std::string{std::string_view{value.get_string()}};
  return value.type() == ondemand::json_type::null ? std::string{} : json_of(value);
}

using Fields = std::vector<std::pair<std::string, std::string>>;
using ValueOf = std::string (*)(ondemand::value);

/// An answer's rows, one by one: where they are, and what names their group.
class RowWalker {
 public:
  RowWalker(std::string_view rows, const std::vector<std::string>& columns, ValueOf value_of)
      : group_name_(rows.substr(0, rows.find('.'))),
        row_name_(group_name_.size() < rows.size() ? rows.substr(group_name_.size() + 1) : rows),
        columns_(columns),
        value_of_(value_of) {}

  /// io: it is no JSON object.
  template <class Row, class Beside>
  Result<void> walk(std::string_view json, Row row, Beside beside) const {
    try {
      const simdjson::padded_string padded{json};
      ondemand::parser parser;
      auto document = parser.iterate(padded);
      for (auto field : document.get_object()) {
        const std::string name{std::string_view{field.unescaped_key()}};
        ondemand::value value = field.value();
        if (name == row_name_)
          walk_rows(value.get_array(), {}, row);
        else if (name == group_name_)
          walk_groups(value.get_array(), row);
        else
          beside(name, value_of_(value));
      }
    } catch (const simdjson::simdjson_error& error) {
      return io_error(std::string{"the server's answer is not understood: "} + error.what());
    }
    return {};
  }

 private:
  template <class Row>
  void walk_groups(ondemand::array groups, Row row) const {
    for (ondemand::value group : groups) {
      Fields of_group;
      for (auto part : group.get_object()) {
        const std::string name{std::string_view{part.unescaped_key()}};
        if (name == row_name_)
          walk_rows(part.value().get_array(), of_group, row);
        else
          of_group.emplace_back(name, value_of_(part.value()));
      }
    }
  }
  template <class Row>
  void walk_rows(ondemand::array rows, const Fields& group, Row row) const {
    for (ondemand::value each : rows) {
      Fields fields = group;
      if (each.type() == ondemand::json_type::object) {
        for (auto field : each.get_object())
          fields.emplace_back(std::string{std::string_view{field.unescaped_key()}}, value_of_(field.value()));
      } else {
        std::size_t next = 0;
        for (ondemand::value part : each.get_array()) {
          fields.emplace_back(next < columns_.size() ? columns_[next] : std::to_string(next), value_of_(part));
          ++next;
        }
      }
      row(fields);
    }
  }

  std::string_view group_name_, row_name_;
  const std::vector<std::string>& columns_;
  ValueOf value_of_;
};

void add_row(AnswerTable& table, const Fields& fields) {
  std::vector<std::string> row(table.columns.size());
  for (const auto& [name, value] : fields) {
    const auto column = std::ranges::find(table.columns, name);
    const auto place = static_cast<std::size_t>(column - table.columns.begin());
    if (column == table.columns.end()) table.columns.push_back(name), row.emplace_back();
    row[place] = value;
  }
  table.rows.push_back(std::move(row));
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

std::string quoted_for_csv(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{text};
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
  return quoted + '"';
}

/// Letters, not bytes.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void append_padded(std::string& line, std::string_view text, std::size_t width, bool to_the_right) {
  const std::string space(width - std::min(width, width_of(text)), ' ');
  line += to_the_right ? space + std::string{text} : std::string{text} + space;
}

}  // namespace

Result<AnswerTable> table_of(std::string_view json, std::string_view rows,
                             const std::vector<std::string>& columns) {
  AnswerTable table;
  table.columns = columns;
  const auto walked = RowWalker{rows, columns, cell_of}.walk(
      json, [&](const Fields& fields) { add_row(table, fields); },
      [&](const std::string& name, std::string value) { table.besides.emplace_back(name, std::move(value)); });
  if (!walked) return walked.error();
  for (auto& row : table.rows) row.resize(table.columns.size());
  return table;
}

Result<AnswerLines> lines_of(std::string_view json, std::string_view rows,
                             const std::vector<std::string>& columns) {
  AnswerLines answer;
  std::string& lines = answer.lines;
  lines.reserve(json.size() + json.size() / 8);
  const auto walked = RowWalker{rows, columns, json_of}.walk(
      json,
      [&](const Fields& fields) {
        for (std::size_t i = 0; i < fields.size(); ++i) {
          lines += i == 0 ? '{' : ',';
          append_json_string(lines, fields[i].first);
          lines.append(":").append(fields[i].second);
        }
        lines += "}\n";
      },
      [&](const std::string& name, std::string value) { answer.besides.emplace_back(name, std::move(value)); });
  if (!walked) return walked.error();
  return answer;
}

std::string to_csv(const AnswerTable& table) {
  const auto line_of = [](const std::vector<std::string>& cells) {
    std::string line;
    for (const std::string& cell : cells)
      line += (line.empty() && &cell == cells.data() ? "" : ",") + quoted_for_csv(cell);
    return line + "\r\n";
  };
  if (table.columns.empty()) {
    std::string text = "name,value\r\n";
    for (const auto& [name, value] : table.besides) text += line_of({name, value});
    return text;
  }
  std::string text = line_of(table.columns);
  for (const auto& row : table.rows) text += line_of(row);
  return text;
}

std::string to_text(const AnswerTable& table, const std::vector<std::string>& wanted, bool bold) {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (wanted.empty() || std::ranges::find(wanted, table.columns[i]) != wanted.end()) shown.push_back(i);
  }
  std::vector<std::size_t> widths;
  std::vector<bool> numbers;
  for (const std::size_t i : shown) {
    std::size_t width = width_of(table.columns[i]);
    bool number = !table.rows.empty();
    for (const auto& row : table.rows) {
      width = std::max(width, width_of(row[i]));
      number = number && (row[i].empty() || is_number(row[i]));
    }
    widths.push_back(width), numbers.push_back(number);
  }
  const auto line_of = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t k = 0; k < shown.size(); ++k) {
      if (k > 0) line += "  ";
      append_padded(line, cells[shown[k]], widths[k], numbers[k]);
    }
    return std::string{trimmed(line)};
  };
  std::string text;
  if (!table.rows.empty())
    text += bold ? "\x1b[1m" + line_of(table.columns) + "\x1b[0m\n" : line_of(table.columns) + '\n';
  for (const auto& row : table.rows) text += line_of(row) + '\n';
  if (!table.rows.empty() && !table.besides.empty()) text += '\n';
  std::size_t width = 0;
  for (const auto& [name, value] : table.besides) width = std::max(width, width_of(name));
  for (const auto& [name, value] : table.besides) {
    append_padded(text, name, width, false);
    text += "  " + (value.empty() ? "-" : value) + '\n';
  }
  return text;
}

}  // namespace takt
