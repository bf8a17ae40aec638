#include "engine/disk.h"

#include <fcntl.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>

namespace takt {
namespace {

constexpr int kFormat = 1;
constexpr const char* kFamilyNames[] = {"meta", "events", "journal", "chunk_index", "chunk", "quarantine"};

Error from(const rocksdb::Status& status, const std::string& what) {
  if (status.IsCorruption()) {
    return corruption(what + ": " + status.ToString() + "; restore the folder from a backup");
  }
  return io_error(what + ": " + status.ToString());
}

std::string random_id() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 16; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    const unsigned byte = device() & 0xFFU;
    id.push_back(kDigits[byte >> 4U]);
    id.push_back(kDigits[byte & 15U]);
  }
  return id;
}

Result<void> write_durably(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path temporary = path.string() + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return io_error("cannot write " + temporary.string() + ": " + std::strerror(errno));
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  const int problem = errno;
  ::close(file);
  if (!written) return io_error("cannot write " + temporary.string() + ": " + std::strerror(problem));
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) return io_error("cannot write " + path.string() + ": " + error.message());
  const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
  return {};
}

/// The file TAKT: what this folder is, of which format, and the id of the store.
Result<std::string> claim_folder(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return io_error("cannot create the data folder " + directory.string() + ": " + error.message());
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    return io_error("the data folder " + directory.string() + " is not writable: " + std::strerror(errno) +
                    "; give its owner this user's name, or choose another with --data");
  }
  const std::filesystem::path mark = directory / "TAKT";
  if (std::filesystem::exists(mark)) {
    std::ifstream file{mark};
    std::string word, id;
    int format = 0;
    file >> word >> format >> id;
    if (word != "takt-store" || format < 1 || id.empty()) {
      return corruption(mark.string() + " is damaged; restore the data folder from a backup");
    }
    if (format > kFormat) {
      return corruption("the data folder " + directory.string() + " is of format " + std::to_string(format) +
                        ", this program reads up to " + std::to_string(kFormat) + "; use the newer program");
    }
    return id;
  }
  if (!std::filesystem::is_empty(directory)) {
    // Our own beginnings may be there, if the first start was interrupted.
    for (const auto& entry : std::filesystem::directory_iterator{directory}) {
      if (entry.path().filename() != "TAKT.new" && entry.path().filename() != "lost+found") {
        return invalid("the folder " + directory.string() + " holds other files (" +
                       entry.path().filename().string() +
                       ") and no Takt data; choose an empty folder with --data");
      }
    }
  }
  const std::string id = random_id();
  if (const auto written = write_durably(mark, "takt-store " + std::to_string(kFormat) + ' ' + id + '\n');
      !written) {
    return written.error();
  }
  return id;
}

rocksdb::ColumnFamilyOptions options_of(std::size_t family) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;  // Debian's RocksDB has CRC32C in software only
  table.format_version = 5;
  table.block_size = std::size_t{32} << 10U;
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = std::size_t{32} << 20U;
  options.compression = rocksdb::kZSTD;
  if (family == Store::Disk::journal) options.compression = rocksdb::kNoCompression;  // it dies in the memtable
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

Result<std::unique_ptr<Store::Disk>> Store::Disk::open(const std::filesystem::path& directory) {
  auto disk = std::make_unique<Disk>();
  disk->directory_ = directory;
  const auto id = claim_folder(directory);
  if (!id) return id.error();
  disk->store_id_ = *id;

  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.max_total_wal_size = std::uint64_t{128} << 20U;
  options.keep_log_file_num = 3;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_open_files = -1;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors{{rocksdb::kDefaultColumnFamilyName, options_of(0)}};
  for (std::size_t i = 0; i < families; ++i) descriptors.emplace_back(kFamilyNames[i], options_of(i));
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto status = rocksdb::DB::Open(options, (directory / "db").string(), descriptors, &handles, &db);
  if (!status.ok()) {
    // Not any "lock": a damaged store is told of as a "block checksum mismatch".
    const std::string text = status.ToString();
    const bool in_use =
        text.find("While lock file") != std::string::npos || text.find("lock hold by") != std::string::npos;
    if (status.IsIOError() && in_use) {
      return Error{ErrorCode::conflict,
                   "the data folder " + directory.string() +
                       " is in use by another Takt process; stop that one, or choose another with --data"};
    }
    return from(status, "cannot open the data folder " + directory.string());
  }
  disk->db_.reset(db);
  db->DestroyColumnFamilyHandle(handles.front());  // "default" holds nothing
  disk->handles_.assign(handles.begin() + 1, handles.end());
  return disk;
}

Store::Disk::~Disk() {
  if (!db_) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

Result<void> Store::Disk::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto status = db_->Write(options, &batch); !status.ok())
    return from(status, "cannot write to the journal");
  return {};
}

Result<void> Store::Disk::scan(Family family, const std::string& from_key,
                               const std::function<bool(std::string_view, std::string_view)>& visit) const {
  rocksdb::ReadOptions options;
  options.readahead_size = std::size_t{1} << 20U;
  const std::unique_ptr<rocksdb::Iterator> at{db_->NewIterator(options, handles_[family])};
  for (at->Seek(from_key); at->Valid(); at->Next()) {
    if (!visit(at->key().ToStringView(), at->value().ToStringView())) return {};
  }
  if (!at->status().ok()) return from(at->status(), std::string{"cannot read "} + kFamilyNames[family]);
  return {};
}

std::optional<std::string> Store::Disk::get(Family family, const std::string& key) const {
  std::string value;
  if (!db_->Get({}, handles_[family], key, &value).ok()) return std::nullopt;
  return value;
}

Result<std::shared_ptr<const ReadingRows>> Store::Disk::load(const ChunkInfo& info) const {
  const std::string key = chunk_key(info);
  {
    const std::lock_guard lock{cache_mutex_};
    for (auto at = cache_.begin(); at != cache_.end(); ++at) {
      if (at->first != key) continue;
      cache_.splice(cache_.begin(), cache_, at);
      return cache_.front().second;
    }
  }
  rocksdb::PinnableSlice bytes;
  if (const auto status = db_->Get({}, handles_[chunk], key, &bytes); !status.ok()) {
    return from(status, "cannot read a chunk of " + format_time(info.first));
  }
  auto rows = decode_chunk(bytes.ToStringView());
  if (!rows) {
    return Error{rows.error().code, "chunk of machine " + std::to_string(index_of(info.machine)) + ", group " +
                                        std::to_string(static_cast<unsigned>(info.group)) + ", from " +
                                        format_time(info.first) + ": " + rows.error().context};
  }
  auto shared = std::make_shared<const ReadingRows>(std::move(*rows));
  const std::lock_guard lock{cache_mutex_};
  cache_.emplace_front(key, shared);
  if (cache_.size() > kCachedChunks) cache_.pop_back();
  return shared;
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
