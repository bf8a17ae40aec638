// The schema as its own text describes it: tables, columns, and the comments beside them. What is generated from
// the schema (comments in a database, the data dictionary, Prisma's models) is generated from this.
#pragma once

#include "export/migrations.h"

#include <span>
#include <string>
#include <vector>

namespace takt {

struct DescribedColumn {
  std::string name, type;  ///< the type in the database's words, lower case
  bool nullable = false;
  std::string comment;  ///< where the table has none of its own, that of the first column of the same name
};
struct DescribedTable {
  std::string name, comment;
  std::vector<DescribedColumn> columns;
  std::vector<std::string> key;
};
struct DescribedView {
  std::string name, comment;
  bool stored = false;  ///< a materialized one
};
struct DescribedSchema {
  std::vector<DescribedTable> tables;  ///< in order of their making
  std::vector<DescribedView> views;
};

/// Reads what the steps make. They are our own, in the form that schema/sql/README.md tells: a column a line.
DescribedSchema describe(std::span<const Migration> migrations);

/// COMMENT ON for every table, column and view, as PostgreSQL takes it.
std::string comment_statements(const DescribedSchema& schema);
/// Models for Prisma; `provider` is sqlite or postgresql.
std::string prisma_schema(const DescribedSchema& schema, std::string_view provider);
/// The data dictionary as Markdown, with an entity-relationship diagram.
std::string data_dictionary(const DescribedSchema& schema);

}  // namespace takt
