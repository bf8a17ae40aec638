// The steps that build the warehouse's schema, as they stand in schema/sql, embedded in the binary.
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

}  // namespace takt
