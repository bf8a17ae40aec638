// Backups of a data folder, and the way back.
//
// A backup folder holds any number of backups of one store. They share the files that they have in common, so a
// backup after the first takes the room and time of what has changed. RocksDB's BackupEngine keeps them: it copies
// under a flush, so a backup is the state after some commit, and it names shared files by the session that wrote
// them, so stores that went different ways after a restore can share a folder. The warehouse is not in it: it is
// made anew by the next export.
#pragma once

#include "schema/time.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// One backup of a folder.
struct Backup {
  std::uint32_t number = 0;  ///< from 1, rising; never used twice
  Timestamp time;            ///< when it was begun, to the second
  std::uint64_t bytes = 0;   ///< of all its files, shared ones too
  std::uint64_t commit = 0;  ///< all up to this commit is in it; while others commit a few more may be
  std::string store;         ///< Store::id() of what was backed up
  bool damaged = false;      ///< files are missing or of another size
};

struct BackupOptions {
  /// 0: keep all; else only this many of the newest, once the new one is safe.
  std::uint32_t keep = 0;
  /// Asked every few megabytes. True: leave; nothing of the new backup is kept.
  std::function<bool()> given_up;
};

struct BackupReport {
  Backup backup;
  std::uint64_t bytes_written = 0;  ///< new in the folder
  std::size_t backups = 0;          ///< in the folder now
};

/// Backs a stopped store up. `to` is made if it does not exist. What is copied is read back and checked block by
/// block. conflict: the store or the backup folder is in use, or the folder is of another store; invalid_argument:
/// it holds other files, or lies within the data folder; corruption: a file of the store is damaged, no backup was
/// made.
Result<BackupReport> back_up(const std::filesystem::path& data, const std::filesystem::path& to,
                             const BackupOptions& options);

/// Oldest first. not_found: not a backup folder.
Result<std::vector<Backup>> list_backups(const std::filesystem::path& folder);

/// Reads every file of a backup and compares checksums; of all backups if `number` is empty.
/// corruption names the first file that is wrong.
Result<std::vector<Backup>> verify_backups(const std::filesystem::path& folder,
                                           std::optional<std::uint32_t> number);

/// Copies a backup (the newest whole one, unless a number is given) to `data`, which must be empty or not exist.
/// It is made beside it, as DATA.partial, and gets its name when `check` has found it right, so a failure or a
/// power cut leaves nothing half-made. The restored folder is a new incarnation of the store. `check` is given the
/// folder.
Result<Backup> restore_backup(const std::filesystem::path& folder, std::optional<std::uint32_t> number,
                              const std::filesystem::path& data,
                              const std::function<Result<void>(const std::filesystem::path&)>& check);

}  // namespace takt
