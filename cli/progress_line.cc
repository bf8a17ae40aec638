#include "cli/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace takt {

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() { wipe(); }

void ProgressLine::show(std::string_view step, double share) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || (now < next_ && step == step_)) return;
  next_ = now + std::chrono::milliseconds{100};
  step_ = step;
  shown_ = true;
  fmt::print(stderr, "\r\x1b[K{}{}", step, share < 0 ? " ..." : fmt::format(": {:.0f} %", share * 100));
}

void ProgressLine::wipe() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

std::string readable_size(std::uint64_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace takt
