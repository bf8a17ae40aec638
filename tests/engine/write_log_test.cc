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
  /// How long the log is without the room behind it.
  std::size_t written() const {
    const std::string bytes = bytes_of(log());
    return bytes.find_last_not_of('\0') + 1;
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
  // What a crash in the middle of the next write leaves: a record that was begun, in the room or behind it.
  std::string torn = whole;
  torn.replace(crashed.written(), 30, whole, 0, 30);
  put_bytes(crashed.log(), torn);
  const fs::path pristine = crashed.engine.folder.path() / "pristine";
  fs::copy(crashed.copy, pristine, fs::copy_options::recursive);
  EXPECT_EQ(crashed.pieces(), 12) << crashed.refusal;
  fs::remove_all(crashed.copy);
  fs::copy(pristine, crashed.copy, fs::copy_options::recursive);
  put_bytes(crashed.log(), whole + whole.substr(0, 30));
  EXPECT_EQ(crashed.pieces(), 12) << crashed.refusal;
}

/// Of a write into room that is there a crash may leave any pages, the last ones without the first, too.
TEST(WriteLog, WithAnyPagesOfItsLastWriteOpensWithAllTheOthers) {
  CrashedStore crashed;
  constexpr std::size_t kPage = 4096, kPages = 5;
  const std::size_t begin = crashed.written();
  {
    const std::string note = R"({"note":")" + std::string(1024, 'n') + R"("})";
    std::vector<Event> events;
    for (std::size_t k = 0; k < kPages * 16; ++k) {
      events.push_back(count("M1", kStart + std::chrono::minutes{20} + std::chrono::seconds{k}, 1));
      events.back().attributes = note;
    }
    crashed.engine.commit(events);
    copy_folder(crashed.engine.data(), crashed.copy);
  }
  const std::string whole = bytes_of(crashed.log());
  const std::size_t end = crashed.written();
  ASSERT_GT(end, begin + kPages * kPage);
  const fs::path pristine = crashed.engine.folder.path() / "pristine", log = crashed.log();
  fs::copy(crashed.copy, pristine, fs::copy_options::recursive);
  for (std::size_t lost = begin / kPage; lost <= (end - 1) / kPage; lost += 3) {
    fs::remove_all(crashed.copy);
    fs::copy(pristine, crashed.copy, fs::copy_options::recursive);
    std::string torn = whole;
    const std::size_t from = std::max(begin, lost * kPage), to = std::min(end, (lost + 1) * kPage);
    torn.replace(from, to - from, to - from, '\0');
    put_bytes(log, torn);
    EXPECT_EQ(crashed.pieces(), 12) << "page " << lost << ": " << crashed.refusal;
  }
  fs::remove_all(crashed.copy);
  fs::copy(pristine, crashed.copy, fs::copy_options::recursive);
  EXPECT_EQ(crashed.pieces(), 12 + static_cast<int>(kPages * 16));
}

/// Zeros are the end of a log only where nothing comes behind them.
TEST(WriteLog, WithZerosInItsMiddleIsRefusedByName) {
  CrashedStore crashed{200};
  const std::string whole = bytes_of(crashed.log());
  constexpr std::size_t kBlock = 32768;
  ASSERT_GT(crashed.written(), 3 * kBlock);
  std::string hollow = whole;
  hollow.replace(kBlock, kBlock, kBlock, '\0');
  put_bytes(crashed.log(), hollow);
  EXPECT_EQ(crashed.pieces(), std::nullopt);
  EXPECT_THAT(crashed.refusal, HasSubstr("db/" + crashed.log().filename().string()));
}

/// A commit of many blocks, one of which is zeros: those around it must not be taken for one commit.
TEST(WriteLog, WithABlockOfZerosInALongCommitIsRefusedByName) {
  constexpr std::size_t kBlock = 32768;
  CrashedStore crashed;
  const std::size_t begin = crashed.written();
  const std::string note = R"({"note":")" + std::string(1024, 'n') + R"("})";
  std::vector<Event> events;
  for (int k = 0; k < 200; ++k) {
    events.push_back(count("M1", kStart + std::chrono::minutes{20} + std::chrono::seconds{k}, 1));
    events.back().attributes = note;
  }
  crashed.engine.commit(events);
  copy_folder(crashed.engine.data(), crashed.copy);
  const std::size_t end = crashed.written();
  crashed.engine.commit({count("M1", kStart + std::chrono::minutes{40}, 1)});
  copy_folder(crashed.engine.data(), crashed.copy);
  const std::string whole = bytes_of(crashed.log());
  ASSERT_GT(end, begin + 5 * kBlock);
  for (std::size_t block = begin / kBlock + 1; (block + 1) * kBlock < end; ++block) {
    std::string hollow = whole;
    hollow.replace(block * kBlock, kBlock, kBlock, '\0');
    put_bytes(crashed.log(), hollow);
    EXPECT_EQ(crashed.pieces(), std::nullopt) << block;
  }
  put_bytes(crashed.log(), whole);
  EXPECT_EQ(crashed.pieces(), 213) << crashed.refusal;
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
  const std::size_t written = crashed.written(), step = written / 97 + 1;
  for (std::size_t at = 0; at < written; at += step) {
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
      EXPECT_EQ(pieces, 11) << "byte " << at << " of " << written;
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
    // What is merged meanwhile would be in the copied list of files, and not among the files.
    ASSERT_TRUE((*disk)->database().PauseBackgroundWork().ok());
    copy_folder(crashed.engine.data(), crashed.copy);
    ASSERT_TRUE((*disk)->database().ContinueBackgroundWork().ok());
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
