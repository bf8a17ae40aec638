#include "engine/write_log.h"

#include "engine/disk.h"
#include "tests/engine/engine_store.h"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

namespace takt {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const Timestamp kStart = parse_time("2025-01-06T06:00:00Z").value();

std::string bytes_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream{path, std::ios::binary}.rdbuf();
  return text.str();
}
void put_bytes(const fs::path& path, const std::string& bytes) { std::ofstream{path, std::ios::binary} << bytes; }

/// Copies a folder whose database may be taking away a file that it needs no more: then once again.
void copy_folder(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  for (int attempt = 0; attempt < 100; ++attempt) {
    fs::remove_all(to);
    failed.clear();
    fs::copy(from, to, fs::copy_options::recursive, failed);
    if (!failed) return;
  }
  ADD_FAILURE() << failed.message();
}

/// A folder as a crash leaves it: copied while the store is open, so that all is in the log.
struct CrashedStore {
  EngineStore engine{kStart + std::chrono::hours{1}};
  fs::path copy = engine.folder.path() / "copy";

  explicit CrashedStore(int commits = 12) {
    for (int i = 0; i < commits; ++i) {
      std::vector<Event> events;
      for (int k = 0; k < 40; ++k)
        events.push_back(reading("M1", "temp", kStart + std::chrono::seconds{i * 40 + k}, k * 0.1));
      events.push_back(count("M1", kStart + std::chrono::seconds{i}, 1));
      engine.commit(events);
    }
    copy_folder(engine.data(), copy);
  }
  fs::path log() const {
    for (const auto& entry : fs::directory_iterator{copy / "db"}) {
      if (entry.path().extension() == ".log") return entry.path();
    }
    return {};
  }
  /// How many pieces the copy has; nothing, and `refusal`, if it does not open.
  std::optional<std::int64_t> pieces() {
    StoreOptions options;
    options.clock = &engine.clock;
    const auto store = Store::open(copy, options);
    if (!store) {
      refusal = store.error().context;
      return std::nullopt;
    }
    if ((*store)->read().machine("M1") == nullptr) return 0;
    const TimeRange all{kStart - std::chrono::hours{1}, kStart + std::chrono::hours{1}};
    return (*store)->read().machine("M1")->account(all, engine.clock.now()).good;
  }
  std::string refusal;
};

TEST(WriteLog, HasTheChecksumOfRocksDb) {
  // RFC 3720, B.4, and the customary check value.
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xE3069283U);
  EXPECT_EQ(crc32c(0, std::string(32, '\0').data(), 32), 0x8A9136AAU);
  EXPECT_EQ(crc32c(0, std::string(32, '\xff').data(), 32), 0x62A8AB43U);
}

TEST(WriteLog, OfACrashIsWhole) {
  CrashedStore crashed;
  const auto scan = scan_write_logs(crashed.copy / "db");
  ASSERT_TRUE(scan);
  EXPECT_TRUE(scan->damages.empty()) << scan->damages.front().what;
  EXPECT_GT(scan->last_sequence, 12U);
  EXPECT_GT(scan->bytes, 0U);
  EXPECT_EQ(crashed.pieces(), 12);
}

TEST(WriteLog, WithATornEndOpensWithAllThatWasAnswered) {
  CrashedStore crashed;
  const std::string whole = bytes_of(crashed.log());
  // What a crash in the middle of the next write leaves: a record that was begun.
  const std::string torn = whole + whole.substr(0, std::min<std::size_t>(whole.size(), 100));
  put_bytes(crashed.log(), torn);
  EXPECT_EQ(crashed.pieces(), 12) << crashed.refusal;
}

/// A flipped bit anywhere: the store is refused with the file's name, or, where the last commit alone is hit
/// (which looks like a write that was cut short), opens with all the others. Never a gap.
TEST(WriteLog, WithAFlippedBitIsRefusedByName) {
  CrashedStore crashed;
  const fs::path log = crashed.log();
  const fs::path pristine = crashed.engine.folder.path() / "pristine";
  fs::copy(crashed.copy, pristine, fs::copy_options::recursive);
  const std::string whole = bytes_of(log);
  std::size_t refused = 0, shortened = 0;
  const std::size_t step = whole.size() / 97 + 1;
  for (std::size_t at = 0; at < whole.size(); at += step) {
    fs::remove_all(crashed.copy);
    fs::copy(pristine, crashed.copy, fs::copy_options::recursive);
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    put_bytes(log, flipped);
    const auto pieces = crashed.pieces();
    if (!pieces) {
      ++refused;
      EXPECT_THAT(crashed.refusal, HasSubstr("db/" + log.filename().string()));
      EXPECT_THAT(crashed.refusal, HasSubstr("takt restore"));
      EXPECT_EQ(bytes_of(log), flipped) << "what could still be saved must stay";
    } else {
      ++shortened;
      EXPECT_EQ(pieces, 11) << "byte " << at << " of " << whole.size();
    }
  }
  EXPECT_GT(refused, 50U);
  EXPECT_LT(shortened, refused);
}

TEST(WriteLog, CutOffAfterAnOrderlyStopIsRefused) {
  CrashedStore crashed;
  ASSERT_EQ(crashed.pieces(), 12);  // opened, and stopped in order
  {
    EngineStore& engine = crashed.engine;
    const auto store = Store::open(crashed.copy, engine.options);
    ASSERT_TRUE(store);
    EventBatch batch;
    batch.events = {count("M1", kStart + std::chrono::minutes{20}, 1)};
    ASSERT_TRUE((*store)->commit(std::move(batch), "test"));
  }
  bool cut = false;
  for (const auto& entry : fs::directory_iterator{crashed.copy / "db"}) {
    if (entry.path().extension() != ".log" || entry.file_size() == 0) continue;
    fs::resize_file(entry.path(), 0);
    cut = true;
  }
  ASSERT_TRUE(cut);
  EXPECT_EQ(crashed.pieces(), std::nullopt);
  EXPECT_THAT(crashed.refusal, HasSubstr("writes are missing"));
}

TEST(WriteLog, ThatIsMissingBetweenOthersIsRefused) {
  CrashedStore crashed;
  // A second log, and a third, as flushes begin them, of which the second goes.
  crashed.engine.store.reset();
  {
    auto disk = Store::Disk::open(crashed.engine.data());
    ASSERT_TRUE(disk);
    for (int i = 0; i < 3; ++i) {
      rocksdb::WriteBatch batch;
      batch.Put((**disk)[Store::Disk::meta], "note/x", std::to_string(i));
      batch.Put((**disk)[Store::Disk::events], sequence_key(1000), "");
      ASSERT_TRUE((*disk)->write(batch));
      // Flushing another family begins a log and leaves the events' in the last ones.
      ASSERT_TRUE((*disk)->database().Flush({}, (**disk)[Store::Disk::meta]).ok());
    }
    copy_folder(crashed.engine.data(), crashed.copy);
  }
  std::vector<fs::path> logs;
  for (const auto& entry : fs::directory_iterator{crashed.copy / "db"}) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) logs.push_back(entry.path());
  }
  std::sort(logs.begin(), logs.end());
  ASSERT_GE(logs.size(), 3U);
  EXPECT_TRUE(Store::Disk::check_logs(crashed.copy));
  fs::remove(logs[1]);
  const auto checked = Store::Disk::check_logs(crashed.copy);
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().context, HasSubstr("missing before db/" + logs[2].filename().string()));
}

}  // namespace
}  // namespace takt
