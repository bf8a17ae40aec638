// A column of values that are nearly always all the same: qualities, kinds, what only a few rows have.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace takt {

/// One value stands for all rows until a row has another: then each has its own. Until then a row costs no memory,
/// and adding one touches none but this.
template <class T>
class AlikeColumn {
 public:
  std::size_t size() const { return size_; }
  bool alike() const { return values_.empty(); }
  T operator[](std::size_t i) const { return values_.empty() ? common_ : values_[i]; }
  bool all_are(T value) const { return count(value) == size_; }
  std::size_t count(T value) const {
    if (alike()) return value == common_ ? size_ : 0;
    return static_cast<std::size_t>(std::count(values_.begin(), values_.end(), value));
  }
  /// Where the next row of its own would go; null: nowhere.
  const T* end_of_rows() const { return alike() ? nullptr : values_.data() + size_; }
  std::size_t bytes() const { return values_.capacity() * sizeof(T); }

  void assign(std::size_t rows, T value) {
    values_.clear();
    common_ = value;
    size_ = rows;
  }
  void push_back(T value) { append(1, value); }
  void append(std::size_t rows, T value) {
    if (rows == 0) return;
    if (size_ == 0) common_ = value;
    if (value != common_) differ();
    if (!alike()) values_.insert(values_.end(), rows, value);
    size_ += rows;
  }
  /// Rows [first, last) of a list, or of another column.
  void append(const std::vector<T>& from, std::size_t first, std::size_t last) {
    if (first == last) return;
    if (size_ == 0) common_ = from[first];
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = from.begin() + static_cast<std::ptrdiff_t>(last);
    if (!alike() || !std::all_of(begin, end, [&](T value) { return value == common_; })) {
      differ();
      values_.insert(values_.end(), begin, end);
    }
    size_ += last - first;
  }
  void append(const AlikeColumn& from, std::size_t first, std::size_t last) {
    if (from.alike()) return append(last - first, from.common_);
    append(from.values_, first, last);
  }
  void set(std::size_t i, T value) {
    if (value != (*this)[i]) differ();
    if (!alike()) values_[i] = value;
  }
  void insert(std::size_t i, T value) {
    if (size_ == 0) common_ = value;
    if (value != common_) differ();
    if (!alike()) values_.insert(values_.begin() + static_cast<std::ptrdiff_t>(i), value);
    ++size_;
  }
  /// `rows` more at the end, whatever is in them.
  void widen(std::size_t rows) { append(rows, common_); }
  /// Rows [first, last) move up, so that they end where `end` is; what they leave behind may be anything.
  void move_up(std::size_t first, std::size_t last, std::size_t end) {
    if (alike()) return;
    const auto at = [&](std::size_t i) { return values_.begin() + static_cast<std::ptrdiff_t>(i); };
    std::move_backward(at(first), at(last), at(end));
  }

 private:
  void differ() {
    if (alike()) values_.assign(size_, common_);
  }

  std::vector<T> values_;  // empty: all rows are as common_
  T common_{};
  std::size_t size_ = 0;
};

}  // namespace takt
