#include "engine/packed_rows.h"

#include <algorithm>

#include "engine/codec/frame.h"

namespace takt {
namespace {

using codec::FramePlan;

// The first byte of a column: a kind, or kSteps and the place of the steps' unit.
constexpr unsigned kConstant = 0, kFrame = 1, kSteps = 2;

// Times mostly have whole milliseconds, or seconds.
constexpr std::array<std::int64_t, 3> kUnits{1'000'000, 1'000, 1};

// Numbers all over the range are hashes: their steps are no shorter.
constexpr unsigned kHashBits = 60;

/// The steps from one value to the next; the first is repeated, as 256 numbers are packed faster than 255.
void take_steps(std::span<const std::int64_t> values, std::span<std::int64_t> steps) {
  codec::kernels().deltas(values.data(), values.size(), steps.data() + 1);
  steps[0] = steps.size() > 1 ? steps[1] : 0;
}

unsigned unit_of(std::span<const std::int64_t> steps) {
  unsigned unit = 0;
  while (!std::all_of(steps.begin(), steps.end(), [&](std::int64_t step) { return step % kUnits[unit] == 0; }))
    ++unit;
  return unit;
}

}  // namespace

void append_packed_column(std::string& out, std::span<const std::int64_t> values) {
  TAKT_INVARIANT(!values.empty() && values.size() <= kPackedRows);
  const auto range = codec::kernels().range(values.data(), values.size());
  if (range.minimum == range.maximum) {
    codec::append_byte(out, kConstant);
    codec::append_varint(out, codec::zigzag(range.minimum));
    return;
  }
  const FramePlan frame{values};
  const auto extent = static_cast<std::uint64_t>(codec::wrapping_subtract(range.maximum, range.minimum));
  if (codec::bits_of(extent) < kHashBits) {
    std::array<std::int64_t, kPackedRows> room;
    const std::span steps{room.data(), values.size()};
    take_steps(values, steps);
    const std::int64_t start = codec::wrapping_subtract(values[0], steps[0]);
    const unsigned unit = unit_of(steps);
    for (std::int64_t& step : steps) step /= kUnits[unit];
    const FramePlan stepped{steps};
    if (stepped.bytes() + codec::varint_bytes(codec::zigzag(start)) < frame.bytes()) {
      codec::append_byte(out, kSteps + unit);
      codec::append_varint(out, codec::zigzag(start));
      return stepped.append(out, steps);
    }
  }
  codec::append_byte(out, kFrame);
  frame.append(out, values);
}

void read_packed_column(codec::ByteReader& in, std::span<std::int64_t> values) {
  const unsigned kind = in.byte();
  const std::int64_t start = kind == kFrame ? 0 : in.signed_varint();
  if (kind == kConstant) {
    std::fill(values.begin(), values.end(), start);
    return;
  }
  TAKT_INVARIANT(codec::decode_frame(in, values));
  if (kind == kFrame) return;
  TAKT_INVARIANT(kind - kSteps < kUnits.size());
  const std::int64_t unit = kUnits[kind - kSteps];
  if (unit > 1) codec::kernels().scale(values.data(), values.size(), static_cast<std::uint64_t>(unit), 0);
  codec::kernels().running_sum(values.data(), values.size(), start);
}

}  // namespace takt
