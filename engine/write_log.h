// RocksDB's write-ahead logs, looked at before they are replayed. Private to the engine.
//
// RocksDB replays a log up to the first record that does not match its checksum and goes on without a word: right
// for a torn end (a write that nobody was answered for), wrong for damage within, behind which answered commits
// would vanish. The two can be told apart, as every commit is synced before the next one is written: whatever a
// later record begins behind is not torn but damaged. A missing log shows as a gap in the database's sequence.
#pragma once

#include "schema/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace takt {

struct LogDamage {
  std::uint64_t log = 0;  ///< the file's number; of no account if the replay begins with a later one
  std::string what;       ///< "db/000012.log is damaged at byte 4711, ..."
};

struct LogScan {
  std::vector<LogDamage> damages;
  std::uint64_t last_sequence = 0;  ///< the newest write of the database that is in a log; 0: none
  std::uint64_t bytes = 0;
};

/// Reads every log of the database folder, a block at a time. io: a file cannot be read.
Result<LogScan> scan_write_logs(const std::filesystem::path& database);

/// CRC-32C (Castagnoli), as RocksDB's logs have it.
std::uint32_t crc32c(std::uint32_t crc, const char* bytes, std::size_t size);

}  // namespace takt
