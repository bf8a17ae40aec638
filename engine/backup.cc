#include "engine/backup.h"

#include <fcntl.h>
#include <rocksdb/sst_file_reader.h>
#include <rocksdb/utilities/backup_engine.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "engine/disk.h"
#include "engine/folder_mark.h"

namespace takt {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMarkFile = "TAKT-BACKUP";  // what the folder is; locked while a backup is made
constexpr const char* kMark = "takt-backup 1\n";
constexpr const char* kUnfinished = "TAKT-RESTORING";  // marks DATA.partial as ours

Error from(const rocksdb::Status& status, const std::string& what) {
  std::string text = status.ToString();
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (status.IsCorruption()) return corruption(what + ": " + text);
  if (status.IsNoSpace()) return io_error(what + ": the disk is full; make room or choose another with --to");
  return io_error(what + ": " + text);
}

/// The lock that keeps two backups from writing into one folder; given up with the object, and with the process.
class FolderLock {
 public:
  static Result<FolderLock> take(const fs::path& folder) {
    FolderLock lock;
    lock.file_ = ::open((folder / kMarkFile).c_str(), O_RDONLY | O_CLOEXEC);
    if (lock.file_ < 0)
      return io_error("cannot open " + (folder / kMarkFile).string() + ": " + std::strerror(errno));
    if (::flock(lock.file_, LOCK_EX | LOCK_NB) != 0) {
      return Error{ErrorCode::conflict, "another backup is being made into " + folder.string() + "; wait for it"};
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }

 private:
  FolderLock() = default;
  int file_ = -1;
};

/// What RocksDB keeps with a backup for us: the store's mark, and the commit.
std::string metadata_of(const std::string& store_id, std::uint64_t commit) {
  return "takt-backup 1 " + store_id + ' ' + std::to_string(commit);
}

std::optional<Backup> backup_of(const rocksdb::BackupInfo& info) {
  std::istringstream words{info.app_metadata};
  std::string word;
  int format = 0;
  Backup backup;
  words >> word >> format >> backup.store >> backup.commit;
  if (!words || word != "takt-backup" || format != 1) return std::nullopt;
  backup.number = info.backup_id;
  backup.time = from_micros(info.timestamp * 1'000'000);
  backup.bytes = info.size;
  return backup;
}

std::string_view lineage(std::string_view identity) { return identity.substr(0, identity.find('.')); }

bool lies_within(const fs::path& inner, const fs::path& outer) {
  std::error_code error;
  const fs::path relative =
      fs::weakly_canonical(inner, error).lexically_relative(fs::weakly_canonical(outer, error));
  return !relative.empty() && *relative.begin() != "..";
}

/// Makes the folder, or sees that it is one of backups.
Result<void> prepare(const fs::path& to, const fs::path& data) {
  if (lies_within(to, data) || lies_within(data, to)) {
    return invalid("the backup folder " + to.string() + " and the data folder " + data.string() +
                   " must not lie within each other; choose another with --to, best on another disk");
  }
  std::error_code error;
  fs::create_directories(to, error);
  if (error) {
    const bool disk_fails = error == std::errc::io_error || error == std::errc::no_space_on_device;
    const std::string why = "cannot create the backup folder " + to.string() + ": " + error.message();
    return disk_fails ? io_error(why) : invalid(why + "; choose another with --to");
  }
  if (fs::exists(to / kMarkFile)) return {};
  for (const auto& entry : fs::directory_iterator{to, error}) {
    const std::string name = entry.path().filename().string();
    if (name == "lost+found" || name == std::string{kMarkFile} + ".new") continue;
    return invalid("the folder " + to.string() + " holds other files (" + name +
                   ") and no backups of Takt; choose an empty folder with --to");
  }
  if (error) return io_error("cannot read " + to.string() + ": " + error.message());
  return write_durably(to / kMarkFile, kMark);
}

Result<void> check_is_backup_folder(const fs::path& folder) {
  std::ifstream file{folder / kMarkFile};
  std::string word;
  int format = 0;
  file >> word >> format;
  if (word != "takt-backup") {
    return not_found(folder.string() + " is no folder of backups: it has no file " + kMarkFile +
                     "; name one that takt backup made");
  }
  if (format > 1) {
    return corruption(folder.string() + " is of format " + std::to_string(format) +
                      ", this program reads up to 1; use the newer program");
  }
  return {};
}

rocksdb::BackupEngineOptions options_for(const fs::path& folder) {
  rocksdb::BackupEngineOptions options{folder.string()};
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  options.sync = true;
  return options;
}

std::set<std::string> shared_files(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{folder / "shared_checksum", error}) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

std::uint64_t size_of(const fs::path& folder) {
  std::uint64_t sum = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator{folder, error};
       !error && at != fs::recursive_directory_iterator{}; at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored)) sum += at->file_size(ignored);
  }
  return sum;
}

/// Every block of the table files that are new: what is damaged in the store must not replace a good backup
/// unnoticed.
Result<void> check_blocks(const fs::path& folder, const std::set<std::string>& before,
                          const std::function<bool()>& given_up) {
  for (const std::string& name : shared_files(folder)) {
    if (before.contains(name) || !name.ends_with(".sst")) continue;
    if (given_up && given_up()) return unavailable("the backup was given up; nothing of it was kept");
    rocksdb::SstFileReader reader{rocksdb::Options{}};
    auto status = reader.Open((folder / "shared_checksum" / name).string());
    if (status.ok()) status = reader.VerifyChecksum();
    if (status.ok()) continue;
    const std::string original = "db/" + name.substr(0, name.find('_')) + ".sst";
    return corruption("no backup was made, as " + original + " of the data folder is damaged (" +
                      status.ToString() +
                      "); see what is lost with takt verify, and get the data back with takt restore");
  }
  return {};
}

Result<std::unique_ptr<rocksdb::BackupEngine>> open_engine(const fs::path& folder) {
  rocksdb::BackupEngine* engine = nullptr;
  const auto status = rocksdb::BackupEngine::Open(options_for(folder), rocksdb::Env::Default(), &engine);
  if (!status.ok()) return from(status, "cannot open the backup folder " + folder.string());
  return std::unique_ptr<rocksdb::BackupEngine>{engine};
}

Result<void> check_lineage(const rocksdb::BackupEngine& engine, const std::string& store, const fs::path& to) {
  std::vector<rocksdb::BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  for (const auto& info : infos) {
    const auto known = backup_of(info);
    if (!known || lineage(known->store) == lineage(store)) continue;
    return Error{ErrorCode::conflict, "the backup folder " + to.string() + " is of another store (" +
                                          known->store + ", this one is " + store + "); choose another with --to"};
  }
  return {};
}

/// The number of the new backup, copied but not yet looked at.
Result<rocksdb::BackupID> copy(rocksdb::BackupEngine& engine, const Store::Disk& disk, const fs::path& to,
                               const std::function<bool()>& asks_given_up) {
  bool given_up = false;
  rocksdb::CreateBackupOptions how;
  how.flush_before_backup = true;  // so that a backup holds little of the log, which is never shared
  how.progress_callback = [&] {
    given_up = given_up || (asks_given_up && asks_given_up());
    if (given_up) engine.StopBackup();
  };
  // What is committed from now on may be in the backup, too; up to here it is for sure.
  const auto commit = disk.get(Store::Disk::meta, "sequence");
  const std::string metadata = metadata_of(disk.store_id(), commit ? sequence_of_key(*commit) : 0);
  rocksdb::BackupID number = 0;
  const auto made = engine.CreateNewBackupWithMetadata(how, &disk.database(), metadata, &number);
  if (given_up) return unavailable("the backup was given up; nothing of it was kept");
  if (!made.ok()) return from(made, "cannot back up to " + to.string());
  return number;
}

Result<void> check_copy(const rocksdb::BackupEngine& engine, rocksdb::BackupID number, const fs::path& to,
                        const std::set<std::string>& shared_before, const std::function<bool()>& given_up) {
  if (auto good = check_blocks(to, shared_before, given_up); !good) return good;
  const auto whole = engine.VerifyBackup(number, false);
  if (!whole.ok()) return from(whole, "the backup was not written whole to " + to.string());
  return {};
}

Result<BackupReport> make_backup(const Store::Disk& disk, const fs::path& to, const BackupOptions& options) {
  if (auto ready = prepare(to, disk.directory()); !ready) return ready.error();
  if (auto known = check_is_backup_folder(to); !known) return known.error();
  const auto lock = FolderLock::take(to);
  if (!lock) return lock.error();
  auto engine = open_engine(to);
  if (!engine) return engine.error();
  if (auto ours = check_lineage(**engine, disk.store_id(), to); !ours) return ours.error();
  const std::set<std::string> shared_before = shared_files(to);
  const std::uint64_t bytes_before = size_of(to);
  const auto number = copy(**engine, disk, to, options.given_up);
  if (!number) return number.error();
  if (auto good = check_copy(**engine, *number, to, shared_before, options.given_up); !good) {
    (*engine)->DeleteBackup(*number);
    return good.error();
  }
  const std::uint64_t bytes_after = size_of(to);
  if (options.keep > 0) (*engine)->PurgeOldBackups(options.keep);
  sync_folder(to);
  std::vector<rocksdb::BackupInfo> infos;
  (*engine)->GetBackupInfo(&infos);
  const auto made = backup_of(infos.back());
  TAKT_INVARIANT(made && made->number == *number);
  return BackupReport{*made, bytes_after > bytes_before ? bytes_after - bytes_before : 0, infos.size()};
}

Result<std::unique_ptr<rocksdb::BackupEngineReadOnly>> open_read_only(const fs::path& folder) {
  if (auto known = check_is_backup_folder(folder); !known) return known.error();
  rocksdb::BackupEngineReadOnly* engine = nullptr;
  const auto status = rocksdb::BackupEngineReadOnly::Open(options_for(folder), rocksdb::Env::Default(), &engine);
  if (!status.ok()) return from(status, "cannot open the backup folder " + folder.string());
  return std::unique_ptr<rocksdb::BackupEngineReadOnly>{engine};
}

std::vector<Backup> backups_in(const rocksdb::BackupEngineReadOnly& engine) {
  std::vector<Backup> backups;
  std::vector<rocksdb::BackupInfo> infos;
  engine.GetBackupInfo(&infos);
  for (const auto& info : infos) {
    if (const auto backup = backup_of(info)) backups.push_back(*backup);
  }
  std::vector<rocksdb::BackupID> damaged;
  engine.GetCorruptedBackups(&damaged);
  for (const auto number : damaged) {
    Backup& backup = backups.emplace_back();
    backup.number = number;
    backup.damaged = true;
  }
  std::sort(backups.begin(), backups.end(), [](auto& a, auto& b) { return a.number < b.number; });
  return backups;
}

Result<Backup> choose(const std::vector<Backup>& backups, std::optional<std::uint32_t> number,
                      const fs::path& folder) {
  std::optional<Backup> chosen;
  for (const Backup& backup : backups) {
    if (number ? backup.number == *number : !backup.damaged) chosen = backup;
  }
  const std::string see = "; see takt restore --from " + folder.string() + " --list";
  if (!chosen && number) return not_found("there is no backup " + std::to_string(*number) + see);
  if (!chosen) return not_found("there is no whole backup in " + folder.string() + see);
  if (chosen->damaged) {
    return corruption("backup " + std::to_string(chosen->number) +
                      " is damaged: files are missing or of another size; choose another with --backup" +
                      see.substr(0, 1) + see.substr(1));
  }
  return *chosen;
}

Result<void> sync_all(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> folders{folder};
  for (const auto& entry : fs::recursive_directory_iterator{folder, error}) {
    if (entry.is_directory()) {
      folders.push_back(entry.path());
      continue;
    }
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = file >= 0 && ::fsync(file) == 0;
    const int problem = errno;
    if (file >= 0) ::close(file);
    if (!synced) return io_error("cannot write " + entry.path().string() + ": " + std::strerror(problem));
  }
  if (error) return io_error("cannot read " + folder.string() + ": " + error.message());
  for (const fs::path& path : folders) sync_folder(path);
  return {};
}

/// DATA.partial, empty and marked as ours. What an interrupted restore has left there goes.
Result<void> make_partial(const fs::path& partial) {
  std::error_code error;
  if (fs::exists(partial) && !fs::exists(partial / kUnfinished) && !fs::is_empty(partial, error)) {
    return invalid(partial.string() + " is in the way: move it elsewhere");
  }
  fs::remove_all(partial, error);
  fs::create_directories(partial, error);
  if (error) return io_error("cannot create " + partial.string() + ": " + error.message());
  return write_durably(partial / kUnfinished, "takt restore makes this folder; it may be deleted\n");
}

Result<void> check_target(const fs::path& data, std::uint64_t bytes) {
  std::error_code error;
  if (fs::exists(data) && !fs::is_directory(data))
    return invalid(data.string() + " is a file; choose another --data");
  if (fs::exists(data) && !fs::is_empty(data, error)) {
    return invalid("the folder " + data.string() +
                   " is not empty: restoring never overwrites; move it elsewhere or choose another with --data");
  }
  const fs::path parent = data.parent_path().empty() ? fs::path{"."} : data.parent_path();
  fs::create_directories(parent, error);
  struct statvfs info {};
  if (::statvfs(parent.c_str(), &info) == 0 && std::uint64_t{info.f_bavail} * info.f_frsize < bytes) {
    return io_error("there is not enough room in " + parent.string() + ": the backup has " +
                    std::to_string(bytes >> 20U) + " MiB; choose another disk with --data");
  }
  return {};
}

/// Everything but the last step, the name.
Result<void> fill_partial(const rocksdb::BackupEngineReadOnly& engine, const Backup& backup,
                          const fs::path& partial, const std::function<Result<void>(const fs::path&)>& check) {
  const std::string what = "cannot restore backup " + std::to_string(backup.number);
  const std::string database = (partial / "db").string();
  // By number: restoring "the latest" may pick a damaged one (until RocksDB 7.10). Checksums are compared on the
  // way.
  if (const auto copied = engine.RestoreDBFromBackup(backup.number, database, database); !copied.ok()) {
    Error error = from(copied, what);
    error.context += "; choose another with --backup";
    return error;
  }
  const auto dot = backup.store.find('.');
  const FolderMark mark{backup.store.substr(0, dot), dot == std::string::npos ? "" : backup.store.substr(dot + 1)};
  if (auto written = write_durably(partial / "TAKT", mark.restored().text()); !written) return written;
  if (auto checked = check(partial); !checked) {
    return Error{checked.error().code, what + ": " + checked.error().context};
  }
  std::error_code error;
  fs::remove(partial / kUnfinished, error);
  return sync_all(partial);
}

}  // namespace

Result<BackupReport> back_up(const fs::path& data, const fs::path& to, const BackupOptions& options) {
  if (const auto mark = read_mark(data); !mark) return mark.error();
  const auto disk = Store::Disk::open(data);
  if (!disk && disk.error().code == ErrorCode::conflict) {
    return Error{ErrorCode::conflict,
                 disk.error().context + "; or let that one make the backup with --server URL"};
  }
  if (!disk) return disk.error();
  return make_backup(**disk, to, options);
}

Result<BackupReport> Store::back_up(const fs::path& to, const BackupOptions& options) {
  auto report = make_backup(*disk_, to, options);
  note_job("backup", std::nullopt, report ? "made" : "failed: " + report.error().context);
  return report;
}

Result<std::vector<Backup>> list_backups(const fs::path& folder) {
  const auto engine = open_read_only(folder);
  if (!engine) return engine.error();
  return backups_in(**engine);
}

Result<std::vector<Backup>> verify_backups(const fs::path& folder, std::optional<std::uint32_t> number) {
  const auto engine = open_read_only(folder);
  if (!engine) return engine.error();
  std::vector<Backup> checked;
  const std::vector<Backup> backups = backups_in(**engine);
  if (number) {
    if (const auto chosen = choose(backups, number, folder); !chosen) return chosen.error();
  }
  for (const Backup& backup : backups) {
    if (number && backup.number != *number) continue;
    const std::string what = "backup " + std::to_string(backup.number) + " is damaged";
    if (backup.damaged)
      return corruption(what + ": files are missing or of another size; make a new one into another folder");
    if (const auto s = (*engine)->VerifyBackup(backup.number, true); !s.ok()) {
      Error error = from(s, what);
      error.context += "; make a new one into another folder";
      return error;
    }
    checked.push_back(backup);
  }
  return checked;
}

Result<Backup> restore_backup(const fs::path& folder, std::optional<std::uint32_t> number,
                              const fs::path& data_named,
                              const std::function<Result<void>(const fs::path&)>& check) {
  // "DIR/" and "DIR" are the same folder; what is made beside it must not land within it.
  const fs::path data = data_named.has_filename() ? data_named : data_named.parent_path();
  const auto engine = open_read_only(folder);
  if (!engine) return engine.error();
  const auto backup = choose(backups_in(**engine), number, folder);
  if (!backup) return backup.error();
  if (auto fits = check_target(data, backup->bytes); !fits) return fits.error();
  const fs::path partial = data.string() + ".partial";
  if (auto made = make_partial(partial); !made) return made.error();
  auto filled = fill_partial(**engine, *backup, partial, check);
  std::error_code error;
  if (filled) {
    fs::rename(partial, data, error);  // takes the place of an empty folder
    if (error)
      filled = io_error("cannot rename " + partial.string() + " to " + data.string() + ": " + error.message());
  }
  if (!filled) {
    fs::remove_all(partial, error);
    return filled.error();
  }
  sync_folder(data.parent_path());
  return *backup;
}

}  // namespace takt
