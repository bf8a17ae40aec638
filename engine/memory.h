// One budget of memory for the process, and the limits that follow from it.
#pragma once

#include "schema/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace takt {

/// Limits of what the engine keeps in memory beside the figures, in bytes. The defaults are those of 2 GiB and
/// more.
struct StoreMemory {
  std::size_t memtables = std::size_t{192} << 20U;  ///< what was written and is in no file yet
  std::size_t block_cache = std::size_t{64} << 20U;
  std::size_t decoded = std::size_t{32} << 20U;  ///< chunks that late readings are compared with
  std::size_t queue = std::size_t{128} << 20U;   ///< what waits for the committer
};

/// The budget of a process that serves, split. Machines, their events and rollups come first: they are not
/// limited, but small; with more of them give it more.
struct MemoryBudget {
  std::uint64_t total = 0;
  StoreMemory store;
  std::size_t journal =
      std::size_t{144}
      << 20U;  ///< of readings that are in no chunk; in memory they take up to four times that, short texts more
  std::size_t bodies = std::size_t{512} << 20U;    ///< of all HTTP requests in work
  std::size_t messages = std::size_t{128} << 20U;  ///< of all large messages of the binary protocol being read

  /// Less would leave no room for one request of 64 MiB beside what every server needs.
  static constexpr std::uint64_t kLeast = std::uint64_t{256} << 20U;
  /// invalid_argument: below kLeast.
  static Result<MemoryBudget> of(std::uint64_t total);
  /// A quarter of what this machine, or the group of processes that this one is in, may have; at least kLeast.
  static std::uint64_t usual();
};

/// Reads "2G", "512M", "1.5GiB", "786432K" or a number of bytes; a K is 1024.
Result<std::uint64_t> parse_size(std::string_view text);
/// As "512 MiB".
std::string size_in_words(std::uint64_t bytes);

}  // namespace takt
