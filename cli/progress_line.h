// One line on a terminal that says how far something is; nothing where standard error is a file or a pipe.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace takt {

class ProgressLine {
 public:
  ProgressLine();
  /// Wipes the line.
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// A share from 0 to 1; a negative one is not shown. Ten times a second at most.
  void show(std::string_view step, double share);
  /// Before something else is printed.
  void wipe();

 private:
  bool terminal_;
  bool shown_ = false;
  std::string step_;
  std::chrono::steady_clock::time_point next_{};
};

/// "1.2 GiB", for people.
std::string readable_size(std::uint64_t bytes);

}  // namespace takt
