#include "engine/codec/entropy.h"

#include "engine/codec/frame.h"
#include "engine/codec/scratch.h"
#include "schema/result.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace takt::codec {
namespace {

constexpr std::size_t kMostRows = 8192;
constexpr std::size_t kFewestRows = 64;      // below, table and states outweigh any saving
constexpr std::size_t kBins = 1024;          // of the histogram that plans are made from
constexpr std::size_t kStates = 4;           // interleaved: as many chains of arithmetic at a time
constexpr std::uint32_t kLowest = 1u << 16;  // states live in [2^16, 2^32) and move 16 bits at a time
constexpr unsigned kMostScaleBits = 12, kFewestScaleBits = 8;

using Frequencies = std::array<std::uint32_t, kSymbols>;

// A table as fine as the column can teach, and no finer: its cost grows with it.
unsigned scale_bits_for(std::size_t count) {
  return std::clamp(bits_of(count), kFewestScaleBits + 1, kMostScaleBits + 1) - 1;
}

/// x log2 x, for x up to a column's rows: plans add up thousands of them.
const std::array<float, kMostRows + 1>& x_log2_x() {
  static const auto table = [] {
    std::array<float, kMostRows + 1> made{};
    for (std::size_t x = 2; x < made.size(); ++x) {
      made[x] = static_cast<float>(static_cast<double>(x) * std::log2(static_cast<double>(x)));
    }
    return made;
  }();
  return table;
}

/// Counts of values by (value - origin) >> shift; what is outside the bins is counted alone.
struct Histogram {
  std::int64_t origin = 0;
  unsigned shift = 0;
  std::size_t used = 0;  ///< bins up to the last that can hold any
  std::array<std::uint32_t, kBins> bins{};
};

/// One in four of a long column: enough to plan by, and a table of so many bins costs less to fill.
constexpr std::size_t kFullHistogram = 2048;
std::size_t stride_of(std::size_t count) { return count > kFullHistogram ? 4 : 1; }
std::size_t counted(std::size_t count) { return (count + stride_of(count) - 1) / stride_of(count); }

/// Bins over [low, high] and half of that to either side, as far as there are values.
Histogram histogram_of(std::span<const std::int64_t> values, Kernels::Range range, std::int64_t low,
                       std::int64_t high) {
  Histogram histogram;
  histogram.origin = range.minimum;
  std::uint64_t extent = static_cast<std::uint64_t>(wrapping_subtract(range.maximum, range.minimum));
  const auto central = static_cast<std::uint64_t>(wrapping_subtract(high, low));
  const std::uint64_t margin = central / 2 + 4;
  const auto below = static_cast<std::uint64_t>(wrapping_subtract(low, range.minimum));
  if (below > margin) {
    histogram.origin = wrapping_add(range.minimum, static_cast<std::int64_t>(below - margin));
    extent -= below - margin;
  }
  if (central < (std::uint64_t{1} << 60)) extent = std::min(extent, central + 2 * margin);
  histogram.shift = bits_of(extent) > 10 ? bits_of(extent) - 10 : 0;
  histogram.used = (extent >> histogram.shift) + 1;
  const std::size_t stride = stride_of(values.size());
  for (std::size_t i = 0; i < values.size(); i += stride) {
    const auto bin = static_cast<std::uint64_t>(wrapping_subtract(values[i], histogram.origin)) >> histogram.shift;
    if (bin < histogram.used) ++histogram.bins[bin];
  }
  return histogram;
}

/// The 255 bins in a row that hold the most values.
std::size_t best_window(const Histogram& histogram) {
  if (histogram.used <= kEscape) return 0;
  std::size_t best = 0, sum = 0, best_sum = 0;
  for (std::size_t i = 0; i < histogram.used; ++i) {
    sum += histogram.bins[i];
    if (i >= kEscape) sum -= histogram.bins[i - kEscape];
    if (i + 1 >= kEscape && sum > best_sum) {
      best_sum = sum;
      best = i + 1 - kEscape;
    }
  }
  return best;
}

void halve(Histogram& histogram) {
  const std::size_t used = (histogram.used + 1) / 2;
  for (std::size_t i = 0; i < used; ++i) {
    histogram.bins[i] = histogram.bins[2 * i] + (2 * i + 1 < histogram.used ? histogram.bins[2 * i + 1] : 0);
  }
  histogram.used = used;
  ++histogram.shift;
}

// A symbol of the table takes a byte or two; the states two words each.
constexpr double kBitsOfSymbol = 9, kBitsOfRest = 8 * (kStates * 4 + 8);

/// Estimated bits with the window at `start`.
double estimate(const Histogram& histogram, std::size_t start, std::size_t count, unsigned full_width) {
  const auto& table = x_log2_x();
  const std::size_t all = counted(count);
  std::size_t inside = 0, symbols = 0;
  double bits = table[all];
  for (std::size_t i = start; i < std::min(histogram.used, start + kEscape); ++i) {
    inside += histogram.bins[i];
    symbols += histogram.bins[i] != 0;
    bits -= table[histogram.bins[i]];
  }
  const std::size_t escapes = all - inside;
  bits -= table[escapes];
  bits += static_cast<double>(all) * histogram.shift + static_cast<double>(escapes) * (full_width + 1);
  return bits * static_cast<double>(count) / static_cast<double>(all) +
         static_cast<double>(symbols) * kBitsOfSymbol + kBitsOfRest;
}

struct Symbols {
  Scratch<std::uint8_t> symbols;
  Scratch<std::uint64_t> offsets;
  std::vector<std::int64_t> escapes;
  Frequencies counts{};
};

// Four tables: in a column of little entropy an increment would wait for the last one's store.
void count_symbols(std::span<const std::uint8_t> symbols, Frequencies& counts) {
  std::array<Frequencies, 4> tables{};
  std::size_t i = 0;
  for (; i + 4 <= symbols.size(); i += 4) {
    for (std::size_t k = 0; k < 4; ++k) ++tables[k][symbols[i + k]];
  }
  for (; i < symbols.size(); ++i) ++tables[0][symbols[i]];
  for (unsigned s = 0; s < kSymbols; ++s) counts[s] = tables[0][s] + tables[1][s] + tables[2][s] + tables[3][s];
}

Symbols split(const EntropyPlan& plan, std::span<const std::int64_t> values) {
  Symbols parts{Scratch<std::uint8_t>{values.size()}, Scratch<std::uint64_t>{values.size()}, {}, {}};
  kernels().split(values.data(), values.size(), plan.reference, plan.shift, parts.offsets.data(),
                  parts.symbols.data());
  count_symbols(parts.symbols.span(), parts.counts);
  if (parts.counts[kEscape] == 0) return parts;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (parts.symbols[i] != kEscape) continue;
    parts.escapes.push_back(static_cast<std::int64_t>(parts.offsets[i]) >> plan.shift);
  }
  return parts;
}

/// Counts scaled so that they add up to 2^bits, and none that was there vanishes.
Frequencies normalise(const Frequencies& counts, std::size_t total, unsigned bits) {
  Frequencies scaled{};
  const std::uint32_t target = 1u << bits;
  std::uint32_t sum = 0;
  for (unsigned s = 0; s < kSymbols; ++s) {
    if (counts[s] == 0) continue;
    scaled[s] = std::max<std::uint32_t>(
        1, static_cast<std::uint32_t>((std::uint64_t{counts[s]} * target + total / 2) / total));
    sum += scaled[s];
  }
  // The largest bear the rounding: there it costs least.
  while (sum != target) {
    auto& largest = *std::max_element(scaled.begin(), scaled.end());
    const std::uint32_t step = sum < target ? target - sum : std::min(sum - target, (largest + 1) / 2);
    largest = sum < target ? largest + step : largest - step;
    sum = sum < target ? sum + step : sum - step;
  }
  return scaled;
}

void append_table(std::string& out, const Frequencies& frequencies) {
  unsigned used = kEscape;
  while (used > 0 && frequencies[used - 1] == 0) --used;
  append_byte(out, used);
  for (unsigned s = 0; s < used; ++s) {
    append_varint(out, frequencies[s]);
    if (frequencies[s] != 0) continue;
    unsigned more = 0;
    while (s + 1 < used && frequencies[s + 1] == 0) ++more, ++s;
    append_byte(out, more);
  }
  append_varint(out, frequencies[kEscape]);
}

bool read_table(ByteReader& in, unsigned bits, Frequencies& frequencies) {
  const unsigned used = in.byte();
  std::uint64_t sum = 0;
  for (unsigned s = 0; s < used; ++s) {
    frequencies[s] = static_cast<std::uint32_t>(in.varint(std::uint64_t{1} << bits));
    sum += frequencies[s];
    if (frequencies[s] == 0) s += in.byte();
    if (in.failed()) return false;
  }
  frequencies[kEscape] = static_cast<std::uint32_t>(in.varint(std::uint64_t{1} << bits));
  return !in.failed() && sum + frequencies[kEscape] == std::uint64_t{1} << bits;
}

/// What coding one symbol takes, with a division turned into a multiplication.
struct Coder {
  std::uint64_t reciprocal = 0, limit = 0;
  std::uint32_t frequency = 0, start = 0;
  std::uint32_t whole = 0;  // all ones where the frequency is 1, whose reciprocal has no room
};

std::array<Coder, kSymbols> coders_for(const Frequencies& frequencies, unsigned bits) {
  std::array<Coder, kSymbols> coders;
  std::uint32_t start = 0;
  for (unsigned s = 0; s < kSymbols; ++s) {
    const std::uint32_t frequency = frequencies[s];
    if (frequency == 0) continue;
    Coder& coder = coders[s];
    coder = {frequency == 1 ? 0 : ~std::uint64_t{0} / frequency + 1, std::uint64_t{frequency} << (32 - bits),
             frequency, start, frequency == 1 ? ~0u : 0};
    start += frequency;
  }
  return coders;
}

__extension__ using Wide = unsigned __int128;

[[gnu::always_inline]] inline void code(std::uint32_t& state, std::uint16_t*& at, const Coder& coder,
                                        unsigned bits) {
  const bool full = state >= coder.limit;
  *(at - 1) = static_cast<std::uint16_t>(state);
  at -= full ? 1 : 0;
  state = full ? state >> 16 : state;
  const std::uint32_t quotient =
      static_cast<std::uint32_t>((Wide{state} * coder.reciprocal) >> 64) + (state & coder.whole);
  state = (quotient << bits) + (state - quotient * coder.frequency) + coder.start;
}

/// Symbols are coded from the last to the first, so that they are decoded from the first to the last.
void append_states(std::string& out, std::span<const std::uint8_t> symbols, const Frequencies& frequencies,
                   unsigned bits) {
  const auto coders = coders_for(frequencies, bits);
  Scratch<std::uint16_t> words{symbols.size() + 1};  // one in front, which is only ever written in vain
  std::uint16_t* const end = words.data() + words.size();
  std::uint16_t* at = end;
  std::array<std::uint32_t, kStates> states;
  states.fill(kLowest);
  std::size_t i = symbols.size();
  for (; i % kStates != 0; --i) code(states[(i - 1) % kStates], at, coders[symbols[i - 1]], bits);
  for (; i > 0; i -= kStates) {
#pragma GCC unroll 4
    for (std::size_t k = kStates; k-- > 0;) code(states[k], at, coders[symbols[i - kStates + k]], bits);
  }
  append_varint(out, static_cast<std::size_t>(end - at));
  for (const std::uint32_t state : states) out.append(reinterpret_cast<const char*>(&state), sizeof state);
  out.append(reinterpret_cast<const char*>(at), static_cast<std::size_t>(end - at) * sizeof(std::uint16_t));
}

/// A slot of the decoder's table: symbol, frequency - 1 (12 bits), slot - start (12 bits).
using Slots = std::array<std::uint32_t, std::size_t{1} << kMostScaleBits>;

void fill(Slots& slots, const Frequencies& frequencies) {
  std::size_t slot = 0;
  for (unsigned s = 0; s < kSymbols; ++s) {
    for (std::uint32_t k = 0; k < frequencies[s]; ++k) slots[slot++] = s | (frequencies[s] - 1) << 8 | k << 20;
  }
}

class Decoder {
 public:
  Decoder(std::string_view words, const Slots& slots, unsigned bits) : words_{words}, slots_{slots}, bits_{bits} {}

  void start(std::string_view states) { std::memcpy(states_.data(), states.data(), sizeof states_); }

  /// False if the words run out.
  bool decode(std::span<std::uint8_t> symbols) {
    // Long columns have the finest table: shifts that the compiler knows.
    const bool finest = bits_ == kMostScaleBits;
    const std::size_t done = finest ? decode_rounds(symbols, kMostScaleBits) : decode_rounds(symbols, bits_);
    return careful(symbols.subspan(done), done);
  }

  /// Every state is back where coding began, and no word is left.
  bool complete() const {
    return words_.empty() && std::all_of(states_.begin(), states_.end(), [](auto s) { return s == kLowest; });
  }

 private:
  /// A symbol from each state in turn, as long as there are words for all; how many symbols that gave.
  [[gnu::always_inline]] std::size_t decode_rounds(std::span<std::uint8_t> symbols, const unsigned bits) {
    std::size_t i = 0;
    const std::size_t rounds = symbols.size() - symbols.size() % kStates;
    // Copies in registers: stores through bytes could otherwise change the members.
    std::array<std::uint32_t, kStates> states = states_;
    const char* at = words_.data();
    const char* const end = at + words_.size();
    const std::uint32_t* const slots = slots_.data();
    std::uint8_t* const out = symbols.data();
    for (; i < rounds && end - at >= static_cast<std::ptrdiff_t>(2 * kStates); i += kStates) {
#pragma GCC unroll 8
      for (std::size_t k = 0; k < kStates; ++k) {
        const std::uint32_t slot = slots[states[k] & ((1u << bits) - 1)];
        out[i + k] = static_cast<std::uint8_t>(slot);
        const std::uint32_t state = ((slot >> 8 & 0xfff) + 1) * (states[k] >> bits) + (slot >> 20);
        std::uint16_t word = 0;
        std::memcpy(&word, at, sizeof word);
        const bool refill = state < kLowest;
        states[k] = refill ? state << 16 | word : state;
        at += refill ? 2 : 0;
      }
    }
    states_ = states;
    words_.remove_prefix(static_cast<std::size_t>(at - words_.data()));
    return i;
  }

  bool careful(std::span<std::uint8_t> symbols, std::size_t first) {
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      std::uint32_t& state = states_[(first + i) % kStates];
      const std::uint32_t slot = slots_[state & ((1u << bits_) - 1)];
      symbols[i] = static_cast<std::uint8_t>(slot);
      state = ((slot >> 8 & 0xfff) + 1) * (state >> bits_) + (slot >> 20);
      if (state >= kLowest) continue;
      if (words_.size() < 2) return false;
      std::uint16_t word = 0;
      std::memcpy(&word, words_.data(), sizeof word);
      words_.remove_prefix(2);
      state = state << 16 | word;
    }
    return true;
  }

  std::string_view words_;
  const Slots& slots_;
  unsigned bits_;
  std::array<std::uint32_t, kStates> states_{};
};

bool decode_symbols(ByteReader& in, std::span<std::uint8_t> symbols) {
  const unsigned bits = scale_bits_for(symbols.size());
  Frequencies frequencies{};
  if (!read_table(in, bits, frequencies)) return false;
  Slots slots;
  fill(slots, frequencies);
  const std::uint64_t words = in.varint(symbols.size() + 2 * kStates);
  const std::string_view states = in.bytes(kStates * sizeof(std::uint32_t));
  const std::string_view stream = in.bytes(words * 2);
  if (in.failed()) return false;
  Decoder decoder{stream, slots, bits};
  decoder.start(states);
  return decoder.decode(symbols) && decoder.complete();
}

/// What the joined values of escapes lack.
bool restore_escapes(ByteReader& in, std::span<const std::uint8_t> symbols, std::vector<std::int64_t>& escapes) {
  escapes.resize(static_cast<std::size_t>(std::count(symbols.begin(), symbols.end(), kEscape)));
  return escapes.empty() || decode_frame(in, escapes);
}

void add_escapes(std::span<const std::uint8_t> symbols, std::span<const std::int64_t> escapes, unsigned shift,
                 std::span<std::int64_t> values) {
  if (escapes.empty()) return;
  for (std::size_t i = 0, next = 0; i < symbols.size(); ++i) {
    if (symbols[i] != kEscape) continue;
    const std::uint64_t beyond = static_cast<std::uint64_t>(escapes[next++]) - kEscape;
    values[i] = wrapping_add(values[i], static_cast<std::int64_t>(beyond << shift));
  }
}

}  // namespace

namespace {

/// The best of all shifts of a histogram, if it is better than `best_bits`.
void improve(EntropyPlan& best, double& best_bits, Histogram histogram, std::size_t count, unsigned full_width) {
  for (;; halve(histogram)) {
    const std::size_t start = best_window(histogram);
    const unsigned escaped = full_width > histogram.shift ? full_width - histogram.shift : 0;
    const double bits = estimate(histogram, start, count, escaped);
    if (bits < best_bits) {
      best_bits = bits;
      best.shift = histogram.shift;
      best.reference = wrapping_add(histogram.origin, static_cast<std::int64_t>(start << histogram.shift));
    }
    if (histogram.used <= 8) return;
  }
}

}  // namespace

EntropyPlan plan_entropy(std::span<const std::int64_t> values) {
  EntropyPlan best;
  if (values.size() < kFewestRows) return best;
  const auto range = kernels().range(values.data(), values.size());
  const unsigned full_width = bits_of(static_cast<std::uint64_t>(wrapping_subtract(range.maximum, range.minimum)));
  std::array<std::int64_t, 31> sample{};
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = values[(2 * i + 1) * values.size() / 62];
  std::sort(sample.begin(), sample.end());
  // Evenly spread and wide, as the jitter of a clock: nothing to gain, and no need of a histogram to know it.
  if (full_width >= 10 && static_cast<std::uint64_t>(wrapping_subtract(sample[28], sample[2])) >
                              (std::uint64_t{1} << (full_width - 2)) * 5 / 2) {
    return best;
  }
  double best_bits = 1e300;
  improve(best, best_bits, histogram_of(values, range, sample[2], sample[28]), values.size(), full_width);
  // A heap among far outliers, such as cycle times among pauses, needs finer bins than those see.
  const auto wide = static_cast<std::uint64_t>(wrapping_subtract(sample[28], sample[2]));
  const auto narrow = static_cast<std::uint64_t>(wrapping_subtract(sample[23], sample[7]));
  if (narrow < wide / 8) {
    improve(best, best_bits, histogram_of(values, range, sample[7], sample[23]), values.size(), full_width);
  }
  best.bytes = static_cast<std::size_t>(best_bits / 8) + 1;
  return best;
}

void append_entropy(std::string& out, const EntropyPlan& plan, std::span<const std::int64_t> values) {
  Symbols parts = split(plan, values);
  const unsigned bits = scale_bits_for(values.size());
  const Frequencies frequencies = normalise(parts.counts, values.size(), bits);
  append_byte(out, plan.shift);
  append_varint(out, zigzag(plan.reference));
  append_table(out, frequencies);
  append_states(out, parts.symbols.span(), frequencies, bits);
  if (!parts.escapes.empty()) append_frame(out, parts.escapes);
  append_packed(out, parts.offsets.span(), plan.shift);
}

bool decode_entropy(ByteReader& in, std::span<std::int64_t> values) {
  const unsigned shift = in.byte();
  const std::int64_t reference = in.signed_varint();
  if (in.failed() || shift > 63) return false;
  std::array<std::uint8_t, kMostRows> all;
  if (values.size() > all.size()) return false;
  const std::span<std::uint8_t> symbols{all.data(), values.size()};
  if (!decode_symbols(in, symbols)) return false;
  std::vector<std::int64_t> escapes;
  if (!restore_escapes(in, symbols, escapes)) return false;
  if (!in.packed({reinterpret_cast<std::uint64_t*>(values.data()), values.size()}, shift)) return false;
  kernels().join(symbols.data(), symbols.size(), reference, shift, values.data());
  add_escapes(symbols, escapes, shift, values);
  return true;
}

}  // namespace takt::codec
