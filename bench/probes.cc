#include "bench/probes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kAppends = 100;
constexpr std::size_t kAppendBytes = 4096;
constexpr std::size_t kWriteBytes = std::size_t{1} << 20U;
constexpr int kCopies = 5;
constexpr std::size_t kShortestCopy = std::size_t{16} << 20U;  // what a short copy takes cannot be told alone

double seconds_since(SteadyClock::time_point begun) {
  return std::chrono::duration<double>(SteadyClock::now() - begun).count();
}

/// A new file, removed when it goes.
class ProbeFile {
 public:
  explicit ProbeFile(const std::filesystem::path& folder)
      : path_(folder / "probe"),
        descriptor_(open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)) {}
  ~ProbeFile() {
    if (descriptor_ >= 0) close(descriptor_);
    unlink(path_.c_str());
  }
  ProbeFile(const ProbeFile&) = delete;
  ProbeFile& operator=(const ProbeFile&) = delete;

  bool write_all(const char* from, std::size_t bytes) const {
    return write(descriptor_, from, bytes) == static_cast<ssize_t>(bytes);
  }
  bool sync_data() const { return fdatasync(descriptor_) == 0; }
  bool sync() const { return fsync(descriptor_) == 0; }
  Error failure() const { return io_error("cannot write and sync " + path_.string()); }

 private:
  std::filesystem::path path_;
  int descriptor_;
};

/// Bytes that no disk can leave out as zeros.
std::vector<char> some_bytes(std::size_t count) {
  std::vector<char> bytes(count);
  unsigned state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1103515245U + 12345U) >> 24U);
  return bytes;
}

}  // namespace

Result<double> synced_appends_per_s(const std::filesystem::path& folder) {
  const ProbeFile file{folder};
  const std::vector<char> bytes = some_bytes(kAppendBytes);
  const auto begun = SteadyClock::now();
  for (int i = 0; i < kAppends; ++i) {
    if (!file.write_all(bytes.data(), bytes.size()) || !file.sync_data()) return file.failure();
  }
  return kAppends / seconds_since(begun);
}

Result<double> sequential_write_bytes_per_s(const std::filesystem::path& folder, std::size_t bytes) {
  const std::vector<char> piece = some_bytes(kWriteBytes);
  const ProbeFile file{folder};
  const auto begun = SteadyClock::now();
  for (std::size_t done = 0; done < bytes; done += kWriteBytes) {
    if (!file.write_all(piece.data(), std::min(kWriteBytes, bytes - done))) return file.failure();
  }
  if (!file.sync()) return file.failure();
  return static_cast<double>(bytes) / seconds_since(begun);
}

double memcpy_bytes_per_s(std::size_t bytes) {
  const std::vector<char> from = some_bytes(bytes);
  std::vector<char> to(bytes, '\1');  // touched: no page is missing when the clock runs
  const std::size_t rounds = std::max<std::size_t>(1, kShortestCopy / std::max<std::size_t>(1, bytes));
  double best = 0;
  for (int i = 0; i < kCopies; ++i) {
    const auto begun = SteadyClock::now();
    for (std::size_t round = 0; round < rounds; ++round) {
      std::memcpy(to.data(), from.data(), bytes);
      asm volatile("" : : "r"(to.data()) : "memory");  // the copy must not be left out
    }
    best = std::max(best, static_cast<double>(bytes * rounds) / seconds_since(begun));
  }
  return best;
}

}  // namespace takt::bench
