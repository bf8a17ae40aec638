// The journal's frame of the readings that one commit accepted. docs/format.md draws it.
#pragma once

#include "engine/readings/block.h"

#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Writes frames, one after another; keeps its memory for the next. Of short frames where rows of a series come
/// together, though any order is kept.
class BlockFrame {
 public:
  /// Lets go of the frame before.
  void write(const ReadingBlock& block);
  /// In pieces, borrowed from the block and from this, so that a long one is not copied together.
  const std::vector<std::string_view>& pieces() const { return pieces_; }
  std::size_t size() const;

 private:
  std::string head_, tail_;
  std::vector<std::string_view> pieces_;
};
std::string encode_block(const ReadingBlock& block);
/// Whether the bytes say that they are such a frame, of this or an earlier version, and not one of events.
bool is_block(std::string_view frame);
/// Appends the rows to `out`. corruption: not a frame, damaged, or of a newer version.
Result<void> decode_block(std::string_view frame, ReadingBlock& out);

}  // namespace takt
