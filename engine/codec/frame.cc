#include "engine/codec/frame.h"

#include "schema/result.h"

#include <algorithm>
#include <array>

namespace takt::codec {
namespace {

using Bins = std::array<std::uint32_t, 65>;

constexpr unsigned kHasExceptions = 0x80, kSignedHighs = 0x80, kWidthBits = 0x7f;

// Places of exceptions are a list or a bitmap, whichever is shorter; the reader comes to the same choice.
unsigned place_width(std::size_t count) { return bits_of(count - 1); }
bool places_are_bitmap(std::size_t count, std::size_t exceptions) {
  return packed_bytes(exceptions, place_width(count)) > packed_bytes(count, 1);
}
std::size_t place_bytes(std::size_t count, std::size_t exceptions) {
  return std::min(packed_bytes(exceptions, place_width(count)), packed_bytes(count, 1));
}

std::int64_t high_of(std::int64_t value, std::int64_t reference, unsigned width) {
  return wrapping_subtract(value, reference) >> width;
}

std::size_t bytes_of(const VectorPlan& plan, std::size_t count, std::int64_t last_reference) {
  std::size_t bytes = 1 + varint_bytes(zigzag(wrapping_subtract(plan.reference, last_reference))) +
                      packed_bytes(count, plan.width);
  if (plan.exceptions > 0) {
    bytes += varint_bytes(plan.exceptions) + 1 + place_bytes(count, plan.exceptions) +
             packed_bytes(plan.exceptions, plan.high_width);
  }
  return bytes;
}

/// What every candidate of a vector needs to know.
struct Vector {
  std::span<const std::int64_t> values;
  Kernels::Range range;
  std::int64_t last_reference;

  unsigned full_width() const {
    return bits_of(static_cast<std::uint64_t>(wrapping_subtract(range.maximum, range.minimum)));
  }
};

void keep_if_smaller(VectorPlan& best, VectorPlan candidate, const Vector& vector) {
  candidate.bytes = bytes_of(candidate, vector.values.size(), vector.last_reference);
  if (candidate.bytes < best.bytes) best = candidate;
}

// All widths from the minimum up; what is larger is an exception.
void try_from_minimum(VectorPlan& best, const Vector& vector) {
  Bins bins{};
  kernels().widths_above(vector.values.data(), vector.values.size(), vector.range.minimum, bins.data());
  std::size_t exceptions = 0;
  for (unsigned width = vector.full_width(); width-- > 0;) {
    exceptions += bins[width + 1];
    keep_if_smaller(best, {vector.range.minimum, width, vector.full_width() - width, false, exceptions, 0},
                    vector);
  }
}

/// The plan with highs wide enough for both ends of the range.
VectorPlan with_signed_highs(VectorPlan plan, const Vector& vector) {
  plan.high_width = std::max(bits_of(zigzag(high_of(vector.range.minimum, plan.reference, plan.width))),
                             bits_of(zigzag(high_of(vector.range.maximum, plan.reference, plan.width))));
  return plan;
}

// All widths around a centre; what is outside on either side is an exception.
void try_around(VectorPlan& best, const Vector& vector, std::int64_t centre) {
  Bins bins{};
  kernels().widths_around(vector.values.data(), vector.values.size(), centre, bins.data());
  std::size_t exceptions = 0;
  for (unsigned bits = vector.full_width() + 1; bits < bins.size(); ++bits) exceptions += bins[bits];
  for (unsigned width = vector.full_width(); width >= 1; --width) {
    const std::int64_t reference = wrapping_subtract(centre, std::int64_t{1} << (width - 1));
    keep_if_smaller(best, with_signed_highs({reference, width, 0, true, exceptions, 0}, vector), vector);
    exceptions += bins[width];
  }
}

// All widths up from the least value that `best` did not except: the window around a centre is rarely flush with
// it.
void try_from_floor(VectorPlan& best, const Vector& vector) {
  const std::uint64_t window = std::uint64_t{1} << best.width;
  std::int64_t floor = vector.range.maximum;
  for (const std::int64_t value : vector.values) {
    if (static_cast<std::uint64_t>(wrapping_subtract(value, best.reference)) < window)
      floor = std::min(floor, value);
  }
  Bins bins{};
  kernels().widths_above(vector.values.data(), vector.values.size(), floor, bins.data());
  // What is below the floor wraps to 64 bits.
  std::size_t exceptions = 0;
  for (unsigned bits = vector.full_width() + 1; bits < bins.size(); ++bits) exceptions += bins[bits];
  for (unsigned width = vector.full_width(); width >= 1; --width) {
    keep_if_smaller(best, with_signed_highs({floor, width, 0, true, exceptions, 0}, vector), vector);
    exceptions += bins[width];
  }
}

/// Fifteen values from all over the vector, sorted.
std::array<std::int64_t, 15> sample_of(std::span<const std::int64_t> values) {
  std::array<std::int64_t, 15> sample{};
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = values[(2 * i + 1) * values.size() / 30];
  std::sort(sample.begin(), sample.end());
  return sample;
}

}  // namespace

VectorPlan plan_vector(std::span<const std::int64_t> values, std::int64_t last_reference) {
  const Vector vector{values, kernels().range(values.data(), values.size()), last_reference};
  const unsigned full = vector.full_width();
  VectorPlan best{vector.range.minimum, full, 0, false, 0, 0};
  best.bytes = bytes_of(best, values.size(), last_reference);
  if (full == 0) return best;
  const auto sample = sample_of(values);
  // An exception costs more than 11 bits and saves one where it is in the upper half. With so many of the sample
  // there no width below the full one can pay, and the histogram would say so at its price.
  const std::uint64_t half = (std::uint64_t{1} << (full - 1));
  if (static_cast<std::uint64_t>(wrapping_subtract(sample[10], vector.range.minimum)) < half) {
    try_from_minimum(best, vector);
  }
  // Exceptions below make sense only where outliers stretch the range: twofold on both sides together. Differences
  // beyond 62 bits would wrap in the highs.
  const auto central = static_cast<std::uint64_t>(wrapping_subtract(sample[13], sample[1]));
  if (full <= 62 && bits_of(central) + 2 <= full) try_around(best, vector, sample[7]);
  if (best.exceptions_below && best.width > 0) try_from_floor(best, vector);
  return best;
}

FramePlan::FramePlan(std::span<const std::int64_t> values) {
  TAKT_INVARIANT(values.size() <= kMost * kVector);
  std::int64_t last = 0;
  for (std::size_t at = 0, v = 0; at < values.size(); at += kVector, ++v) {
    vectors_[v] = plan_vector(values.subspan(at, std::min(kVector, values.size() - at)), last);
    bytes_ += vectors_[v].bytes;
    last = vectors_[v].reference;
  }
}

namespace {

void append_exceptions(std::string& out, const VectorPlan& plan, std::span<const std::int64_t> values) {
  std::array<std::uint64_t, kVector> places{}, highs{};
  std::size_t found = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t high = high_of(values[i], plan.reference, plan.width);
    // Without exceptions below a high is a plain number, and may have all 64 bits of a range that wraps.
    const std::uint64_t plain =
        static_cast<std::uint64_t>(wrapping_subtract(values[i], plan.reference)) >> plan.width;
    if (plain == 0) continue;
    places[found] = i;
    highs[found++] = plan.exceptions_below ? zigzag(high) : plain;
  }
  TAKT_INVARIANT(found == plan.exceptions);
  append_varint(out, found);
  append_byte(out, plan.high_width | (plan.exceptions_below ? kSignedHighs : 0));
  if (places_are_bitmap(values.size(), found)) {
    std::array<std::uint64_t, kVector> bitmap{};
    for (std::size_t i = 0; i < found; ++i) bitmap[places[i]] = 1;
    append_packed(out, {bitmap.data(), values.size()}, 1);
  } else {
    append_packed(out, {places.data(), found}, place_width(values.size()));
  }
  append_packed(out, {highs.data(), found}, plan.high_width);
}

void append_vector(std::string& out, const VectorPlan& plan, std::span<const std::int64_t> values,
                   std::int64_t last_reference) {
  append_byte(out, plan.width | (plan.exceptions > 0 ? kHasExceptions : 0));
  append_varint(out, zigzag(wrapping_subtract(plan.reference, last_reference)));
  if (plan.exceptions > 0) append_exceptions(out, plan, values);
  std::array<std::uint64_t, kVector> lows;
  kernels().subtract(values.data(), values.size(), plan.reference, lows.data());
  append_packed(out, {lows.data(), values.size()}, plan.width);
}

struct Exceptions {
  std::size_t count = 0;
  unsigned width = 0;
  bool below = false;
  std::array<std::uint64_t, kVector> places, highs;
};

bool read_places(ByteReader& in, std::size_t count, Exceptions& exceptions) {
  if (!places_are_bitmap(count, exceptions.count)) {
    return in.packed({exceptions.places.data(), exceptions.count}, place_width(count));
  }
  std::array<std::uint64_t, kVector> bitmap;
  if (!in.packed({bitmap.data(), count}, 1)) return false;
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (bitmap[i] == 0) continue;
    if (found == exceptions.count) return false;
    exceptions.places[found++] = i;
  }
  return found == exceptions.count;
}

bool read_exceptions(ByteReader& in, std::size_t count, Exceptions& exceptions) {
  exceptions.count = in.varint(count);
  const unsigned highs = in.byte();
  if (in.failed() || exceptions.count == 0) return false;
  exceptions.width = highs & kWidthBits;
  exceptions.below = (highs & kSignedHighs) != 0;
  return read_places(in, count, exceptions) &&
         in.packed({exceptions.highs.data(), exceptions.count}, exceptions.width);
}

bool patch(std::span<std::int64_t> values, const Exceptions& exceptions, unsigned width) {
  for (std::size_t i = 0; i < exceptions.count; ++i) {
    if (exceptions.places[i] >= values.size()) return false;
    const std::uint64_t high =
        exceptions.below ? static_cast<std::uint64_t>(unzigzag(exceptions.highs[i])) : exceptions.highs[i];
    std::int64_t& value = values[exceptions.places[i]];
    value = wrapping_add(value, static_cast<std::int64_t>(high << width));
  }
  return true;
}

}  // namespace

bool FrameReader::next(std::span<std::int64_t> values) {
  const unsigned head = in_.byte(), width = head & kWidthBits;
  reference_ = wrapping_add(reference_, in_.signed_varint());
  const bool patched = (head & kHasExceptions) != 0;
  if (in_.failed() || width > (patched ? 63U : 64U)) return false;
  Exceptions exceptions;
  if (patched && !read_exceptions(in_, values.size(), exceptions)) return false;
  // Signed and unsigned of one width may share memory.
  if (!in_.packed({reinterpret_cast<std::uint64_t*>(values.data()), values.size()}, width)) return false;
  kernels().scale(values.data(), values.size(), 1, reference_);
  return !patched || patch(values, exceptions, width);
}

void FramePlan::append(std::string& out, std::span<const std::int64_t> values) const {
  [[maybe_unused]] const std::size_t before = out.size();
  std::int64_t last = 0;
  for (std::size_t at = 0, v = 0; at < values.size(); at += kVector, ++v) {
    append_vector(out, vectors_[v], values.subspan(at, std::min(kVector, values.size() - at)), last);
    last = vectors_[v].reference;
  }
  TAKT_INVARIANT(out.size() - before == bytes_);
}

void append_frame(std::string& out, std::span<const std::int64_t> values) {
  FramePlan{values}.append(out, values);
}

bool decode_frame(ByteReader& in, std::span<std::int64_t> values) {
  FrameReader reader{in};
  for (std::size_t at = 0; at < values.size(); at += kVector) {
    if (!reader.next(values.subspan(at, std::min(kVector, values.size() - at)))) return false;
  }
  return true;
}

}  // namespace takt::codec
