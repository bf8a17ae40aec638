// The file TAKT: what a folder is, of which format, and whose history it holds (docs/format.md). Private to the
// engine, as is what else is asked of a data folder before it is opened.
#pragma once

#include "schema/result.h"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace takt {

/// The newest format that this program reads, and the one that it writes. 2: tags have numbers, readings lie in
/// coded chunks. 3: so do events, with checkpoints of machines. 4: retention takes events away, and their rollups
/// stay; the journal's readings are narrow columns. 5: commits have times. 6: rollups
/// that stay know their reasons and products. A folder of an earlier one becomes one of this when it is opened for
/// writing.
inline constexpr int kStoreFormat = 6;

struct FolderMark {
  std::string id;             ///< 32 hexadecimal digits; the same for ever, in every copy
  std::string incarnation;    ///< empty: never restored; else "<times restored>-<8 hexadecimal digits>"
  int format = kStoreFormat;  ///< as read; text() has the newest

  /// What export targets remember: the id, and the incarnation behind a dot if there is one.
  std::string identity() const { return incarnation.empty() ? id : id + '.' + incarnation; }
  int times_restored() const;
  /// The line of the file.
  std::string text() const;
  /// The mark of a copy of this folder that was just restored. No two are alike.
  FolderMark restored() const;
  static FolderMark fresh();
  /// `where` names the source in errors. corruption: not a mark, or of a newer format.
  static Result<FolderMark> parse(std::string_view text, const std::string& where);
};

/// not_found: there is no file TAKT in it.
Result<FolderMark> read_mark(const std::filesystem::path& directory);

/// Writes a file so that after a power cut it is there whole or not at all: a file beside it, synced and renamed.
Result<void> write_durably(const std::filesystem::path& path, const std::string& text);
/// Makes names that were added to or taken from the folder durable.
void sync_folder(const std::filesystem::path& directory);

/// The process that has the folder's database open, as the kernel knows it. Must not be asked by a process that
/// has it open itself: closing the file of a POSIX lock gives the lock up.
std::optional<pid_t> lock_holder(const std::filesystem::path& directory);
/// "process 1234 (takt)".
std::string name_of_process(pid_t process);

/// How far the database is known to be on disk: the file SYNCED, written when a store is closed in order. 0:
/// never.
std::uint64_t read_synced(const std::filesystem::path& directory);
void write_synced(const std::filesystem::path& directory, std::uint64_t database_sequence);

}  // namespace takt
