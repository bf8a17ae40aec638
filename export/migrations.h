// The steps that build the warehouse's schema: those of schema/sql in the words of each database, embedded in the
// binary.
#pragma once

#include <span>
#include <string_view>

namespace takt {

/// One step: `up` makes it, `down` takes it back with all that it holds.
struct Migration {
  int version = 0;  ///< 1, 2, 3 ... without gaps
  std::string_view name, up, down;
};

std::span<const Migration> sqlite_migrations();
std::span<const Migration> postgres_migrations();
/// Roles of least privilege in PostgreSQL 15 and newer, with row-level security for some of them:
/// schema/sql/roles.sql.
std::string_view postgres_roles();

}  // namespace takt
