// What TOML and JSON have in common: the tree that both are turned into, so that one reader validates either.
// Private to schema.
#pragma once

#include "schema/plant.h"

#include <variant>

namespace takt {

/// A wall-clock time of day as TOML writes it without quotes.
struct ClockTime {
  Duration since_midnight{0};
};

struct Member;

/// A value as written, before anybody asked what it should be.
struct Node {
  using List = std::vector<Node>;
  using Table = std::vector<Member>;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Timestamp, LocalTime, ClockTime, List,
               Table>
      value;
  int line = 0;  ///< of the file, from 1; 0: not known

  template <class T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  bool is_null() const { return std::holds_alternative<std::monostate>(value); }
  /// The member `key`, if this is a table that has it and it is not null.
  const Node* find(std::string_view key) const;
};

struct Member {
  std::string key;
  Node value;
};

/// "a string", "a list", ... for messages.
std::string_view kind_of(const Node& node);

}  // namespace takt
