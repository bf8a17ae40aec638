#include "bench/report.h"

#include "schema/event_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace takt::bench {
namespace {

/// Four figures that matter, without an exponent.
std::string shown(double value) {
  if (value == 0 || !std::isfinite(value)) return fmt::format("{}", value);
  const int whole_digits = static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1;
  return fmt::format("{:.{}f}", value, std::min(6, std::max(0, 4 - whole_digits)));
}

/// Times of answers mean little where others compute on the same cores.
std::string circumstances() {
  double load = 0;
  getloadavg(&load, 1);
  return fmt::format("{} cores, load average before the run {:.1f}", std::thread::hardware_concurrency(), load);
}

}  // namespace

std::string at_least(double value, double goal) {
  return fmt::format("goal {:g}: {}", goal, value >= goal ? "reached" : "not reached");
}
std::string at_most(double value, double goal) {
  return fmt::format("goal {:g}: {}", goal, value <= goal ? "reached" : "not reached");
}

void Report::heading(const std::string& text) {
  if (section_.empty()) fmt::print("{}\n", circumstances());
  section_ = text;
  fmt::print("\n{}\n", text);
  std::fflush(stdout);
}

void Report::add(const Figure& figure) {
  fmt::print("  {:<52} {:>12} {:<10} {}\n", figure.name, shown(figure.value), figure.unit, figure.note);
  std::fflush(stdout);
  lines_ += lines_.empty() ? "\n" : ",\n";
  lines_ += R"({"section":)";
  append_json_string(lines_, section_);
  lines_ += R"(,"name":)";
  append_json_string(lines_, figure.name);
  lines_ += R"(,"value":)";
  append_json_number(lines_, figure.value);
  lines_ += R"(,"unit":)";
  append_json_string(lines_, figure.unit);
  lines_ += '}';
}

Result<void> Report::save() const {
  if (json_.empty()) return {};
  std::ofstream file{json_};
  file << '[' << lines_ << "\n]\n";
  if (!file.flush()) return io_error("cannot write " + json_);
  return {};
}

}  // namespace takt::bench
