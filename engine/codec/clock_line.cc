#include "engine/codec/clock_line.h"

#include "engine/codec/scratch.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace takt::codec {
namespace {

constexpr std::size_t kFewestRows = 16;
constexpr double kOne = 65536.0;        // the step's fraction
constexpr double kLongestStep = 1e14;   // in 1/65536 it stays below 2^63
constexpr std::size_t kRowsASkip = 16;  // more skips than one in so many: no clock

/// The median of the differences at 31 places. A few skips do not move it.
double typical_step(std::span<const std::int64_t> differences) {
  std::array<std::int64_t, 31> steps{};
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = differences[(2 * i + 1) * differences.size() / 62];
  std::nth_element(steps.begin(), steps.begin() + 15, steps.end());
  return static_cast<double>(steps[15]);
}

/// The roundest whole number within `tolerance` of `step`; `step` if there is none.
double roundest_near(double step, double tolerance) {
  for (std::int64_t unit = 1'000'000'000'000; unit >= 1; unit /= 10) {
    const double rounded = std::round(step / static_cast<double>(unit)) * static_cast<double>(unit);
    if (rounded > 0 && std::abs(rounded - step) <= tolerance) return rounded;
  }
  return step;
}

std::uint64_t fixed_point(double step) { return static_cast<std::uint64_t>(std::llround(step * kOne)); }

/// Where the differences are nearer to another number of steps than to one.
std::optional<std::vector<ClockLine::Skip>> skips_of(std::span<const std::int64_t> differences, double step) {
  std::vector<ClockLine::Skip> skips;
  const auto low = static_cast<std::int64_t>(step * 0.5), high = static_cast<std::int64_t>(step * 1.5);
  const auto range = kernels().range(differences.data(), differences.size());
  if (range.minimum >= low && range.maximum <= high) return skips;
  const std::size_t most = differences.size() / kRowsASkip;
  for (std::size_t i = 0; i < differences.size(); ++i) {
    if (differences[i] >= low && differences[i] <= high) [[likely]]
      continue;
    const double slots = std::round(static_cast<double>(differences[i]) / step) - 1;
    if (std::abs(slots) > 1e9 || skips.size() == most) return std::nullopt;
    if (slots != 0) skips.push_back({static_cast<std::uint32_t>(i + 1), static_cast<std::int64_t>(slots)});
  }
  return skips;
}

/// Calls visit(begin, end, slots ahead of the row's number) for each stretch of rows [from, to) without a skip.
template <class Visit>
void for_each_stretch(std::size_t from, std::size_t to, const std::vector<ClockLine::Skip>& skips, Visit visit) {
  std::size_t begin = from;
  std::int64_t ahead = 0;
  for (const ClockLine::Skip& skip : skips) {
    if (skip.row >= to) break;
    if (skip.row > begin) {
      visit(begin, std::size_t{skip.row}, ahead);
      begin = skip.row;
    }
    ahead = wrapping_add(ahead, skip.slots);
  }
  visit(begin, to, ahead);
}

/// Jitter of `residuals`, from the least to the greatest.
double spread_of(std::span<const std::int64_t> residuals) {
  const auto range = kernels().range(residuals.data(), residuals.size());
  return static_cast<double>(range.maximum) - static_cast<double>(range.minimum);
}

/// How much the residuals rise a slot: the mean of the second half less that of the first, over the distance of
/// their middles. Its error is but a seventh larger than that of least squares, and it takes two sums.
double drift_of(std::span<const std::int64_t> residuals, double slots) {
  const std::size_t half = residuals.size() / 2;
  const auto mean = [](std::span<const std::int64_t> part) {
    const auto sum = static_cast<std::int64_t>(kernels().totals(part.data(), part.size()).sum);
    return static_cast<double>(sum) / static_cast<double>(part.size());
  };
  return (mean(residuals.subspan(half)) - mean(residuals.first(half))) / (slots / 2);
}

}  // namespace

std::optional<ClockLine> ClockLine::fit(std::span<const std::int64_t> values,
                                        std::span<const std::int64_t> differences) {
  if (values.size() < kFewestRows) return std::nullopt;
  const double guess = typical_step(differences);
  if (guess < 1 || guess > kLongestStep) return std::nullopt;
  auto skips = skips_of(differences, guess);
  if (!skips) return std::nullopt;
  double slots = static_cast<double>(values.size());
  for (const Skip& skip : *skips) slots += static_cast<double>(skip.slots);
  // Residuals of the guess must add up without overflow.
  if (slots < 1 || slots * guess > 1e14) return std::nullopt;
  ClockLine line{values[0], fixed_point(guess), std::move(*skips)};
  Scratch<std::int64_t> residuals{values.size()};
  line.subtract(values, residuals.span());
  const double step = guess + drift_of(residuals.span(), slots);
  if (!(step >= 1) || step > kLongestStep) return std::nullopt;
  line.step = fixed_point(step);
  line.subtract(values, residuals.span());
  // Jitter hides the last digits of the step: any that moves the far end by less than an eighth of it will do.
  line.step = fixed_point(roundest_near(step, spread_of(residuals.span()) / 8 / slots + 1 / kOne));
  return line;
}

void ClockLine::subtract(std::span<const std::int64_t> values, std::span<std::int64_t> residuals) const {
  for_each_stretch(0, values.size(), skips, [&](std::size_t begin, std::size_t end, std::int64_t ahead) {
    const std::uint64_t first = (static_cast<std::uint64_t>(begin) + static_cast<std::uint64_t>(ahead)) * step;
    kernels().subtract_line(values.data() + begin, end - begin, base, first, step, residuals.data() + begin);
  });
}

void ClockLine::add(std::span<std::int64_t> values, std::size_t first_row) const {
  const auto add_stretch = [&](std::size_t begin, std::size_t end, std::int64_t ahead) {
    const std::uint64_t first = (static_cast<std::uint64_t>(begin) + static_cast<std::uint64_t>(ahead)) * step;
    kernels().add_line(values.data() + (begin - first_row), end - begin, base, first, step);
  };
  for_each_stretch(first_row, first_row + values.size(), skips, add_stretch);
}

std::size_t ClockLine::bytes() const {
  std::size_t bytes = varint_bytes(zigzag(base)) + varint_bytes(step) + varint_bytes(skips.size());
  std::uint32_t row = 0;
  for (const Skip& skip : skips) {
    bytes += varint_bytes(skip.row - row) + varint_bytes(zigzag(skip.slots));
    row = skip.row;
  }
  return bytes;
}

void ClockLine::append(std::string& out) const {
  append_varint(out, zigzag(base));
  append_varint(out, step);
  append_varint(out, skips.size());
  std::uint32_t row = 0;
  for (const Skip& skip : skips) {
    append_varint(out, skip.row - row);
    append_varint(out, zigzag(skip.slots));
    row = skip.row;
  }
}

std::optional<ClockLine> ClockLine::read(ByteReader& in, std::size_t rows) {
  ClockLine line;
  line.base = in.signed_varint();
  line.step = in.varint();
  // A skip takes two bytes at least.
  const std::size_t count = in.varint(std::min(rows, in.left() / 2));
  line.skips.reserve(count);
  std::uint64_t row = 0;
  for (std::size_t i = 0; i < count; ++i) {
    row += in.varint(rows);
    if (row >= rows) in.fail();
    line.skips.push_back({static_cast<std::uint32_t>(row), in.signed_varint()});
  }
  if (in.failed()) return std::nullopt;
  return line;
}

}  // namespace takt::codec
