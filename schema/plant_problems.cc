#include "schema/plant_problems.h"

#include <algorithm>
#include <numeric>

namespace takt {
namespace {

/// Levenshtein's distance: how many letters must be put in, left out or changed.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// As much of `text` as fits into `bytes` without cutting through a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

/// One problem a line, whatever a key or string holds.
std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; }, '?');
  return out;
}

}  // namespace

void Problems::add(int line, const std::string& path, const std::string& message) {
  if (!paths_.insert(path).second) return;
  std::string text = file_;
  if (line > 0) text += (text.empty() ? "line " : ":") + std::to_string(line);
  if (!text.empty()) text += ": ";
  text += path.empty() ? message : printable(path) + ": " + message;
  list_.push_back({line, std::move(text)});
}

Error Problems::error() const {
  std::vector<const Problem*> sorted;
  for (const Problem& problem : list_) sorted.push_back(&problem);
  std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) { return a->line < b->line; });
  std::string text;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostReported); ++i) {
    text += (i == 0 ? "" : "\n") + sorted[i]->text;
  }
  if (sorted.size() > kMostReported) text += "\nand " + std::to_string(sorted.size() - kMostReported) + " more";
  return invalid(std::move(text));
}

std::string double_quoted(std::string_view text) {
  constexpr std::size_t kShown = 80;
  const std::string_view shown = cut(text, kShown);
  return '"' + printable(shown) + (shown.size() < text.size() ? "...\"" : "\"");
}

std::string alternatives(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string_view nearest(std::string_view text, std::span<const std::string_view> known) {
  constexpr std::size_t kLongest = 64;  // nobody mistypes a word into a novel
  if (text.size() > kLongest) return {};
  std::string_view best;
  // A third of the letters wrong is a slip of the fingers; more is another word.
  std::size_t limit = std::max<std::size_t>(1, text.size() / 3) + 1;
  for (const std::string_view each : known) {
    const std::size_t far = distance(text, each);
    if (far < limit) {
      limit = far;
      best = each;
    }
  }
  return best;
}

}  // namespace takt
