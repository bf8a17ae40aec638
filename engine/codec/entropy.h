// An entropy stage for residuals: the high part of a value is a symbol of a range-variant asymmetric numeral
// system (rANS; Duda, arXiv:1311.2540), its low bits are packed.
//
// Noise is not evenly spread: a frame pays for its edges, one bit a value and more. The stage comes within a
// percent or two of the order-0 entropy, but decodes at about a fifth of a frame's rate; choosers take it where it
// saves a sixteenth. docs/codecs.md draws the bytes.
#pragma once

#include "engine/codec/bytes.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace takt::codec {

/// Symbols 0 to 254 are high parts; this one is anything else, which is then written in full.
inline constexpr unsigned kEscape = 255;
inline constexpr unsigned kSymbols = 256;

/// Where the symbols lie, found by a histogram: value = reference + (symbol << shift) + low bits.
struct EntropyPlan {
  std::int64_t reference = 0;
  unsigned shift = 0;
  std::size_t bytes = SIZE_MAX;  ///< estimated, mostly within 2 %
};

/// The best plan for a column of up to 8192 residuals; a size of SIZE_MAX if there are too few to be worth a
/// table.
EntropyPlan plan_entropy(std::span<const std::int64_t> values);
void append_entropy(std::string& out, const EntropyPlan& plan, std::span<const std::int64_t> values);
/// False if the bytes are not those of so many values; then `values` hold anything.
bool decode_entropy(ByteReader& in, std::span<std::int64_t> values);

}  // namespace takt::codec
