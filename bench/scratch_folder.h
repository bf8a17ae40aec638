// A folder for what a benchmark writes: on the disk that is to be measured, gone afterwards.
#pragma once

#include "schema/result.h"

#include <filesystem>

namespace takt::bench {

class ScratchFolder {
 public:
  /// A new folder below `parent`, which is made if it is missing.
  static Result<ScratchFolder> make(const std::filesystem::path& parent);
  ~ScratchFolder();
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  ScratchFolder& operator=(ScratchFolder&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace takt::bench
