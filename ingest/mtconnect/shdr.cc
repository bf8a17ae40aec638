#include "ingest/mtconnect/shdr.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <unordered_map>
#include <utility>

namespace takt::mtconnect {
namespace {

constexpr std::string_view kMultiline = "--multiline--";
constexpr std::size_t kConditionFields = 6;
constexpr std::size_t kMessageFields = 3;
constexpr std::size_t kShownBytes = 40;

std::string_view trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

bool contains(const std::vector<std::string>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

bool is_level(std::string_view value) {
  constexpr std::array<std::string_view, 3> kLevels = {"NORMAL", "WARNING", "FAULT"};
  return std::any_of(kLevels.begin(), kLevels.end(), [value](std::string_view level) {
    return std::equal(level.begin(), level.end(), value.begin(), value.end(),
                      [](char a, char b) { return a == std::toupper(static_cast<unsigned char>(b)); });
  });
}

Result<Timestamp> parse_stamp(std::string_view text) {
  std::string stamp{trim(text.substr(0, text.find('@')))};
  const bool has_zone = stamp.empty() || !std::isdigit(static_cast<unsigned char>(stamp.back())) ||
                        stamp.find('T') == std::string::npos || stamp.find('+') != std::string::npos ||
                        std::count(stamp.begin(), stamp.end(), '-') > 2;
  if (!has_zone) stamp += 'Z';
  return parse_time(stamp);
}

/// Where the value that begins at `begin` ends: at the separator after its closing quote, else at the next
/// separator.
std::size_t end_of_field(std::string_view line, std::size_t begin) {
  if (begin < line.size() && line[begin] == '"') {
    for (std::size_t quote = line.find('"', begin + 1); quote != std::string_view::npos;
         quote = line.find('"', quote + 1)) {
      const bool closes = quote + 1 == line.size() || line[quote + 1] == '|';
      if (closes && line[quote - 1] != '\\') return quote + 1;
    }
  }
  return std::min(line.find('|', begin), line.size());
}

std::string_view without_quotes(std::string_view field) {
  const bool quoted = field.size() >= 2 && field.front() == '"' && field.back() == '"';
  return quoted ? field.substr(1, field.size() - 2) : field;
}

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = end_of_field(line, begin);
    fields.push_back(without_quotes(trim(line.substr(begin, end - begin))));
    begin = end + 1;
  }
  return fields;
}

/// Walks the lines of one text.
class Reader {
 public:
  Reader(std::string_view text, const ShdrKeys& keys) : text_(text), keys_(keys) {}

  Log read() {
    while (const auto line = next_line()) read_line(*line);
    log_.lines = line_number_;
    return std::move(log_);
  }

 private:
  std::optional<std::string_view> next_line() {
    if (position_ >= text_.size()) return std::nullopt;
    const std::size_t end = std::min(text_.find('\n', position_), text_.size());
    const std::string_view line = text_.substr(position_, end - position_);
    position_ = end + 1;
    ++line_number_;
    return trim(line);
  }

  void read_line(std::string_view line) {
    if (line.empty() || line.front() == '*') return;
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) return fault("no field separator in '" + shown(line) + "'");
    const Result<Timestamp> at = parse_stamp(line.substr(0, bar));
    if (!at) return fault("'" + shown(line.substr(0, bar)) + "' is no timestamp");
    std::vector<std::string_view> fields = split(line.substr(bar + 1));
    const std::size_t number = line_number_;
    if (fields.back().substr(0, kMultiline.size()) == kMultiline && !read_block(fields.back())) return;
    if (!fields.front().empty() && fields.front().front() == '@') {
      ++log_.assets;
      return;
    }
    read_pairs(*at, fields, number);
  }

  /// Replaces the marker by the block it announces. A marker found to have no end is not looked for again.
  bool read_block(std::string_view& value) {
    const std::string_view marker = value;
    if (const auto known = endless_.find(marker); known != endless_.end()) return unfinished(marker);
    const std::size_t begin = position_;
    for (std::size_t found = text_.find(marker, begin); found != std::string_view::npos;
         found = text_.find(marker, found + 1)) {
      const std::size_t after = found + marker.size();
      const bool whole_line =
          text_[found - 1] == '\n' && (after == text_.size() || text_[after] == '\n' || text_[after] == '\r');
      if (!whole_line) continue;
      value = text_.substr(begin, found - begin);
      line_number_ += static_cast<std::size_t>(std::count(value.begin(), value.end(), '\n')) + 1;
      position_ = std::min(text_.find('\n', after), text_.size()) + 1;
      value = trim(value.substr(0, value.find_last_not_of("\r\n") + 1));
      return true;
    }
    endless_.emplace(marker, true);
    return unfinished(marker);
  }

  bool unfinished(std::string_view marker) {
    fault("the block '" + shown(marker) + "' never ends");
    return false;
  }

  void read_pairs(Timestamp at, const std::vector<std::string_view>& fields, std::size_t number) {
    for (std::size_t i = 0; i < fields.size();) {
      const std::size_t width = width_at(fields, i);
      if (i + 1 >= fields.size()) {
        if (!fields[i].empty()) fault("the key '" + shown(fields[i]) + "' has no value");
        return;
      }
      const bool message = width == kMessageFields && i + 2 < fields.size();
      if (!fields[i].empty()) log_.samples.push_back({at, fields[i], fields[message ? i + 2 : i + 1], number});
      i += width;
    }
  }

  std::size_t width_at(const std::vector<std::string_view>& fields, std::size_t i) const {
    if (contains(keys_.conditions, fields[i])) return kConditionFields;
    if (contains(keys_.messages, fields[i])) return kMessageFields;
    const bool looks_like_condition = i == 0 && fields.size() == kConditionFields && is_level(fields[1]);
    return looks_like_condition ? kConditionFields : 2;
  }

  void fault(std::string message) { log_.faults.push_back({line_number_, std::move(message)}); }
  static std::string shown(std::string_view text) { return std::string{text.substr(0, kShownBytes)}; }

  std::string_view text_;
  const ShdrKeys& keys_;
  std::size_t position_ = 0, line_number_ = 0;
  std::unordered_map<std::string_view, bool> endless_;
  Log log_;
};

}  // namespace

Log read_shdr(std::string_view text, const ShdrKeys& keys) { return Reader{text, keys}.read(); }

}  // namespace takt::mtconnect
