#include "engine/readings/block_frame.h"
#include "tests/engine/fuzz_seal.h"
#include "tests/engine/readings/fuzz.h"
#include "tests/support/fuzz_require.h"

namespace takt::fuzz {
namespace {

void check(const ReadingBlock& block) {
  const std::size_t rows = block.size();
  require(block.at.size() == rows && block.number.size() == rows);
  require(block.quality.empty() || block.quality.size() == rows);
  require(block.kind.empty() || block.kind.size() == rows);
  for (const Value::Kind kind : block.kind) require(kind <= Value::Kind::text);
  std::uint64_t next = 0;
  for (const auto& [row, extra] : block.extras) {
    require(row >= next && row < rows);
    next = std::uint64_t{row} + 1;
  }
}

}  // namespace

bool reading_frame(std::string_view data) {
  const std::string bytes = sealed_at_end(data);
  const std::vector<char> exact(bytes.begin(), bytes.end());
  ReadingBlock block;
  if (const auto read = decode_block({exact.data(), exact.size()}, block); !read) {
    require(read.error().code == ErrorCode::corruption);
    return false;
  }
  check(block);
  // What was read can be written, and is read again.
  const std::string frame = encode_block(block);
  ReadingBlock again;
  require(decode_block(frame, again).has_value() && encode_block(again) == frame);
  return true;
}

}  // namespace takt::fuzz
