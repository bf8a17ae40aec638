// A run of a sorted list that is packed (engine/sorted_runs.h), and how readers get its rows.
#pragma once

#include "engine/cold_arena.h"
#include "engine/packed_rows.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace takt {

/// Immutable, so any number of threads read it at once: each unpacks the rows for itself, and remembers the last
/// few runs that it unpacked. What is remembered goes by the run's number, which no other run ever has.
template <class T>
class ColdRun {
 public:
  using Rows = std::shared_ptr<const std::vector<T>>;

  /// 1 to kPackedRows rows. The arena, if there is one, is where they lie, and goes after them.
  ColdRun(const std::vector<T>& rows, ColdArena* arena)
      : back_(rows.back()),
        number_(next_number()),
        count_(static_cast<std::uint32_t>(rows.size())),
        bytes_(arena, packed(rows)) {}

  std::size_t size() const { return count_; }
  /// The last row.
  const T& back() const { return back_; }
  Rows rows() const {
    thread_local Remembered remembered;
    for (const auto& [number, rows] : remembered.runs) {
      if (number == number_) return rows;
    }
    auto unpacked = std::make_shared<std::vector<T>>(count_);
    read_packed_rows<T>(bytes_.view(), *unpacked);
    auto& place = remembered.runs[remembered.next++ % remembered.runs.size()];
    place = {number_, std::move(unpacked)};
    return place.second;
  }
  /// Of memory, that of the arena too.
  std::size_t bytes() const { return sizeof(*this) + bytes_.view().size(); }

 private:
  // What one event or question goes back to again and again lies in a run or two.
  struct Remembered {
    std::array<std::pair<std::uint64_t, Rows>, 4> runs;
    unsigned next = 0;
  };
  static std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};  // zero is none
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  static std::string packed(const std::vector<T>& rows) {
    std::string bytes;
    append_packed_rows<T>(bytes, rows);
    return bytes;
  }

  T back_;
  std::uint64_t number_;
  std::uint32_t count_;
  ColdBytes bytes_;
};

}  // namespace takt
