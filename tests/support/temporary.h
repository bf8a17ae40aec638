// A folder that goes when the test is over, and a clock that stands where a test puts it.
#pragma once

#include "schema/time.h"

#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <string>

namespace takt {

class TestClock final : public Clock {
 public:
  Timestamp now() const override { return from_micros(now_.load()); }
  void set(Timestamp t) { now_ = micros(t); }

 private:
  std::atomic<std::int64_t> now_{0};
};

/// Removed with everything in it when the test is over.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "takt-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace takt
