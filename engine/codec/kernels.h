// The inner loops of the codecs over plain arrays. They are compiled twice, for every x86-64 and for x86-64-v3
// (AVX2), and chosen once; both give the same bytes and the same values (tested).
//
// These are loops, not decoders: they believe their arguments. Who calls them has checked every size before.
// Arithmetic on values wraps, as that of std::uint64_t does: nothing here overflows. Thread-safe: they keep no
// state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace takt::codec {

/// Values packed together with one width.
inline constexpr std::size_t kVector = 1024;

/// The bytes of `count` values of `width` bits each.
constexpr std::size_t packed_bytes(std::size_t count, unsigned width) { return (count * width + 7) / 8; }

struct Kernels {
  const char* name;

  /// Packs the low `width` bits (0 to 64) of `count` values into packed_bytes(count, width) bytes: vectors of 1024
  /// in 16 interleaved lanes, of what is left quarters of 256 in 4 lanes, and the rest in order, without padding.
  void (*pack)(const std::uint64_t* values, std::size_t count, unsigned width, unsigned char* out);
  /// The reverse. Reads exactly packed_bytes(count, width) bytes.
  void (*unpack)(const unsigned char* in, std::size_t count, unsigned width, std::uint64_t* values);

  struct Range {
    std::int64_t minimum, maximum;
  };
  /// Of at least one value.
  Range (*range)(const std::int64_t* values, std::size_t count);
  /// How many values differ from the one before them.
  std::size_t (*changes)(const std::int64_t* values, std::size_t count);
  /// Adds to bins[b] the number of values for which value - zero, unsigned, takes b bits.
  void (*widths_above)(const std::int64_t* values, std::size_t count, std::int64_t zero, std::uint32_t bins[65]);
  /// The same of zigzag(value - zero): b bits reach from zero - 2^(b-1) to just below zero + 2^(b-1).
  void (*widths_around)(const std::int64_t* values, std::size_t count, std::int64_t zero, std::uint32_t bins[65]);
  /// out[i] = values[i + 1] - values[i], for count - 1 of them.
  void (*deltas)(const std::int64_t* values, std::size_t count, std::int64_t* out);
  /// values[i] += values[i - 1], in order; the first gets `start`.
  void (*running_sum)(std::int64_t* values, std::size_t count, std::int64_t start);
  /// values[i] = values[i] * factor + base
  void (*scale)(std::int64_t* values, std::size_t count, std::uint64_t factor, std::int64_t base);
  /// out[i] = ((values[i] - base) >> shift) * inverse: division where nothing remains.
  void (*divide)(const std::int64_t* values, std::size_t count, std::int64_t base, unsigned shift,
                 std::uint64_t inverse, std::int64_t* out);
  /// out[i] = values[i] - base - ((first + i * step) >> 16)
  void (*subtract_line)(const std::int64_t* values, std::size_t count, std::int64_t base, std::uint64_t first,
                        std::uint64_t step, std::int64_t* out);
  /// values[i] += base + ((first + i * step) >> 16)
  void (*add_line)(std::int64_t* values, std::size_t count, std::int64_t base, std::uint64_t first,
                   std::uint64_t step);
  /// out[i] = values[i] - base
  void (*subtract)(const std::int64_t* values, std::size_t count, std::int64_t base, std::uint64_t* out);

  /// offsets[i] = values[i] - base, and symbols[i] = min(offsets[i] >> shift, 255).
  void (*split)(const std::int64_t* values, std::size_t count, std::int64_t base, unsigned shift,
                std::uint64_t* offsets, std::uint8_t* symbols);
  /// values[i] += base + (symbols[i] << shift)
  void (*join)(const std::uint8_t* symbols, std::size_t count, std::int64_t base, unsigned shift,
               std::int64_t* values);

  struct Totals {
    std::int64_t minimum, maximum;
    std::uint64_t sum;
  };
  /// Minimum, maximum and the sum modulo 2^64 of at least one value.
  Totals (*totals)(const std::int64_t* values, std::size_t count);
  struct Reals {
    double minimum, maximum, sum;
  };
  /// Of at least one double, none a NaN; the sum in eight strands, then added.
  Reals (*real_totals)(const double* values, std::size_t count);

  /// out[i] = round(values[i] * scale), and how many do not come back to the bit by out[i] / scale.
  /// Those hold any number within +-2^51.
  std::size_t (*to_mantissas)(const double* values, std::size_t count, double scale, std::int64_t* out);
  /// The same for doubles that were single precision: they come back by float(out[i] / scale).
  std::size_t (*to_single_mantissas)(const double* values, std::size_t count, double scale, std::int64_t* out);
  /// out[i] = mantissas[i] / scale; mantissas within +-2^51.
  void (*from_mantissas)(const std::int64_t* mantissas, std::size_t count, double scale, double* out);
  void (*from_single_mantissas)(const std::int64_t* mantissas, std::size_t count, double scale, double* out);
};

/// The best for this processor.
const Kernels& kernels();
/// All that this processor can run, for the test that they agree.
std::span<const Kernels* const> all_kernels();

}  // namespace takt::codec
