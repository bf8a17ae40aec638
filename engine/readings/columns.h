// Readings of one tag as columns: how they stand in memory, and what chunks are made of.
#pragma once

#include "engine/readings/alike_column.h"
#include "engine/records.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// OPC quality that was not sent, which counts as good.
inline constexpr std::int32_t kNoQuality = -1;
/// OPC quality from which a value counts as good.
inline constexpr std::int32_t kGoodQuality = 192;
inline constexpr bool is_good(std::int32_t quality) { return quality == kNoQuality || quality >= kGoodQuality; }

/// What only a few readings have.
struct ReadingExtra {
  std::uint64_t order = 0;  ///< of its rank: revision * 2 + withdrawn
  std::string value;        ///< of a text
  std::string id, attributes;

  friend bool operator==(const ReadingExtra&, const ReadingExtra&) = default;
};

/// One row, borrowed from its columns.
struct Reading {
  Timestamp at;
  double number = 0;  ///< booleans are 0 and 1
  std::int32_t quality = kNoQuality;
  Value::Kind kind = Value::Kind::number;
  const ReadingExtra* extra = nullptr;  ///< null: none

  std::string_view text() const { return extra == nullptr ? std::string_view{} : extra->value; }
  std::string_view id() const { return extra == nullptr ? std::string_view{} : extra->id; }
  bool withdrawn() const { return extra != nullptr && (extra->order & 1U) != 0; }
};

/// Which of two readings of one identity wins. The fixed order on content is by a hash of value, quality and
/// attributes.
Rank rank_of(const Reading& reading);

/// A reading as it comes in, as a row. `extra` gets what the row borrows.
Reading reading_of(const Event& event, ReadingExtra& extra);

/// Rows in order of (time, id), one of each identity. Plain data: keep the columns of one length.
struct ReadingColumns {
  std::vector<std::int64_t> at;  ///< microseconds since the epoch
  std::vector<double> number;
  AlikeColumn<std::int32_t> quality;
  AlikeColumn<Value::Kind> kind;
  AlikeColumn<std::uint32_t> extra;  ///< 0: none, else extras[extra - 1]
  std::vector<ReadingExtra> extras;

  std::size_t size() const { return at.size(); }
  bool empty() const { return at.empty(); }
  Reading operator[](std::size_t i) const {
    return {from_micros(at[i]), number[i], quality[i], kind[i], extra[i] == 0 ? nullptr : &extras[extra[i] - 1]};
  }

  void reserve(std::size_t rows);
  void push_back(const Reading& row);
  void append(const ReadingColumns& from, std::size_t first, std::size_t last);
  /// The first row at or after `us`.
  std::size_t lower_bound(std::int64_t us) const;
  /// Where a reading of this time and id stands, or would stand, among the rows before `end`.
  std::size_t place_of(std::int64_t us, std::string_view id,
                       std::size_t end = std::numeric_limits<std::size_t>::max()) const;
  /// Whether row `i` is of this identity.
  bool is(std::size_t i, std::int64_t us, std::string_view id) const {
    return i < size() && at[i] == us && (*this)[i].id() == id;
  }
  void insert(std::size_t i, const Reading& row);
  /// Puts rows of other identities in their places.
  void insert(const ReadingColumns& rows);
  void replace(std::size_t i, const Reading& row);
  /// Bytes of memory, about.
  std::size_t bytes() const;
};

/// Rows of several sources as one: in order, of each identity the one of the highest rank. With `keep_withdrawn`
/// withdrawn ones stay, as they go on beating what they withdrew.
ReadingColumns merge(const std::vector<const ReadingColumns*>& sources, bool keep_withdrawn);

}  // namespace takt
