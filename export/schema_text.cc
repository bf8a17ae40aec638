#include "export/schema_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

namespace takt {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == ',')) text.remove_suffix(1);
  return text;
}

/// Takes the next word off the front; quotes around it fall.
std::string take_word(std::string_view& text) {
  text = trimmed(text);
  const std::size_t end = std::min(text.find_first_of(" ("), text.size());
  std::string word{text.substr(0, end)};
  text.remove_prefix(end);
  std::erase(word, '"');
  return word;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The names between the first brackets.
std::vector<std::string> names_in_brackets(std::string_view text) {
  std::vector<std::string> names;
  const std::size_t open = text.find('('), close = text.find(')');
  for (std::size_t at = open + 1; at < close;) {
    const std::size_t end = std::min(text.find(',', at), close);
    std::string_view name = trimmed(text.substr(at, end - at));
    names.push_back(take_word(name));
    at = end + 1;
  }
  return names;
}

/// name TYPE [NOT NULL] [PRIMARY KEY] ...
DescribedColumn column_of(std::string_view line, std::string comment) {
  DescribedColumn column;
  column.name = take_word(line);
  column.type = lower(take_word(line));
  if (column.type == "double") column.type += ' ' + take_word(line);
  column.nullable =
      line.find("NOT NULL") == std::string_view::npos && line.find("PRIMARY KEY") == std::string_view::npos;
  column.comment = std::move(comment);
  return column;
}

/// Reads one line after the other.
class Reader {
 public:
  explicit Reader(DescribedSchema& schema) : schema_(schema) {}

  void line(std::string_view text) {
    if (table_) return in_table(text);
    if (text.starts_with("-- ")) {
      above_ += (above_.empty() ? "" : " ") + std::string{text.substr(3)};
      return;
    }
    std::string_view rest = text;
    if (text.starts_with("CREATE TABLE ")) {
      rest.remove_prefix(13);
      table_ = DescribedTable{take_word(rest), above_, {}, {}};
    }
    for (const std::string_view kind : {"CREATE VIEW ", "CREATE MATERIALIZED VIEW "}) {
      if (!text.starts_with(kind)) continue;
      rest.remove_prefix(kind.size());
      schema_.views.push_back({take_word(rest), above_, kind.find("MATERIALIZED") != std::string_view::npos});
    }
    above_.clear();
  }

 private:
  void in_table(std::string_view text) {
    if (text.starts_with(")")) {
      schema_.tables.push_back(std::move(*table_));
      table_.reset();
      return;
    }
    const std::size_t mark = text.find("--");
    const std::string_view sql = trimmed(text.substr(0, mark));
    if (sql.empty()) return;
    if (sql.starts_with("PRIMARY KEY")) {
      table_->key = names_in_brackets(sql);
      return;
    }
    table_->columns.push_back(
        column_of(sql, mark == std::string_view::npos ? "" : std::string{trimmed(text.substr(mark + 2))}));
    if (sql.find("PRIMARY KEY") != std::string_view::npos) table_->key = {table_->columns.back().name};
  }

  DescribedSchema& schema_;
  std::optional<DescribedTable> table_;
  std::string above_;
};

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
  return out + '\'';
}

/// dim_date_range: DimDateRange.
std::string model_name(std::string_view table) {
  std::string name;
  bool begins = true;
  for (const char c : table) {
    if (c != '_') name += begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    begins = c == '_';
  }
  return name;
}

std::string prisma_type(std::string_view type) {
  static const std::map<std::string_view, std::string_view> kTypes = {
      {"integer", "BigInt"},         {"bigint", "BigInt"},   {"real", "Float"},
      {"double precision", "Float"}, {"boolean", "Boolean"}, {"jsonb", "Json"},
      {"timestamptz", "DateTime"},   {"date", "DateTime"},   {"text", "String"}};
  return std::string{kTypes.at(type)};
}

std::string prisma_attributes(const DescribedTable& table, const DescribedColumn& column) {
  std::string text;
  if (table.key.size() == 1 && table.key.front() == column.name) text += " @id";
  if (column.type == "timestamptz") text += " @db.Timestamptz(6)";
  if (column.type == "date") text += " @db.Date";
  return text;
}

/// What the columns of facts and rollups name: the table and column that explain them.
struct Reference {
  std::string_view column, table, key;
};
constexpr Reference kReferences[] = {
    {"machine", "dim_equipment", "id"},          {"product", "dim_product", "product"},
    {"reason", "dim_downtime_reason", "reason"}, {"defect", "dim_quality_defect_type", "defect"},
    {"business_date", "dim_date", "date"},       {"shift", "dim_shift", "shift"},
    {"unit", "dim_unit_of_measure", "unit"}};

bool is_own(std::string_view table) { return table.starts_with("takt_"); }

}  // namespace

DescribedSchema describe(std::span<const Migration> migrations) {
  DescribedSchema schema;
  for (const Migration& migration : migrations) {
    Reader reader{schema};
    for (std::size_t at = 0; at < migration.up.size();) {
      const std::size_t end = std::min(migration.up.find('\n', at), migration.up.size());
      reader.line(migration.up.substr(at, end - at));
      at = end + 1;
    }
  }
  std::map<std::string, std::string> first;
  for (const DescribedTable& table : schema.tables) {
    for (const DescribedColumn& column : table.columns) {
      if (!column.comment.empty()) first.emplace(column.name, column.comment);
    }
  }
  for (DescribedTable& table : schema.tables) {
    for (DescribedColumn& column : table.columns) {
      if (column.comment.empty()) column.comment = first[column.name];
    }
  }
  return schema;
}

std::string comment_statements(const DescribedSchema& schema) {
  std::string out;
  for (const DescribedTable& table : schema.tables) {
    out += fmt::format("COMMENT ON TABLE {} IS {};\n", table.name, sql_text(table.comment));
    for (const DescribedColumn& column : table.columns)
      out +=
          fmt::format("COMMENT ON COLUMN {}.\"{}\" IS {};\n", table.name, column.name, sql_text(column.comment));
  }
  for (const DescribedView& view : schema.views)
    out += fmt::format("COMMENT ON {}VIEW {} IS {};\n", view.stored ? "MATERIALIZED " : "", view.name,
                       sql_text(view.comment));
  return out;
}

std::string prisma_schema(const DescribedSchema& schema, std::string_view provider) {
  std::string out = fmt::format(
      "generator client {{\n  provider = \"prisma-client-js\"\n}}\n\n"
      "datasource db {{\n  provider = \"{}\"\n  url      = env(\"DATABASE_URL\")\n}}\n",
      provider);
  for (const DescribedTable& table : schema.tables) {
    out += fmt::format("\n/// {}\nmodel {} {{\n", table.comment, model_name(table.name));
    for (const DescribedColumn& column : table.columns) {
      out += fmt::format("  /// {}\n  {} {}{}{}\n", column.comment, column.name, prisma_type(column.type),
                         column.nullable ? "?" : "", prisma_attributes(table, column));
    }
    if (table.key.size() > 1) out += fmt::format("\n  @@id([{}])", fmt::join(table.key, ", "));
    out += fmt::format("\n  @@map(\"{}\")\n}}\n", table.name);
  }
  return out;
}

std::string data_dictionary(const DescribedSchema& schema) {
  std::string out = "## Diagram\n\n```mermaid\nerDiagram\n";
  for (const DescribedTable& table : schema.tables) {
    if (is_own(table.name)) continue;
    for (const Reference& reference : kReferences) {
      const bool names_it =
          std::any_of(table.columns.begin(), table.columns.end(),
                      [&](const DescribedColumn& column) { return column.name == reference.column; });
      if (names_it && table.name != reference.table)
        out += fmt::format("  {} ||--o{{ {} : \"{}\"\n", reference.table, table.name, reference.column);
    }
  }
  out += "```\n\n## Tables\n";
  for (const DescribedTable& table : schema.tables) {
    out += fmt::format("\n### {}\n\n{}\n\nKey: {}.\n\n| column | type | null | meaning |\n|---|---|---|---|\n",
                       table.name, table.comment, fmt::join(table.key, ", "));
    for (const DescribedColumn& column : table.columns)
      out += fmt::format("| `{}` | {} | {} | {} |\n", column.name, column.type, column.nullable ? "yes" : "",
                         column.comment);
  }
  out += "\n## Views\n\n| view | answers |\n|---|---|\n";
  for (const DescribedView& view : schema.views) out += fmt::format("| `{}` | {} |\n", view.name, view.comment);
  return out;
}

}  // namespace takt
