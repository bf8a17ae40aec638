#include "engine/log_room.h"

#include <fcntl.h>
#include <rocksdb/file_system.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace takt {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr std::uint64_t kRoom = std::uint64_t{256} << 10U;
constexpr std::uint64_t kPage = 4096;
/// A longer write pays for its bytes, not for the sync: room would have them written twice.
constexpr std::uint64_t kSmallWrite = std::uint64_t{64} << 10U;

std::string name_in(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

/// How long the logs are that are being written.
class OpenLogs {
 public:
  void set(const std::string& path, std::uint64_t size) {
    const std::lock_guard lock{mutex_};
    sizes_[name_in(path)] = size;
  }
  void forget(const std::string& path) {
    const std::lock_guard lock{mutex_};
    sizes_.erase(name_in(path));
  }
  bool find(const std::string& path, std::uint64_t& size) const {
    const std::lock_guard lock{mutex_};
    const auto at = sizes_.find(name_in(path));
    if (at == sizes_.end()) return false;
    size = at->second;
    return true;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> sizes_;
};

/// Written by one thread at a time, as RocksDB does.
class RoomyLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  RoomyLog(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path, std::shared_ptr<OpenLogs> logs)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), logs_(std::move(logs)) {
    logs_->set(path_, 0);
  }
  ~RoomyLog() override { let_go(); }

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return appended(data.size(), FSWritableFileWrapper::Append(data, options, debug));
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& check,
                  IODebugContext* debug) override {
    return appended(data.size(), FSWritableFileWrapper::Append(data, options, check, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    make_room();
    return FSWritableFileWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    make_room();
    return FSWritableFileWrapper::Fsync(options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    if (room_until_ > size_) {
      if (auto cut = Truncate(size_, options, debug); !cut.ok()) return cut;
    }
    let_go();
    return FSWritableFileWrapper::Close(options, debug);
  }

 private:
  IOStatus appended(std::uint64_t bytes, IOStatus status) {
    if (status.ok()) logs_->set(path_, size_ += bytes);
    return status;
  }

  /// Room that cannot be had is no failure: the log grows as it is written, then.
  void make_room() {
    const std::uint64_t written = size_ - std::exchange(synced_, size_);
    if (written == 0 || written > kSmallWrite || size_ + written <= room_until_) return;
    if (file_ < 0) file_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (file_ < 0) return;
    static const std::string kZeros(kRoom, '\0');
    const std::uint64_t until = (size_ + kRoom) / kPage * kPage;
    const std::uint64_t from = std::max(size_, room_until_);
    const auto done = ::pwrite(file_, kZeros.data(), until - from, static_cast<off_t>(from));
    if (done > 0) room_until_ = from + static_cast<std::uint64_t>(done);
  }

  void let_go() {
    logs_->forget(path_);
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }

  const std::string path_;
  const std::shared_ptr<OpenLogs> logs_;
  int file_ = -1;
  std::uint64_t size_ = 0, synced_ = 0;
  std::uint64_t room_until_ = 0;  // in the file are zeros from size_ up to here
};

class RoomyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit RoomyFileSystem(const std::shared_ptr<rocksdb::FileSystem>& base) : FileSystemWrapper(base) {}
  const char* Name() const override { return "TaktLogRoom"; }

  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) override {
    auto made = FileSystemWrapper::NewWritableFile(path, options, file, debug);
    if (made.ok() && path.ends_with(".log")) *file = std::make_unique<RoomyLog>(std::move(*file), path, logs_);
    return made;
  }
  /// Who copies a log while it is written (a backup does) must not copy room that fills meanwhile.
  IOStatus GetFileSize(const std::string& path, const IOOptions& options, std::uint64_t* size,
                       IODebugContext* debug) override {
    if (logs_->find(path, *size)) return IOStatus::OK();
    return FileSystemWrapper::GetFileSize(path, options, size, debug);
  }

 private:
  const std::shared_ptr<OpenLogs> logs_ = std::make_shared<OpenLogs>();
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> with_log_room(const std::shared_ptr<rocksdb::FileSystem>& base) {
  return std::make_shared<RoomyFileSystem>(base);
}

}  // namespace takt
