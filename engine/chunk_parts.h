// What all stored chunks have in common: a prefix, a header in FlatBuffers, and behind it the columns, each with a
// checksum. docs/format.md draws it. Private to the engine.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "schema/chunk_generated.h"
#include "schema/result.h"

namespace takt {

/// The first four bytes of a chunk: what it is a chunk of.
enum class ChunkMagic : std::uint32_t {
  readings = 0x31434B54,  ///< "TKC1"
  events = 0x31454B54,    ///< "TKE1"
};

/// A little-endian number at any address; the bytes are there.
template <class T>
T load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Prefix and finished header; the columns follow.
std::string with_prefix(ChunkMagic magic, const flatbuffers::FlatBufferBuilder& header);

/// A header whose checksum holds, in memory of its own: the database hands out bytes at any address, FlatBuffers
/// reads aligned ones. Whether it is well formed is still to be asked.
struct HeaderBytes {
  std::vector<std::uint64_t> words;
  std::size_t size = 0;
  const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(words.data()); }
};
Result<HeaderBytes> header_bytes(ChunkMagic magic, std::string_view chunk);

/// Prefix and header: kept apart, so that opening a store need not read the columns.
std::string_view chunk_head_bytes(std::string_view chunk);

/// The columns of a chunk in the making.
class PartWriter {
 public:
  template <class Append>
  void add(std::uint8_t kind, Append append) {
    const std::size_t begin = body_.size();
    append(body_);
    parts_.emplace_back(checksum(begin), static_cast<std::uint32_t>(body_.size() - begin), kind);
  }
  std::size_t count() const { return parts_.size(); }
  /// The bytes of the part added last.
  std::string_view last() const { return std::string_view{body_}.substr(body_.size() - parts_.back().size()); }
  const std::vector<wire::Part>& parts() const { return parts_; }
  const std::string& body() const { return body_; }

 private:
  std::uint64_t checksum(std::size_t begin) const;

  std::vector<wire::Part> parts_;
  std::string body_;
};

using Parts = flatbuffers::Vector<const wire::Part*>;
/// The bytes of one column, whose checksum holds.
Result<std::string_view> checked_part(const Parts& parts, std::size_t index, std::string_view body);

}  // namespace takt
