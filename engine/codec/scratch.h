// Room for a column while it is coded: not filled with zeros that nobody reads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace takt::codec {

template <class T>
class Scratch {
 public:
  Scratch() = default;
  explicit Scratch(std::size_t count) : values_{std::make_unique_for_overwrite<T[]>(count)}, count_{count} {}

  std::size_t size() const { return count_; }
  T* data() { return values_.get(); }
  T& operator[](std::size_t i) { return values_[i]; }
  std::span<T> span() { return {values_.get(), count_}; }

 private:
  std::unique_ptr<T[]> values_;
  std::size_t count_ = 0;
};

}  // namespace takt::codec
