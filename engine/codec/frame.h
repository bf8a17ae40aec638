// Frame of reference with patched exceptions: the packing beneath the integer codecs.
//
// Each vector of up to 1024 values has a reference and a width; a value is reference + its low bits. The few that
// do not fit, above or below, are exceptions: their place and the rest of them stand beside. Reference and width
// are those of the least bytes, by histograms of bit widths. docs/codecs.md draws the bytes.
#pragma once

#include "engine/codec/bytes.h"

#include <cstdint>
#include <span>
#include <string>

namespace takt::codec {

/// How a vector will be written, and its exact size.
struct VectorPlan {
  std::int64_t reference = 0;
  unsigned width = 0;
  unsigned high_width = 0;        ///< of what exceptions have above `width` bits
  bool exceptions_below = false;  ///< then highs are zigzag
  std::size_t exceptions = 0;
  std::size_t bytes = 0;
};

/// The best plan for 1 to 1024 values. References are written as the step from the last vector's.
VectorPlan plan_vector(std::span<const std::int64_t> values, std::int64_t last_reference);

/// All vectors of a column, and their exact size.
class FramePlan {
 public:
  explicit FramePlan(std::span<const std::int64_t> values);
  std::size_t bytes() const { return bytes_; }
  /// Of the values that it was planned for.
  void append(std::string& out, std::span<const std::int64_t> values) const;

 private:
  static constexpr std::size_t kMost = 8;  // vectors of a column of 8192 rows
  VectorPlan vectors_[kMost];
  std::size_t bytes_ = 0;
};

/// Reads a column a vector at a time.
class FrameReader {
 public:
  explicit FrameReader(ByteReader& in) : in_{in} {}
  /// The next 1024 values, or as many as are left of the column. False as for decode_frame().
  bool next(std::span<std::int64_t> values);

 private:
  ByteReader& in_;  // borrowed from the caller
  std::int64_t reference_ = 0;
};

/// Plans and writes.
void append_frame(std::string& out, std::span<const std::int64_t> values);
/// False if the bytes are not those of so many values; then `values` hold anything.
bool decode_frame(ByteReader& in, std::span<std::int64_t> values);

}  // namespace takt::codec
