#include "ingest/mtconnect/shdr_stream.h"

#include <algorithm>
#include <charconv>

namespace takt::mtconnect {
namespace {

constexpr std::string_view kMultiline = "--multiline--";
constexpr std::string_view kPong = "* PONG";
constexpr std::int64_t kShortestHeartbeat = 100, kLongestHeartbeat = 600'000;
// Thirty years of milliseconds: a larger number is microseconds since the epoch.
constexpr double kLargestRelative = 1e12;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<double> relative_time(std::string_view head) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(head.data(), head.data() + head.size(), number, std::chars_format::fixed);
  const bool whole = error == std::errc{} && end == head.data() + head.size();
  if (!whole || !(number >= 0) || number >= kLargestRelative) return std::nullopt;
  return number;
}

/// What announces and ends the block that the line begins; empty: it begins none.
std::string_view marker_of(std::string_view line) {
  const std::size_t bar = line.rfind('|');
  if (bar == std::string_view::npos) return {};
  const std::string_view value = trim(line.substr(bar + 1));
  return value.starts_with(kMultiline) ? value : std::string_view{};
}

}  // namespace

void ShdrStream::feed(std::string_view bytes, Timestamp now, std::string& text) {
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    if (!skips_line_) line_ += bytes.substr(0, end);
    if (line_.size() > kLongestRecord) {
      line_.clear();
      skips_line_ = true;
      ++skipped_;
    }
    if (end == bytes.size()) return;
    bytes.remove_prefix(end + 1);
    if (!skips_line_) take_line(line_, now, text);
    line_.clear();
    skips_line_ = false;
  }
}

void ShdrStream::take_line(std::string_view line, Timestamp now, std::string& text) {
  if (!marker_.empty()) {
    record_.append(line).push_back('\n');
    if (trim(line) != marker_ && record_.size() <= kLongestRecord) return;
    text += record_;
    record_.clear();
    marker_.clear();
    return;
  }
  if (line.starts_with('*')) return take_protocol(trim(line));
  if (trim(line).empty()) return;
  std::string& to = marker_of(line).empty() ? text : record_;
  marker_ = marker_of(line);
  to.append(stamped(line, now)).push_back('\n');
}

void ShdrStream::take_protocol(std::string_view line) {
  if (!line.starts_with(kPong)) return;
  const std::string_view number = trim(line.substr(kPong.size()));
  std::int64_t asked = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), asked);
  if (error != std::errc{} || end != number.data() + number.size() || asked <= 0) return;
  heartbeat_ = std::chrono::milliseconds{std::clamp(asked, kShortestHeartbeat, kLongestHeartbeat)};
}

std::string ShdrStream::stamped(std::string_view line, Timestamp now) {
  const std::size_t bar = line.find('|');
  if (bar == std::string_view::npos) return std::string{line};
  if (stamps_ == StampedBy::server) return format_time(now).append(line.substr(bar));
  const auto relative = relative_time(trim(line.substr(0, bar)));
  if (!relative) return std::string{line};
  if (!base_) base_ = Base{*relative, now};
  const Duration since{static_cast<std::int64_t>((*relative - base_->milliseconds) * 1000)};
  return format_time(base_->at + since).append(line.substr(bar));
}

}  // namespace takt::mtconnect
