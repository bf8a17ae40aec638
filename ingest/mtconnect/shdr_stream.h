// Cuts what an adapter sends into whole lines and blocks, which read_shdr() reads.
#pragma once

#include "schema/time.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace takt::mtconnect {

/// Whose clock stamps what an adapter says: its own, or ours as it arrives.
enum class StampedBy : std::uint8_t { adapter, server };

/// One connection's bytes. However they are cut, the text is the same. One thread. Memory: kLongestRecord or so.
class ShdrStream {
 public:
  /// A longer line is skipped. A block that grows longer is none: its lines are read by themselves.
  static constexpr std::size_t kLongestRecord = std::size_t{1} << 20U;

  explicit ShdrStream(StampedBy stamps = StampedBy::adapter) : stamps_(stamps) {}

  /// Appends the lines and blocks that `bytes` complete to `text`. Protocol lines are taken note of and left out.
  /// A relative time (milliseconds since any moment) becomes one since `now`, at which the first of them came.
  void feed(std::string_view bytes, Timestamp now, std::string& text);
  /// How often the adapter wants to hear a PING; nothing: it has not said.
  std::optional<std::chrono::milliseconds> heartbeat() const { return heartbeat_; }
  /// Lines that were longer than a line may be.
  std::uint64_t skipped() const { return skipped_; }

 private:
  void take_line(std::string_view line, Timestamp now, std::string& text);
  void take_protocol(std::string_view line);
  std::string stamped(std::string_view line, Timestamp now);

  StampedBy stamps_;
  std::string line_, record_, marker_;
  bool skips_line_ = false;
  std::uint64_t skipped_ = 0;
  std::optional<std::chrono::milliseconds> heartbeat_;
  struct Base {
    double milliseconds;
    Timestamp at;
  };
  std::optional<Base> base_;
};

}  // namespace takt::mtconnect
