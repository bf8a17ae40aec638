#include "engine/cold_arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <string>

namespace takt {
namespace {

constexpr std::size_t kLeastBlock = 64;
// A small store shall not take much; each part is as large as all before it, up to the most.
constexpr std::size_t kLeastPart = std::size_t{256} << 10U, kMostPart = std::size_t{32} << 20U;

/// Eight sizes between a power of two and the next: few enough that what is given back fits others as it is.
std::size_t rounded(std::size_t bytes) {
  const std::size_t step = std::max(kLeastBlock, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

int nameless_file(const std::filesystem::path& directory) {
  const int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Not every file system can do that.
  std::string name = (directory / "cold-XXXXXX").string();
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

ColdArena::~ColdArena() {
  for (const Part& part : parts_) ::munmap(part.data, part.size);
  if (file_ >= 0) ::close(file_);
}

char* ColdArena::take(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  const std::lock_guard lock{mutex_};
  char* block = take_free(size);
  if (block == nullptr && (size <= left_ || (size <= kLeastPart && grow()))) {
    block = next_;
    next_ += size, left_ -= size;
  }
  if (block != nullptr) used_ += size;
  return block;
}

char* ColdArena::take_free(std::size_t size) {
  const auto free = free_.find(size);
  if (free == free_.end() || free->second.empty()) return nullptr;
  char* const block = free->second.back();
  free->second.pop_back();
  return block;
}

void ColdArena::give_back(char* block, std::size_t bytes) {
  const std::lock_guard lock{mutex_};
  free_[rounded(bytes)].push_back(block);
  used_ -= rounded(bytes);
}

bool ColdArena::grow() {
  if (file_ < 0) file_ = nameless_file(directory_);
  if (file_ < 0) return false;
  const std::size_t size = std::clamp(size_, kLeastPart, kMostPart);
  if (::posix_fallocate(file_, static_cast<off_t>(size_), static_cast<off_t>(size)) != 0) return false;
  void* const data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file_, static_cast<off_t>(size_));
  if (data == MAP_FAILED) return false;
  parts_.push_back({static_cast<char*>(data), size});
  next_ = parts_.back().data, left_ = size;
  size_ += size;
  return true;
}

std::size_t ColdArena::used() const {
  const std::lock_guard lock{mutex_};
  return used_;
}

std::size_t ColdArena::size() const {
  const std::lock_guard lock{mutex_};
  return size_;
}

ColdBytes::ColdBytes(ColdArena* arena, std::string_view bytes)
    : arena_(arena), data_(arena != nullptr ? arena->take(bytes.size()) : nullptr), size_(bytes.size()) {
  if (data_ == nullptr) arena_ = nullptr, data_ = new char[size_];
  std::memcpy(data_, bytes.data(), size_);
}

ColdBytes::~ColdBytes() {
  if (arena_ != nullptr) {
    arena_->give_back(data_, size_);
  } else {
    delete[] data_;
  }
}

}  // namespace takt
