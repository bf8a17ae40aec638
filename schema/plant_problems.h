// Everything that is wrong with a plant description, collected so that its author mends it in one go.
// Private to schema.
#pragma once

#include "schema/result.h"

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Problems of one description. The first one of a key counts: what follows from it would only confuse.
class Problems {
 public:
  /// `file` goes before each line; empty for input without one.
  explicit Problems(std::string_view file) : file_(file) {}
  /// `line` 0: not known. `path`: such as "machine[3].line".
  void add(int line, const std::string& path, const std::string& message);
  bool empty() const { return list_.empty(); }
  /// Whether looking for the word that was meant is still worth its time: in a file of garbage it is not.
  bool few() const { return list_.size() < 100; }
  /// One problem a line, in the order of the file.
  Error error() const;

 private:
  /// A file of garbage must not be answered with gigabytes.
  static constexpr std::size_t kMostReported = 1000;
  struct Problem {
    int line;
    std::string text;
  };
  std::string file_;
  std::vector<Problem> list_;
  std::set<std::string> paths_;
};

/// `text` in quotes for a message: cut if it is long, control characters replaced.
std::string double_quoted(std::string_view text);

/// "a, b or c".
std::string alternatives(std::span<const std::string_view> names);

/// The one of `known` that `text` was probably meant to be; empty if none is near.
std::string_view nearest(std::string_view text, std::span<const std::string_view> known);

}  // namespace takt
