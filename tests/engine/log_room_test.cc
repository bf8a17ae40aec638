// Room is written ahead of the log where writes are small, told to nobody, and gone when the log is closed.
#include "engine/log_room.h"

#include "tests/support/temporary.h"

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <fstream>
#include <sstream>

namespace takt {
namespace {

class RoomyLog : public testing::Test {
 protected:
  void SetUp() override { begin("000012.log"); }
  void begin(const std::string& name) {
    path_ = (folder_.path() / name).string();
    ASSERT_TRUE(files_->NewWritableFile(path_, {}, &log_, nullptr).ok());
  }
  void write(std::size_t bytes) {
    const std::string some(bytes, 'x');
    ASSERT_TRUE(log_->Append(some, {}, nullptr).ok());
    ASSERT_TRUE(log_->Sync({}, nullptr).ok());
    content_ += some;
  }
  void close() { ASSERT_TRUE(log_->Close({}, nullptr).ok()); }
  std::string bytes() const {
    std::ostringstream bytes;
    bytes << std::ifstream{path_, std::ios::binary}.rdbuf();
    return bytes.str();
  }
  std::uint64_t told_size() const {
    std::uint64_t size = 0;
    EXPECT_TRUE(files_->GetFileSize(path_, {}, &size, nullptr).ok());
    return size;
  }

  TemporaryFolder folder_;
  std::shared_ptr<rocksdb::FileSystem> files_ = with_log_room(rocksdb::FileSystem::Default());
  std::unique_ptr<rocksdb::FSWritableFile> log_;
  std::string path_, content_;
};

TEST_F(RoomyLog, HasZerosBehindSmallWritesThatAreNotCounted) {
  write(1000);
  const std::size_t long_enough = bytes().size();
  EXPECT_GT(long_enough, 100'000U);
  for (int i = 0; i < 50; ++i) {
    write(1001);
    EXPECT_EQ(bytes().size(), long_enough) << "a write into the room must not change the size";
    EXPECT_EQ(told_size(), content_.size());
  }
  EXPECT_EQ(bytes(), content_ + std::string(long_enough - content_.size(), '\0'));
}

TEST_F(RoomyLog, GetsNewRoomBeforeTheOldIsFull) {
  for (int i = 0; i < 40; ++i) {
    write(20'000);
    EXPECT_GE(bytes().size(), content_.size() + 20'000);
    EXPECT_EQ(bytes().substr(0, content_.size()), content_);
  }
}

TEST_F(RoomyLog, GrowsAsItIsWrittenWhereWritesAreLong) {
  write(100'000);
  write(1'000'000);
  EXPECT_EQ(bytes(), content_);
}

TEST_F(RoomyLog, LosesItsRoomWhenItIsClosed) {
  write(1000);
  write(2000);
  close();
  EXPECT_EQ(bytes(), content_);
  EXPECT_EQ(told_size(), content_.size());
}

TEST_F(RoomyLog, IsNoOtherFile) {
  close();
  begin("000013.sst");
  write(1000);
  EXPECT_EQ(bytes(), content_);
}

}  // namespace
}  // namespace takt
