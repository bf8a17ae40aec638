// An ordered sequence that is cheap where machines live: appending at the end, and the odd insertion far back.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace takt {

/// A sorted list of T kept as runs of at most kRun elements. `Less` compares T with T.
/// Appending is O(1), finding O(log n), inserting in the middle O(kRun + n / kRun).
/// Iterators are invalidated by insert() and erase(). Not thread-safe.
template <class T, class Less>
class SortedRuns {
 public:
  static constexpr std::size_t kRun = 256;

  class Iterator {
   public:
    Iterator() = default;
    const T& operator*() const { return (*list_->runs_[run_])[at_]; }
    const T* operator->() const { return &**this; }
    Iterator& operator++() {
      if (++at_ == list_->runs_[run_]->size()) ++run_, at_ = 0;
      return *this;
    }
    Iterator& operator--() {
      if (at_ == 0) at_ = list_->runs_[--run_]->size();
      --at_;
      return *this;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.run_ == b.run_ && a.at_ == b.at_; }

   private:
    friend class SortedRuns;
    Iterator(const SortedRuns* list, std::size_t run, std::size_t at) : list_(list), run_(run), at_(at) {}
    const SortedRuns* list_ = nullptr;
    std::size_t run_ = 0, at_ = 0;
  };

  explicit SortedRuns(Less less = {}) : less_(less) {}

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  Iterator begin() const { return {this, 0, 0}; }
  Iterator end() const { return {this, runs_.size(), 0}; }
  const T& back() const { return runs_.back()->back(); }

  /// The first element for which `before(element)` is false; `before` must be true for a prefix of the list.
  template <class Before>
  Iterator partition_point(Before before) const {
    const auto run =
        std::partition_point(runs_.begin(), runs_.end(), [&](const auto& r) { return before(r->back()); });
    if (run == runs_.end()) return end();
    const auto at = std::partition_point((*run)->begin(), (*run)->end(), before);
    return {this, static_cast<std::size_t>(run - runs_.begin()), static_cast<std::size_t>(at - (*run)->begin())};
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
    ++size_;
    if (runs_.empty() || less_(runs_.back()->back(), value)) {
      if (runs_.empty() || runs_.back()->size() >= kRun) {
        runs_.push_back(std::make_unique<std::vector<T>>());
      }
      runs_.back()->push_back(std::move(value));
      return;
    }
    const Iterator at = lower_bound(value);
    auto& run = *runs_[at.run_];
    run.insert(run.begin() + static_cast<std::ptrdiff_t>(at.at_), std::move(value));
    if (run.size() > kRun) split(at.run_);
  }
  /// Takes the place of the element equal to `value`, or inserts it.
  void put(T value) {
    if (const Iterator at = find(value); at != end()) {
      modify(at) = std::move(value);
    } else {
      insert(std::move(value));
    }
  }
  /// The element may be changed in all that does not take part in the order.
  T& modify(Iterator at) { return (*runs_[at.run_])[at.at_]; }
  void erase(Iterator at) {
    --size_;
    auto& run = *runs_[at.run_];
    run.erase(run.begin() + static_cast<std::ptrdiff_t>(at.at_));
    if (run.empty()) runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(at.run_));
  }
  void clear() { runs_.clear(), size_ = 0; }
  /// Takes out what is before `end`, but what `keep(element)` says stays.
  template <class Keep>
  void keep_before(Iterator end, Keep keep) {
    std::vector<T> kept;
    for (Iterator at = begin(); !(at == end); ++at) {
      if (keep(*at)) kept.push_back(*at);
    }
    for (std::size_t run = 0; run < end.run_; ++run) size_ -= runs_[run]->size();
    runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(end.run_));
    if (end.at_ > 0) {
      auto& first = *runs_.front();
      first.erase(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(end.at_));
      size_ -= end.at_;
    }
    for (T& element : kept) insert(std::move(element));
  }

 private:
  void split(std::size_t index) {
    auto& run = *runs_[index];
    const auto middle = run.begin() + static_cast<std::ptrdiff_t>(run.size() / 2);
    auto upper = std::make_unique<std::vector<T>>(middle, run.end());
    run.erase(middle, run.end());
    runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(upper));
  }

  Less less_;
  std::vector<std::unique_ptr<std::vector<T>>> runs_;
  std::size_t size_ = 0;
};

}  // namespace takt
