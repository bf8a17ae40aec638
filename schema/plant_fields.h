// The fields of one table of a plant description, each asked for by key and by what it must be.
// Private to schema.
#pragma once

#include "schema/plant_problems.h"
#include "schema/plant_tree.h"

#include <span>

namespace takt {

/// Reads the keys of one table. Whatever is wrong becomes a problem, and a harmless value is returned in its
/// place. Keys that nobody asked for are reported by finish().
class Fields {
 public:
  Fields(const Node& node, std::string path, Problems& problems);

  /// Required: 1 to 128 bytes of UTF-8 without control characters.
  std::string id(std::string_view key);
  /// An id that may be left out; then empty.
  std::string optional_id(std::string_view key);
  std::string text(std::string_view key, std::string_view fallback = {});
  /// `name`: the id unless it says something.
  std::string name(const std::string& id);
  bool flag(std::string_view key, bool fallback);
  std::int64_t whole(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view key);
  /// Seconds from 0 (from 1 us if `above_zero`), in whole microseconds.
  enum class Least { zero, above_zero };
  std::optional<Duration> seconds(std::string_view key, Least least);
  Duration required_seconds(std::string_view key, Least least);
  /// One of `names`, as its index.
  std::optional<std::size_t> choice(std::string_view key, std::span<const std::string_view> names);
  Timestamp instant(std::string_view key, Timestamp fallback);
  /// `valid_from` and `valid_to`.
  TimeRange validity();
  /// Required: a date or date-time of the plant's wall clock.
  LocalTime local_time(std::string_view key);
  /// Required: "HH:MM" or "HH:MM:SS". As an end also "24:00", which is midnight.
  enum class Edge { start, end };
  Duration time_of_day(std::string_view key, Edge edge);
  Scope scope();
  std::uint8_t days();
  std::vector<Break> breaks();
  std::vector<std::string> texts(std::string_view key);
  boost::json::object parameters(std::string_view key);
  /// The node of `key`, if it is there.
  const Node* get(std::string_view key);

  void problem(std::string_view key, const std::string& message);
  /// Reports the keys that are none.
  void finish();

 private:
  const Node* require(std::string_view key, std::string_view example);
  std::string checked_id(std::string_view key, const Node& node);
  std::string path_of(std::string_view key) const;
  int line_of(std::string_view key) const;
  void wrong(std::string_view key, const Node& node, std::string_view wanted);
  std::optional<Duration> time_of_day(const Node& node, Edge edge, const std::string& path);
  boost::json::value parameter(const Node& node, const std::string& path);

  const Node& node_;  // borrowed: the tree outlives its readers
  std::string path_;
  Problems& problems_;  // borrowed from the caller
  std::vector<std::string_view> known_;
};

}  // namespace takt
