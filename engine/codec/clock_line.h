// The clock behind a column of times: base + slot * step, one slot a row but where the clock skipped some.
//
// Samples of a sensor lie on a grid with jitter; an error of the step, however small, would add up over the
// column, and a missing sample would shift all that follow. So the step has 16 bits of fraction, is fitted to all
// rows and then rounded to the roundest number that fits as well; and skips are listed.
#pragma once

#include "engine/codec/bytes.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace takt::codec {

struct ClockLine {
  /// From row `row` on the clock is `slots` further; may be negative.
  struct Skip {
    std::uint32_t row;
    std::int64_t slots;
  };
  std::int64_t base = 0;
  std::uint64_t step = 0;  ///< in 1/65536
  std::vector<Skip> skips;

  /// None if the values do not look like a clock's. `differences` are those from row to row.
  static std::optional<ClockLine> fit(std::span<const std::int64_t> values,
                                      std::span<const std::int64_t> differences);
  /// residuals[i] = values[i] - prediction
  void subtract(std::span<const std::int64_t> values, std::span<std::int64_t> residuals) const;
  /// The reverse, for the rows from `first_row` on.
  void add(std::span<std::int64_t> values, std::size_t first_row) const;

  std::size_t bytes() const;
  void append(std::string& out) const;
  static std::optional<ClockLine> read(ByteReader& in, std::size_t rows);
};

}  // namespace takt::codec
