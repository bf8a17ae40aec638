// The small change of encoded columns: bytes, varints and packed numbers, written to a string and read with every
// size checked.
#pragma once

#include "engine/codec/kernels.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace takt::codec {

constexpr std::uint64_t zigzag(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  return (bits << 1) ^ (0 - (bits >> 63));
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}
constexpr std::int64_t wrapping_subtract(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
constexpr unsigned bits_of(std::uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); }

/// LEB128: 7 bits a byte, low ones first.
constexpr std::size_t varint_bytes(std::uint64_t value) { return value == 0 ? 1 : (bits_of(value) + 6) / 7; }

inline void append_byte(std::string& out, unsigned value) { out.push_back(static_cast<char>(value)); }

inline void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) append_byte(out, static_cast<unsigned>(value & 0x7f) | 0x80);
  append_byte(out, static_cast<unsigned>(value));
}

inline void append_packed(std::string& out, std::span<const std::uint64_t> values, unsigned width) {
  const std::size_t at = out.size();
  out.resize(at + packed_bytes(values.size(), width));
  kernels().pack(values.data(), values.size(), width, reinterpret_cast<unsigned char*>(out.data() + at));
}

/// Reads from the front. Once something is missing it has failed for good and gives zeros.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_{bytes} {}

  bool failed() const { return failed_; }
  bool done() const { return !failed_ && rest_.empty(); }
  std::size_t left() const { return rest_.size(); }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

  std::string_view bytes(std::uint64_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  unsigned byte() {
    const std::string_view one = bytes(1);
    return one.empty() ? 0 : static_cast<unsigned char>(one[0]);
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const unsigned next = byte();
      value |= std::uint64_t{next & 0x7f} << shift;
      if (next < 0x80) {
        // The tenth byte has room for one bit.
        if (shift == 63 && next > 1) fail();
        return failed_ ? 0 : value;
      }
    }
    fail();
    return 0;
  }

  /// A varint that must not exceed `limit`.
  std::uint64_t varint(std::uint64_t limit) {
    const std::uint64_t value = varint();
    if (value > limit) fail();
    return failed_ ? 0 : value;
  }

  std::int64_t signed_varint() { return unzigzag(varint()); }

  /// False, and `values` as they were, if there are not enough bytes or the width is none.
  bool packed(std::span<std::uint64_t> values, unsigned width) {
    if (width > 64) fail();
    const std::string_view data = bytes(packed_bytes(values.size(), width > 64 ? 0 : width));
    if (failed_) return false;
    kernels().unpack(reinterpret_cast<const unsigned char*>(data.data()), values.size(), width, values.data());
    return true;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace takt::codec
