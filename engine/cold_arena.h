// Room for packed runs that the kernel may take out of memory.
//
// It is a file in the data folder without a name, mapped: when memory is short the kernel writes pages that nobody
// asked for into it, and reads them back when somebody does. Nothing in it is durable or needs to be, as chunks
// hold all events; it is gone with the process. Its room is taken from the disk before it is used, so a full disk
// is noticed here, where there is another way, and never by a signal. A disk that cannot be read any more ends the
// process.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace takt {

/// Thread-safe. Goes after all that took room in it.
class ColdArena {
 public:
  explicit ColdArena(std::filesystem::path directory) : directory_(std::move(directory)) {}
  ColdArena(const ColdArena&) = delete;
  ColdArena& operator=(const ColdArena&) = delete;
  ~ColdArena();

  /// Null if the folder takes no file or the disk has no room: then it has to be kept elsewhere.
  char* take(std::size_t bytes);
  /// With the number of bytes that take() was asked for.
  void give_back(char* block, std::size_t bytes);

  /// What of the file is taken, and its size.
  std::size_t used() const;
  std::size_t size() const;

 private:
  bool grow();
  char* take_free(std::size_t size);

  const std::filesystem::path directory_;
  mutable std::mutex mutex_;
  int file_ = -1;
  struct Part {
    char* data;
    std::size_t size;
  };
  std::vector<Part> parts_;  // of the file, in order
  char* next_ = nullptr;     // of the last part, what was never taken
  std::size_t left_ = 0;
  std::map<std::size_t, std::vector<char*>> free_;  // what was given back, by size
  std::size_t used_ = 0, size_ = 0;
};

/// Bytes in an arena, or where it has no room, or there is none, on the heap.
class ColdBytes {
 public:
  ColdBytes(ColdArena* arena, std::string_view bytes);
  ColdBytes(const ColdBytes&) = delete;
  ColdBytes& operator=(const ColdBytes&) = delete;
  ~ColdBytes();

  std::string_view view() const { return {data_, size_}; }

 private:
  ColdArena* arena_;  // borrowed from the store; null: on the heap
  char* data_;
  std::size_t size_;
};

}  // namespace takt
