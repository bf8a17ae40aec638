// An ordered sequence that is cheap where machines live: appending at the end, and the odd insertion far back.
//
// It is kept as runs. Of a type that can be packed (engine/packed_rows.h) the last few runs are open, and older
// ones cold: packed, at a third of their memory or less. Writing into a cold run opens it; it is packed again when
// a good deal was written elsewhere, or too many others were opened. When that is follows from the writes alone.
#pragma once

#include "engine/cold_run.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace takt {

/// A sorted list of T kept as runs of at most kRows elements. `Less` compares T with T.
/// Appending is O(1), finding O(log n), inserting in the middle O(kRows + n / kRows).
/// Any number of threads may read it at once while none writes. Iterators are invalidated by all that writes, and
/// what an iterator gives lasts until it moves or goes.
template <class T, class Less, std::size_t kRows = kPackedRows>
class SortedRuns {
  struct Run;

 public:
  class Iterator {
   public:
    Iterator() = default;
    const T& operator*() const {
      if (rows_ == nullptr) enter();
      return rows_[at_];
    }
    const T* operator->() const { return &**this; }
    Iterator& operator++() {
      if (++at_ == list_->runs_[run_]->size()) go_to(run_ + 1);
      return *this;
    }
    Iterator& operator--() {
      if (at_ == 0) {
        go_to(run_ - 1);
        at_ = list_->runs_[run_]->size();
      }
      --at_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.run_ == b.run_ && a.at_ == b.at_; }

   private:
    friend class SortedRuns;
    Iterator(const SortedRuns* list, std::size_t run, std::size_t at) : list_(list), run_(run), at_(at) {}
    void go_to(std::size_t run) {
      run_ = run, at_ = 0;
      rows_ = nullptr, unpacked_.reset();
    }
    void enter() const {
      const Run& run = *list_->runs_[run_];
      if (run.cold) unpacked_ = rows_of(run);
      rows_ = run.cold ? unpacked_->data() : run.open.data();
    }

    const SortedRuns* list_ = nullptr;
    std::size_t run_ = 0, at_ = 0;
    mutable const T* rows_ = nullptr;  // of the run, once it was asked for
    mutable typename ColdRun<T>::Rows unpacked_;
  };

  /// Cold runs lie in the arena, which stays as long as the list; without one on the heap.
  explicit SortedRuns(Less less = {}, ColdArena* arena = nullptr) : less_(less), arena_(arena) {}

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  Iterator begin() const { return {this, 0, 0}; }
  Iterator end() const { return {this, runs_.size(), 0}; }
  const T& back() const { return runs_.back()->back(); }

  /// The first element for which `before(element)` is false; `before` must be true for a prefix of the list.
  /// Unpacks one run at most.
  template <class Before>
  Iterator partition_point(Before before) const {
    if (size_ == 0 || before(back())) return end();  // most of what is asked for is the end
    const auto run =
        std::partition_point(runs_.begin(), runs_.end(), [&](const auto& r) { return before(r->back()); });
    Iterator found{this, static_cast<std::size_t>(run - runs_.begin()), 0};
    if (run == runs_.end()) return found;
    found.enter();
    const T* const last = found.rows_ + (*run)->size();
    found.at_ = static_cast<std::size_t>(std::partition_point(found.rows_, last, before) - found.rows_);
    return found;
  }
  Iterator lower_bound(const T& value) const {
    return partition_point([&](const T& element) { return less_(element, value); });
  }
  /// The element equal to `value`, or end().
  Iterator find(const T& value) const {
    if (size_ == 0 || less_(back(), value)) return end();
    const Iterator at = lower_bound(value);
    return at != end() && !less_(value, *at) ? at : end();
  }
  void insert(T value) {
    if (runs_.empty() || less_(back(), value)) return append(std::move(value));
    const Iterator at = lower_bound(value);
    std::size_t index = at.run_, place = at.at_;
    if (runs_[index]->size() >= kRows) {
      const std::size_t lower = split(index);
      if (place > lower) ++index, place -= lower;
    }
    auto& run = write(index);
    run.insert(run.begin() + static_cast<std::ptrdiff_t>(place), std::move(value));
    ++size_;
  }
  /// Takes the place of the element equal to `value`, or inserts it.
  void put(T value) {
    if (const Iterator at = find(value); at != end()) {
      modify(at) = std::move(value);
    } else {
      insert(std::move(value));
    }
  }
  /// The element may be changed in all that does not take part in the order, until the list is written to again.
  T& modify(Iterator at) { return write(at.run_)[at.at_]; }
  void erase(Iterator at) {
    --size_;
    auto& run = write(at.run_);
    run.erase(run.begin() + static_cast<std::ptrdiff_t>(at.at_));
    if (run.empty()) erase_runs(at.run_, at.run_ + 1);
  }
  void clear() { erase_runs(0, runs_.size()), size_ = 0; }
  /// Takes out what is before `end`, but what `keep(element)` says stays.
  template <class Keep>
  void keep_before(Iterator end, Keep keep) {
    std::vector<T> kept;
    for (Iterator at = begin(); !(at == end); ++at) {
      if (keep(*at)) kept.push_back(*at);
    }
    for (std::size_t run = 0; run < end.run_; ++run) size_ -= runs_[run]->size();
    erase_runs(0, end.run_);
    if (end.at_ > 0) {
      auto& first = write(0);
      first.erase(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(end.at_));
      size_ -= end.at_;
    }
    for (T& element : kept) insert(std::move(element));
  }

  /// All memory of the list, but what the allocator adds.
  std::size_t bytes() const {
    std::size_t bytes = sizeof(*this) + runs_.capacity() * sizeof(runs_[0]) + opened_.capacity() * sizeof(void*);
    for (const auto& run : runs_) {
      bytes += sizeof(Run) + run->open.capacity() * sizeof(T) + (run->cold ? run->cold->bytes() : 0);
    }
    return bytes;
  }
  /// How many elements are in cold runs.
  std::size_t cold_size() const {
    std::size_t count = 0;
    for (const auto& run : runs_) count += run->cold ? run->cold->size() : 0;
    return count;
  }

 private:
  static_assert(kRows >= 2 && kRows <= kPackedRows);
  // Questions are mostly about the last hours, and so are events that come late.
  static constexpr std::size_t kHotRuns = 4;
  // A machine that sends what it held back writes into one run after the other; one that is corrected, anywhere.
  static constexpr std::size_t kOpened = 16;
  static constexpr std::size_t kWritesElsewhere = 4 * kRows;

  struct Run {
    std::vector<T> open;               // or else
    std::unique_ptr<ColdRun<T>> cold;  // all of its elements
    std::uint64_t written = 0;         // the number of the write

    std::size_t size() const { return cold ? cold->size() : open.size(); }
    const T& back() const { return cold ? cold->back() : open.back(); }
  };

  void append(T value) {
    const bool full = runs_.empty() || runs_.back()->size() >= kRows;
    if (full) runs_.push_back(std::make_unique<Run>());
    write(runs_.size() - 1).push_back(std::move(value));
    ++size_;
    if (full) pack_old();
  }
  /// The elements of the run, to be changed.
  std::vector<T>& write(std::size_t index) {
    Run& run = *runs_[index];
    run.written = ++writes_;
    if (run.cold) open(run);
    return run.open;
  }
  void open(Run& run) {
    run.open.reserve(kRows);
    run.open = *rows_of(run);
    run.cold.reset();
    note_opened(run);
  }
  /// Halves the run and returns the size of its lower half.
  std::size_t split(std::size_t index) {
    auto& lower = write(index);
    const auto middle = lower.begin() + static_cast<std::ptrdiff_t>(lower.size() / 2);
    auto upper = std::make_unique<Run>();
    upper->open.assign(middle, lower.end());
    upper->written = writes_;
    lower.erase(middle, lower.end());
    const std::size_t size = lower.size();
    const auto added = runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(upper));
    if (is_hot(index + 1))
      pack_old();
    else
      note_opened(**added);
    return size;
  }
  void erase_runs(std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) std::erase(opened_, runs_[i].get());
    runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(first),
                runs_.begin() + static_cast<std::ptrdiff_t>(last));
  }

  // ---------------------------------------- cold runs

  // Every run that is open is hot or noted as opened.
  bool is_hot(std::size_t index) const { return index + 1 + kHotRuns >= runs_.size(); }

  /// There is one run more at the end, so one less of the others is hot.
  void pack_old() {
    if constexpr (Packable<T>) {
      if (runs_.size() > kHotRuns + 1) {
        Run& cooled = *runs_[runs_.size() - kHotRuns - 2];
        if (!cooled.cold && std::find(opened_.begin(), opened_.end(), &cooled) == opened_.end()) pack(cooled);
      }
      std::erase_if(opened_, [&](Run* run) {
        const bool settled = writes_ - run->written >= kWritesElsewhere;
        if (settled) pack(*run);
        return settled;
      });
    }
  }
  void note_opened(Run& run) {
    if constexpr (Packable<T>) {
      if (opened_.size() == kOpened) {
        const auto oldest = std::min_element(opened_.begin(), opened_.end(),
                                             [](const Run* a, const Run* b) { return a->written < b->written; });
        pack(**oldest);
        opened_.erase(oldest);
      }
      opened_.push_back(&run);
    }
  }
  static typename ColdRun<T>::Rows rows_of(const Run& run) {
    if constexpr (Packable<T>) return run.cold->rows();
    return nullptr;
  }
  void pack(Run& run) {
    run.cold = std::make_unique<ColdRun<T>>(run.open, arena_);
    std::vector<T>{}.swap(run.open);
  }

  Less less_;
  ColdArena* arena_;  // borrowed
  std::vector<std::unique_ptr<Run>> runs_;
  std::vector<Run*> opened_;  // of runs_: they were cold, or made of one that was
  std::uint64_t writes_ = 0;
  std::size_t size_ = 0;
};

}  // namespace takt
