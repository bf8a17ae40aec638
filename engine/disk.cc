#include "engine/disk.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "engine/folder_mark.h"
#include "engine/log_room.h"
#include "engine/write_log.h"

namespace takt {
namespace {

constexpr const char* kFamilyNames[] = {"meta",       "events",      "journal",    "chunk_index", "chunk",
                                        "quarantine", "event_chunk", "checkpoint", "rollup",      "commit_time"};
static_assert(std::size(kFamilyNames) == Store::Disk::families);

constexpr const char* kRemedy =
    "; see what is lost with takt verify, and get the data back from a backup with takt restore";

/// The folders that this process has open. The kernel's lock tells processes apart, not two openings of one.
class OpenFolders {
 public:
  static OpenFolders& instance() {
    static OpenFolders folders;
    return folders;
  }
  bool claim(const std::filesystem::path& directory) {
    const std::lock_guard lock{mutex_};
    return folders_.insert(key(directory)).second;
  }
  void release(const std::filesystem::path& directory) {
    const std::lock_guard lock{mutex_};
    folders_.erase(key(directory));
  }

 private:
  static std::string key(const std::filesystem::path& directory) {
    std::error_code error;
    return std::filesystem::weakly_canonical(directory, error).string();
  }
  std::mutex mutex_;
  std::set<std::string> folders_;
};

Error in_use(const std::filesystem::path& directory, const std::string& by) {
  return {ErrorCode::conflict, "the data folder " + directory.string() + " is in use by " + by +
                                   "; stop that one, or choose another with --data"};
}

bool names_file(const std::string& word) {
  if (word == "CURRENT" || word == "IDENTITY" || word.starts_with("MANIFEST-") || word.starts_with("OPTIONS-"))
    return true;
  const std::size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  const std::string_view extension = std::string_view{word}.substr(digits);
  return digits >= 6 && (extension == ".sst" || extension == ".ldb" || extension == ".log");
}

/// The first file of the database that a text of RocksDB names, as "db/000012.sst"; empty if none.
std::string file_in(const std::string& text) {
  constexpr const char* kBetween = " /:;,()'\"";
  for (std::size_t end = 0, begin = 0; (begin = text.find_first_not_of(kBetween, end)) != std::string::npos;) {
    end = std::min(text.find_first_of(kBetween, begin), text.size());
    std::string word = text.substr(begin, end - begin);
    while (word.ends_with('.')) word.pop_back();
    if (!names_file(word)) continue;
    // The name that RocksDB tries last for a table that is not there.
    if (word.ends_with(".ldb")) word.replace(word.size() - 3, 3, "sst");
    return "db/" + word;
  }
  return "";
}

/// What RocksDB's text says is wrong, in words.
std::string trouble_in(const std::string& text) {
  const auto says = [&](const char* part) { return text.find(part) != std::string::npos; };
  if (says("size mismatch") || says("too short") || says("truncated")) return "is cut off or of another size";
  return "is damaged";
}

Result<void> make_folder(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return io_error("cannot create the data folder " + directory.string() + ": " + error.message());
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    return io_error("the data folder " + directory.string() + " is not writable: " + std::strerror(errno) +
                    "; give its owner this user's name, or choose another with --data");
  }
  return {};
}

/// That a folder without the file TAKT is empty, but for what a first start leaves behind that was cut short.
Result<void> check_unused(const std::filesystem::path& directory) {
  const bool begun = std::filesystem::exists(directory / "TAKT.new");
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{directory, error}) {
    const std::string name = entry.path().filename().string();
    if (name == "TAKT.new" || name == "lost+found" || (name == "db" && begun)) continue;
    if (std::filesystem::exists(directory / "db" / "CURRENT")) {
      return corruption("the data folder " + directory.string() +
                        " has a database but its file TAKT is missing; restore the folder with takt restore");
    }
    return invalid("the folder " + directory.string() + " holds other files (" + name +
                   ") and no Takt data; choose an empty folder with --data");
  }
  if (error) return io_error("cannot read " + directory.string() + ": " + error.message());
  return {};
}

/// `cache` is shared by all families.
rocksdb::ColumnFamilyOptions options_of(std::size_t family, const StoreMemory& memory,
                                        const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;  // Debian's RocksDB has CRC32C in software only
  table.format_version = 5;
  table.block_size = std::size_t{32} << 10U;
  table.block_cache = cache;
  if (family == Store::Disk::chunk) {
    // A chunk is a block of its own: who asks for one tag reads no other.
    table.block_size = std::size_t{4} << 10U;
  }
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = std::min(std::size_t{32} << 20U, memory.memtables / 4);
  options.compression = rocksdb::kZSTD;
  // The journal dies in the memtable, and chunks are near their entropy.
  if (family == Store::Disk::journal || family == Store::Disk::chunk || family == Store::Disk::event_chunk)
    options.compression = rocksdb::kNoCompression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

std::string sequence_key(std::uint64_t number) {
  std::string key(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) key[i] = static_cast<char>(number >> (56 - 8 * i));
  return key;
}

std::uint64_t sequence_of_key(std::string_view key) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8 && i < key.size(); ++i) number = number << 8U | static_cast<std::uint8_t>(key[i]);
  return number;
}

const char* Store::Disk::name_of(Family family) { return kFamilyNames[family]; }

Error Store::Disk::error_of(const rocksdb::Status& status, const std::string& what) {
  std::string text = status.ToString();
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (text.ends_with(' ')) text.pop_back();
  const std::string file = file_in(text);
  const bool missing = text.find("No such file") != std::string::npos;
  if (!status.IsCorruption() && !(missing && !file.empty())) return io_error(what + ": " + text);
  std::string trouble = file.empty() ? text : file + (missing ? " is missing" : ' ' + trouble_in(text));
  if (!file.empty() && !missing) trouble += " (" + text + ")";
  return corruption(what + ": " + trouble + kRemedy);
}

std::string series_key(SeriesId id) { return "s" + sequence_key(index_of(id)); }

std::string encode_series_name(const SeriesName& name) {
  return sequence_key(std::uint64_t{index_of(name.machine)} << 32U | index_of(name.group)) + name.tag;
}

Result<SeriesName> decode_series_name(std::string_view value) {
  if (value.size() < 8) return corruption("the name of a tag is damaged");
  const std::uint64_t number = sequence_of_key(value);
  return SeriesName{MachineId{static_cast<std::uint32_t>(number >> 32U)},
                    GroupId{static_cast<std::uint32_t>(number)}, std::string{value.substr(8)}};
}

std::string dropped_day_key(std::uint32_t day) { return "d" + chunk_day_key(day); }

std::string heard_key(MachineId machine, std::uint32_t number) {
  return "h" + sequence_key(std::uint64_t{index_of(machine)} << 32U | number);
}

std::string encode_heard(const std::vector<HeardRun>& runs) {
  std::string value;
  for (const HeardRun& run : runs) {
    value += sequence_key(static_cast<std::uint64_t>(micros(run.first)));
    value += sequence_key(static_cast<std::uint64_t>(micros(run.last)));
  }
  return value;
}

Result<void> decode_heard(std::string_view value, std::vector<HeardRun>& runs) {
  if (value.size() % 16 != 0)
    return corruption("what is known of a machine's readings of dropped days is damaged");
  for (; !value.empty(); value.remove_prefix(16)) {
    runs.push_back({from_micros(static_cast<std::int64_t>(sequence_of_key(value))),
                    from_micros(static_cast<std::int64_t>(sequence_of_key(value.substr(8))))});
  }
  return {};
}

std::string encode_drops(const std::vector<Drop>& drops) {
  std::string value;
  for (const Drop& drop : drops) {
    value += sequence_key(drop.first_kept);
    value += sequence_key(drop.sequence);
  }
  return value;
}

Result<std::vector<Drop>> decode_drops(std::string_view value) {
  if (value.size() % 16 != 0) return corruption("what is known of dropped days is damaged");
  std::vector<Drop> drops;
  for (; value.size() >= 16; value.remove_prefix(16)) {
    drops.push_back({static_cast<std::uint32_t>(sequence_of_key(value)), sequence_of_key(value.substr(8))});
  }
  return drops;
}

std::string rollup_key(MachineId machine, Timestamp until) {
  const std::string number = sequence_key(index_of(machine)).substr(4);
  return number + sequence_key(static_cast<std::uint64_t>(micros(until)) ^ (std::uint64_t{1} << 63U));
}

std::string garbage_key(const ChunkKey& key) { return "g" + key.bytes(); }

Result<std::unique_ptr<Store::Disk>> Store::Disk::open(const std::filesystem::path& directory,
                                                       const StoreMemory& memory) {
  if (auto made = make_folder(directory); !made) return made.error();
  auto disk = std::make_unique<Disk>();
  disk->directory_ = directory;
  disk->memory_ = memory;
  if (!OpenFolders::instance().claim(directory)) return in_use(directory, "this process");
  disk->claimed_ = true;
  auto mark = read_mark(directory);
  const bool fresh = !mark && mark.error().code == ErrorCode::not_found;
  if (!mark && !fresh) return mark.error();
  if (fresh) {
    if (auto unused = check_unused(directory); !unused) return unused.error();
    mark = FolderMark::fresh();
    // The mark comes last: a folder that has it has a database, and one without can be begun again.
    if (auto written = write_durably(directory / "TAKT.new", mark->text()); !written) return written.error();
  } else {
    if (const auto holder = lock_holder(directory)) {
      return in_use(directory, "another Takt process, " + name_of_process(*holder));
    }
    if (auto intact = check_logs(directory); !intact) return intact.error();
  }
  disk->store_id_ = mark->identity();
  auto opened = open_database(std::move(disk), fresh ? Access::create : Access::write);
  if (!opened || (!fresh && mark->format == kStoreFormat)) return opened;
  if (auto written = write_durably(directory / "TAKT", mark->text()); !written) return written.error();
  return opened;
}

Result<std::unique_ptr<Store::Disk>> Store::Disk::open_to_read(const std::filesystem::path& directory,
                                                               const StoreMemory& memory) {
  auto disk = std::make_unique<Disk>();
  disk->directory_ = directory;
  disk->memory_ = memory;
  const auto mark = read_mark(directory);
  if (!mark) return mark.error();
  disk->store_id_ = mark->identity();
  if (!OpenFolders::instance().claim(directory)) return in_use(directory, "this process");
  disk->claimed_ = true;
  disk->read_lock_ = ::open((directory / "db" / "LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  if (disk->read_lock_ >= 0 && ::fcntl(disk->read_lock_, F_SETLK, &lock) != 0) {
    const auto holder = lock_holder(directory);
    return in_use(directory, "another Takt process" + (holder ? ", " + name_of_process(*holder) : std::string{}));
  }
  return open_database(std::move(disk), Access::read);
}

Result<std::unique_ptr<Store::Disk>> Store::Disk::open_database(std::unique_ptr<Disk> disk, Access access) {
  const std::string what = "cannot open the data folder " + disk->directory_.string();
  const std::string path = (disk->directory_ / "db").string();
  if (access != Access::create && !std::filesystem::exists(disk->directory_ / "db" / "CURRENT")) {
    return corruption(what + ": db/CURRENT is missing; get the data back from a backup with takt restore");
  }
  disk->env_ = rocksdb::NewCompositeEnv(with_log_room(rocksdb::FileSystem::Default()));
  rocksdb::DBOptions options;
  options.env = disk->env_.get();
  options.create_if_missing = access == Access::create;
  options.create_missing_column_families = access != Access::read;
  options.max_background_jobs = 2;
  options.max_total_wal_size = std::uint64_t{128} << 20U;
  options.keep_log_file_num = 3;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_open_files = -1;
  options.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(disk->memory_.memtables);
  const auto cache = rocksdb::NewLRUCache(disk->memory_.block_cache);
  std::vector<std::string> there{kFamilyNames, kFamilyNames + families};
  if (access == Access::read) {
    if (const auto s = rocksdb::DB::ListColumnFamilies(options, path, &there); !s.ok()) return error_of(s, what);
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors{
      {rocksdb::kDefaultColumnFamilyName, options_of(0, disk->memory_, cache)}};
  std::vector<std::size_t> opened;
  for (std::size_t i = 0; i < families; ++i) {
    if (std::find(there.begin(), there.end(), kFamilyNames[i]) == there.end()) continue;
    descriptors.emplace_back(kFamilyNames[i], options_of(i, disk->memory_, cache));
    opened.push_back(i);
  }
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto status = access == Access::read
                          ? rocksdb::DB::OpenForReadOnly(options, path, descriptors, &handles, &db)
                          : rocksdb::DB::Open(options, path, descriptors, &handles, &db);
  if (!status.ok()) {
    // Not any "lock": a damaged store is told of as a "block checksum mismatch".
    const std::string text = status.ToString();
    const bool in_use_now =
        text.find("While lock file") != std::string::npos || text.find("lock hold by") != std::string::npos;
    if (status.IsIOError() && in_use_now) return in_use(disk->directory_, "another Takt process");
    return error_of(status, what);
  }
  disk->db_.reset(db);
  disk->access_ = access;
  db->DestroyColumnFamilyHandle(handles.front());  // "default" holds nothing
  disk->handles_.assign(families, nullptr);
  for (std::size_t i = 0; i < opened.size(); ++i) disk->handles_[opened[i]] = handles[i + 1];
  return disk;
}

namespace {

/// How far the replay of the logs gets, and where it begins, as the database itself sees it.
struct Replay {
  std::uint64_t first_log = 0;
  std::uint64_t last_sequence = 0;
};

Result<Replay> try_replay(const std::string& database, const std::string& what) {
  rocksdb::DBOptions options;
  options.max_open_files = 16;
  std::vector<std::string> names;
  auto status = rocksdb::DB::ListColumnFamilies(options, database, &names);
  if (!status.ok()) return Store::Disk::error_of(status, what);
  const auto cache = rocksdb::NewLRUCache(StoreMemory{}.block_cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) descriptors.emplace_back(name, options_of(0, {}, cache));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  status = rocksdb::DB::OpenForReadOnly(options, database, descriptors, &handles, &opened);
  if (!status.ok()) return Store::Disk::error_of(status, what);
  const std::unique_ptr<rocksdb::DB> db{opened};
  Replay replay;
  db->GetIntProperty(rocksdb::DB::Properties::kMinLogNumberToKeep, &replay.first_log);
  replay.last_sequence = db->GetLatestSequenceNumber();
  for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  return replay;
}

}  // namespace

Result<void> Store::Disk::check_logs(const std::filesystem::path& directory) {
  const std::filesystem::path database = directory / "db";
  if (!std::filesystem::exists(database / "CURRENT")) return {};  // opening it says what is wrong
  const auto scan = scan_write_logs(database);
  if (!scan) return scan.error();
  const std::uint64_t synced = read_synced(directory);
  if (scan->damages.empty() && scan->last_sequence >= synced) return {};
  // Logs that were replayed long ago may still lie about, and after a flush there need be none: ask the database.
  const std::string what = "cannot open the data folder " + directory.string();
  const auto replay = try_replay(database.string(), what);
  if (!replay) return replay.error();
  for (const LogDamage& damage : scan->damages) {
    if (damage.log >= replay->first_log) return corruption(what + ": " + damage.what + kRemedy);
  }
  if (replay->last_sequence >= synced) return {};
  return corruption(what + ": the newest " + std::to_string(synced - replay->last_sequence) +
                    " writes are missing: a file db/*.log was removed or cut off" + kRemedy);
}

Store::Disk::~Disk() {
  if (db_) {
    const std::uint64_t written = db_->GetLatestSequenceNumber();
    for (auto* handle : handles_) {
      if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
    }
    const bool closed = db_->Close().ok();
    if (closed && access_ != Access::read && !failed_) write_synced(directory_, written);
    db_.reset();
  }
  if (read_lock_ >= 0) ::close(read_lock_);
  if (claimed_) OpenFolders::instance().release(directory_);
}

Result<void> Store::Disk::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto status = db_->Write(options, &batch); !status.ok()) {
    failed_ = true;
    return error_of(status, "cannot write to the journal");
  }
  return {};
}

Result<void> Store::Disk::scan(Family family, const std::string& from_key,
                               const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (handles_[family] == nullptr) return {};
  rocksdb::ReadOptions options;
  options.readahead_size = std::size_t{1} << 20U;
  const std::unique_ptr<rocksdb::Iterator> at{db_->NewIterator(options, handles_[family])};
  for (at->Seek(from_key); at->Valid(); at->Next()) {
    if (!visit(at->key().ToStringView(), at->value().ToStringView())) return {};
  }
  if (!at->status().ok()) return error_of(at->status(), std::string{"cannot read "} + kFamilyNames[family]);
  return {};
}

std::optional<std::string> Store::Disk::get(Family family, const std::string& key) const {
  std::string value;
  if (handles_[family] == nullptr) return std::nullopt;
  if (!db_->Get({}, handles_[family], key, &value).ok()) return std::nullopt;
  return value;
}

Result<void> Store::Disk::load(const ChunkKey& key,
                               const std::function<Result<void>(std::string_view)>& read) const {
  const auto name = [&] {
    return "chunk of machine " + std::to_string(index_of(key.machine)) + ", group " +
           std::to_string(index_of(key.group)) + ", from " + format_time(key.first);
  };
  rocksdb::PinnableSlice bytes;
  if (const auto status = db_->Get({}, handles_[chunk], key.bytes(), &bytes); !status.ok()) {
    return error_of(status, "cannot read the " + name());
  }
  const auto done = read(bytes.ToStringView());
  if (!done) return Error{done.error().code, name() + ": " + done.error().context};
  return {};
}

Result<std::shared_ptr<const ReadingColumns>> Store::Disk::rows(const ChunkKey& key, GroupId group) const {
  {
    const std::lock_guard lock{cache_mutex_};
    for (auto at = cache_.begin(); at != cache_.end(); ++at) {
      if (at->key != key || at->group != group) continue;
      cache_.splice(cache_.begin(), cache_, at);
      return cache_.front().rows;
    }
  }
  auto decoded = decode_rows(key, group);
  if (!decoded) return decoded.error();
  const std::shared_ptr<const ReadingColumns> shared = std::move(*decoded);
  const std::lock_guard lock{cache_mutex_};
  cache_.push_front({key, group, shared});
  cached_bytes_ += shared->bytes();
  while (cached_bytes_ > memory_.decoded && cache_.size() > 1) {
    cached_bytes_ -= cache_.back().rows->bytes();
    cache_.pop_back();
  }
  return shared;
}

Result<void> Store::Disk::compact() {
  for (auto* handle : handles_) {
    if (const auto status = db_->Flush({}, handle); !status.ok()) return error_of(status, "cannot flush");
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    if (const auto status = db_->CompactRange(options, handle, nullptr, nullptr); !status.ok()) {
      return error_of(status, "cannot compact");
    }
  }
  return {};
}

// ---------------------------------------- chunks on their way out

class Store::Disk::Stored final : public StoredChunk {
 public:
  Stored(Disk& disk, const ChunkKey& key) : disk_(disk), key_(key) {
    const std::lock_guard lock{disk_.garbage_mutex_};
    ++disk_.days_[chunk_day(key_.first)].held;
  }
  ~Stored() override {
    const std::lock_guard lock{disk_.garbage_mutex_};
    const auto day = disk_.days_.find(chunk_day(key_.first));
    --day->second.held;
    if (gone_) {
      --day->second.let_go;
      day->second.garbage.push_back(key_);
      disk_.garbage_days_.insert(day->first);
    } else if (day->second.held == 0 && !disk_.garbage_days_.contains(day->first)) {
      disk_.days_.erase(day);
    }
  }
  void let_go() const override {
    const std::lock_guard lock{disk_.garbage_mutex_};
    if (!std::exchange(gone_, true)) ++disk_.days_[chunk_day(key_.first)].let_go;
  }

 private:
  Disk& disk_;
  ChunkKey key_;
  mutable bool gone_ = false;  // guarded by the disk's mutex
};

std::shared_ptr<const StoredChunk> Store::Disk::stored(const ChunkKey& key) {
  return std::make_shared<const Stored>(*this, key);
}

std::vector<ChunkKey> Store::Disk::take_garbage() {
  const std::lock_guard lock{garbage_mutex_};
  std::vector<ChunkKey> keys;
  for (auto at = garbage_days_.begin(); at != garbage_days_.end();) {
    const auto day = days_.find(*at);
    if (day->second.dropped) {
      ++at;
      continue;
    }
    keys.insert(keys.end(), day->second.garbage.begin(), day->second.garbage.end());
    day->second.garbage.clear();
    if (day->second.held == 0) days_.erase(day);
    at = garbage_days_.erase(at);
  }
  return keys;
}

void Store::Disk::note_dropped(const std::set<std::uint32_t>& days) {
  const std::lock_guard lock{garbage_mutex_};
  for (const std::uint32_t day : days) days_[day].dropped = true;
  garbage_days_.insert(days.begin(), days.end());
}

std::vector<Store::Disk::DroppedDay> Store::Disk::take_dropped_days() {
  const std::lock_guard lock{garbage_mutex_};
  std::vector<DroppedDay> taken;
  for (auto at = garbage_days_.begin(); at != garbage_days_.end();) {
    const auto day = days_.find(*at);
    if (!day->second.dropped || day->second.let_go > 0) {
      ++at;
      continue;
    }
    taken.push_back({day->first, day->second.held == 0, std::exchange(day->second.garbage, {})});
    day->second.dropped = false;
    if (day->second.held == 0) days_.erase(day);
    at = garbage_days_.erase(at);
  }
  return taken;
}

void Store::Disk::drop_day(std::uint32_t day, rocksdb::WriteBatch& batch) {
  const std::string first = chunk_day_key(day), last = chunk_day_key(day + 1);
  const rocksdb::Slice begin{first}, end{last};
  const rocksdb::RangePtr range{&begin, &end};
  // A file that cannot be taken out now goes with the range, when it is compacted.
  rocksdb::DeleteFilesInRanges(db_.get(), handles_[chunk], &range, 1, false);
  batch.DeleteRange(handles_[chunk], first, last);
  batch.DeleteRange(handles_[meta], "g" + first, "g" + last);
  const std::lock_guard lock{garbage_mutex_};
  reclaimable_.insert(day);
}

void Store::Disk::reclaim(std::atomic<bool>& given_up) {
  std::set<std::uint32_t> days;
  {
    const std::lock_guard lock{garbage_mutex_};
    days.swap(reclaimable_);
  }
  if (days.empty()) return;
  const std::string first = chunk_day_key(*days.begin()), last = chunk_day_key(*days.rbegin() + 1);
  const rocksdb::Slice begin{first}, end{last};
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.canceled = &given_up;
  // Only room depends on it, and later rewriting gives that, too.
  db_->CompactRange(options, handles_[chunk], &begin, &end).PermitUncheckedError();
}

std::uint64_t Store::Disk::free_bytes() const {
  struct statvfs info {};
  return ::statvfs(directory_.c_str(), &info) == 0 ? std::uint64_t{info.f_bavail} * info.f_frsize
                                                   : ~std::uint64_t{0};
}

std::uint64_t Store::Disk::total_bytes() const {
  struct statvfs info {};
  return ::statvfs(directory_.c_str(), &info) == 0 ? std::uint64_t{info.f_blocks} * info.f_frsize
                                                   : ~std::uint64_t{0};
}

std::uint64_t Store::Disk::used_bytes() const {
  std::uint64_t sum = 0;
  std::error_code error;
  for (auto at = std::filesystem::recursive_directory_iterator{directory_, error};
       !error && at != std::filesystem::recursive_directory_iterator{}; at.increment(error)) {
    std::error_code ignored;  // a file may go while we look
    if (const auto size = at->file_size(ignored); !ignored) sum += size;
  }
  return sum;
}

}  // namespace takt
