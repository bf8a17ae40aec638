// The lines that nearly all of line protocol is made of, read without a look at what they hardly ever have.
// Internal to LineDecoder.
#pragma once

#include "ingest/line_protocol.h"
#include "ingest/plain_readings.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace takt {

/// Numbers and truths of a machine, with no other tags than `machine` and `host`, without strings and escapes.
/// What stands before a line's first blank was mostly seen before, and its fields in the order in which they come
/// now.
class PlainLines {
 public:
  explicit PlainLines(const LineOptions& options) : options_(options) {}

  /// Adds the readings of a line. False, and nothing was added: it is not so plain, or wrong, or there is no
  /// memory left for more names.
  bool read(std::string_view line, std::size_t index, PlainReadings& out);

 private:
  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

  struct FieldName {
    std::string key;
    std::uint32_t name;
  };
  /// Measurement and tags.
  struct Head {
    bool plain = false;
    std::string machine, prefix;  ///< a tag is called as its field with the prefix before it
    std::vector<FieldName> fields;
    ByText<std::uint32_t> places;  ///< of fields, by key
    std::size_t next = 0;          ///< the field that will come, probably
  };

  Head* head_of(std::string_view text);
  Head described(std::string_view text) const;
  bool add_fields(Head& head, std::string_view rest, std::size_t index, PlainReadings& out);
  std::optional<std::uint32_t> name_of(Head& head, std::string_view key, PlainReadings& out);
  bool set_time(std::string_view text, std::size_t first, PlainReadings& out) const;

  const LineOptions& options_;  // borrowed
  ByText<Head> heads_;
  const std::string* last_text_ = nullptr;
  Head* last_ = nullptr;
  std::size_t names_ = 0;
};

}  // namespace takt
