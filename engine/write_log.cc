#include "engine/write_log.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>

namespace takt {
namespace {

// RocksDB's log_format.h: blocks of 32 KiB; a fragment is a checksum u32, a length u16, a type u8 and its bytes.
constexpr std::size_t kBlock = 32768;
constexpr std::size_t kHeader = 7;
constexpr std::size_t kBatchHeader = 12;  // sequence u64, count u32
enum Type : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };

constexpr std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    tables[0][i] = crc;
  }
  for (std::size_t t = 1; t < 8; ++t) {
    for (std::size_t i = 0; i < 256; ++i)
      tables[t][i] = (tables[t - 1][i] >> 8U) ^ tables[0][tables[t - 1][i] & 255U];
  }
  return tables;
}
constexpr auto kTables = make_tables();

template <class T>
T load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

struct Fragment {
  Type type;
  std::string_view bytes;
  std::size_t size;  ///< with its header
};

/// The fragment at `at` of a block, if its length and checksum hold.
std::optional<Fragment> fragment_at(std::string_view block, std::size_t at) {
  if (block.size() - at < kHeader) return std::nullopt;
  const auto length = load<std::uint16_t>(block.data() + at + 4);
  const auto type = static_cast<std::uint8_t>(block[at + 6]);
  if (type < full || type > last || at + kHeader + length > block.size()) return std::nullopt;
  const auto masked = load<std::uint32_t>(block.data() + at);
  const std::uint32_t crc = crc32c(0, block.data() + at + 6, std::size_t{1} + length);
  if (masked != std::rotr(crc, 15) + 0xA282EAD8U) return std::nullopt;
  return Fragment{static_cast<Type>(type), block.substr(at + kHeader, length), kHeader + length};
}

/// One log after another, with what is known from those before.
class Scanner {
 public:
  explicit Scanner(LogScan& scan) : scan_(scan) {}

  Result<void> read(std::uint64_t number, const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return io_error("cannot read " + path.string());
    number_ = number;
    name_ = "db/" + path.filename().string();
    damaged_at_.reset();
    header_.clear();
    begun_ = false;
    std::string block(kBlock, '\0');
    for (std::uint64_t base = 0; file; base += kBlock) {
      file.read(block.data(), kBlock);
      const auto got = static_cast<std::size_t>(file.gcount());
      scan_.bytes += got;
      read_block({block.data(), got}, base);
    }
    if (file.bad()) return io_error("cannot read " + path.string());
    return {};
  }

 private:
  void read_block(std::string_view block, std::uint64_t base) {
    std::size_t at = 0;
    while (at < block.size() && block.size() - at >= kHeader) {
      const auto fragment = fragment_at(block, at);
      if (fragment) {
        take(*fragment);
        at += fragment->size;
        continue;
      }
      // Zeros are room that was never written, unless a commit begins behind them.
      if (!damaged_at_) damaged_at_ = base + at;
      begun_ = false;
      if (block.find_first_not_of('\0', at) == std::string_view::npos) return;
      ++at;  // what follows may lie anywhere: the length is part of what may be damaged
    }
  }

  void take(const Fragment& fragment) {
    if (fragment.type == full || fragment.type == first) {
      header_.clear();
      begun_ = true;
    }
    if (!begun_ || header_.size() >= kBatchHeader) return;
    header_ += fragment.bytes.substr(0, kBatchHeader - header_.size());
    if (header_.size() == kBatchHeader)
      batch(load<std::uint64_t>(header_.data()), load<std::uint32_t>(header_.data() + 8));
  }

  /// A write begins: all before it had been synced.
  void batch(std::uint64_t sequence, std::uint32_t count) {
    if (next_ != 0 && sequence < next_) return;  // the bytes of a value that look like a record, or an old log
    if (damaged_at_) {
      scan_.damages.push_back({number_, name_ + " is damaged at byte " + std::to_string(*damaged_at_) +
                                            ", with intact commits behind it"});
      damaged_at_.reset();
    } else if (next_ != 0 && sequence != next_) {
      const std::string writes = "writes " + std::to_string(next_) + " to " + std::to_string(sequence - 1) +
                                 " of the database are missing ";
      if (number_ == previous_) {
        scan_.damages.push_back({number_, writes + "in " + name_});
      } else {
        scan_.damages.push_back({number_ - 1, writes + "before " + name_ + ": a log file was removed or cut off"});
      }
    }
    next_ = sequence + count;
    previous_ = number_;
    scan_.last_sequence = next_ - 1;
  }

  LogScan& scan_;
  std::uint64_t number_ = 0, previous_ = 0;
  std::string name_;
  std::optional<std::uint64_t> damaged_at_;
  std::string header_;  // of the record being read
  bool begun_ = false;
  std::uint64_t next_ = 0;  // the sequence that the next write must have; 0: not known yet
};

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, const char* bytes, std::size_t size) {
  crc = ~crc;
  for (; size >= 8; size -= 8, bytes += 8) {
    const std::uint64_t word = load<std::uint64_t>(bytes) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kTables[7 - i][(word >> (8 * i)) & 255U];
  }
  for (; size > 0; --size, ++bytes)
    crc = (crc >> 8U) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(*bytes)) & 255U];
  return ~crc;
}

Result<LogScan> scan_write_logs(const std::filesystem::path& database) {
  std::map<std::uint64_t, std::filesystem::path> logs;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{database, error}) {
    if (entry.path().extension() != ".log") continue;
    logs[std::strtoull(entry.path().stem().c_str(), nullptr, 10)] = entry.path();
  }
  if (error) return io_error("cannot read " + database.string() + ": " + error.message());
  LogScan scan;
  Scanner scanner{scan};
  for (const auto& [number, path] : logs) {
    if (auto read = scanner.read(number, path); !read) return read.error();
  }
  return scan;
}

}  // namespace takt
