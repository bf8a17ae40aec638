// What a producer has to send, on disk until the server has it: messages of the binary protocol as they are sent,
// in segments. Survives kill -9; what power loss may take is up to `sync`.
#pragma once

#include "client/frame_writer.h"
#include "schema/result.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace takt::client {

/// What happens when the spool is full.
enum class WhenFull : std::uint8_t {
  stop,         ///< append() fails until the server has taken some
  drop_oldest,  ///< the oldest segment goes; the server is told of the gap
};
enum class SpoolSync : std::uint8_t {
  never,  ///< left to the system: safe from kill -9, not from power loss
  each,   ///< every frame is on the disk before append() returns
};

struct SpoolOptions {
  std::filesystem::path folder;
  std::uint64_t max_bytes = std::uint64_t{1} << 30U;
  std::uint64_t segment_bytes = std::uint64_t{16} << 20U;
  WhenFull when_full = WhenFull::stop;
  SpoolSync sync = SpoolSync::never;
};

/// One process at a time has it open. Writing and reading are for one thread each, at the same time.
///
/// Sequences rise by one from frame to frame, but for jumps: after power loss, and where bytes are damaged, nobody
/// knows which frames were sent, and none may be used for another content.
class Spool {
 public:
  /// Opens or creates; cuts off what a crash left unfinished. conflict: another process has it; io; corruption:
  /// the folder holds something else.
  static Result<std::unique_ptr<Spool>> open(SpoolOptions options);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // ---------------------------------------- writing

  std::uint64_t next_sequence() const;
  TagNumbers& tags() { return tags_; }
  /// Takes the frame with next_sequence(); the tags that it speaks of are defined before it. unavailable: full;
  /// invalid_argument: larger than a message may be; io.
  Result<void> append(std::string_view frame);

  // ---------------------------------------- reading

  /// Identifies the producer for ever, and this process among those that continued it.
  std::uint64_t id_high() const { return id_high_; }
  std::uint64_t id_low() const { return id_low_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t oldest_sequence() const;
  /// Frames up to this one are the server's: their segments go.
  void acknowledged(std::uint64_t sequence);
  /// Goes to the segment that holds `sequence`, at its beginning, with its definitions.
  void seek(std::uint64_t sequence);
  /// The next message, borrowed until the next call; empty: there is none yet. corruption: the rest of the segment
  /// is unreadable; it is let go, and the next call goes on behind it.
  Result<std::string_view> next();

  std::uint64_t bytes() const;
  /// Frames that were dropped unsent since the spool was opened.
  std::uint64_t dropped() const;

 private:
  struct Segment {
    std::uint64_t first;  // sequence
    std::uint64_t bytes = 0;
    std::filesystem::path path;
    bool damaged = false;
  };

  explicit Spool(SpoolOptions options) : options_(std::move(options)) {}
  Result<void> lock();
  Result<void> read_identity();
  Result<void> find_segments();
  Result<void> recover_last();
  Result<void> begin_segment();
  Result<void> make_room(std::size_t bytes);
  Result<void> write(std::string_view bytes);
  void remove_oldest();
  void let_go_of_damaged();
  bool fill();

  const SpoolOptions options_;
  int lock_ = -1, out_ = -1, in_ = -1;
  std::uint64_t id_high_ = 0, id_low_ = 0, epoch_ = 0;
  bool power_was_lost_ = false;

  mutable std::mutex mutex_;
  std::deque<Segment> segments_;  // the last one is written to
  std::uint64_t next_ = 1, dropped_ = 0;

  TagNumbers tags_;            // the writer's
  std::size_t defined_ = 0;    // of them, in the last segment
  std::uint64_t reading_ = 0;  // the reader's: the first sequence of its segment; 0: none
  std::uint64_t offset_ = 0;
  std::string buffer_;
  std::size_t taken_ = 0;
};

}  // namespace takt::client
