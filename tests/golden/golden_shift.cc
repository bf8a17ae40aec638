#include "tests/golden/golden_shift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace takt::golden {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::int64_t kMicros = 1'000'000;

[[noreturn]] void unreadable(const std::string& where, const std::string& why) {
  std::cerr << where << ": " << why << "\n";
  std::abort();
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string{text.substr(first, text.find_last_not_of(kBlanks) - first + 1)};
}

/// A comment begins a line, or follows a blank.
std::string without_comment(std::string_view line) {
  for (auto at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at == 0 || kBlanks.find(line[at - 1]) != std::string_view::npos) return trimmed(line.substr(0, at));
  }
  return trimmed(line);
}

std::vector<std::string> split(const std::string& line, char at) {
  std::vector<std::string> parts;
  std::istringstream stream{line + at};
  for (std::string part; std::getline(stream, part, at);) parts.push_back(trimmed(part));
  return parts;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream{line};
  return {std::istream_iterator<std::string>{stream}, {}};
}

Timestamp time_of(const std::string& text) {
  const auto time = parse_time(text);
  if (!time) unreadable(text, time.error().context);
  return *time;
}

// ---------------------------------------- events

bool is_number(std::string_view column) {
  constexpr std::array kNumbers = {"good", "scrap", "rework", "quantity", "revision", "value", "kwh_total"};
  return column.ends_with("_total") || std::find(kNumbers.begin(), kNumbers.end(), column) != kNumbers.end();
}

Json cell_value(const std::string& column, const std::string& cell) {
  const bool is_flag = column == "deleted" || column == "startup";
  return is_flag || is_number(column) ? Json::parse(cell) : Json(cell);
}

Json row_as_event(const std::vector<std::string>& header, const std::vector<std::string>& row) {
  Json event = Json::object();
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!row[i].empty()) event[header.at(i)] = cell_value(header[i], row[i]);
  }
  return event;
}

std::string joined(const std::vector<std::string>& cells) {
  std::string text;
  for (const std::string& cell : cells) text += (text.empty() ? "" : ",") + cell;
  return text + "\n";
}

void add_event_line(Shift& shift, std::vector<std::string>& header, const std::string& line) {
  EventTable& table = shift.tables.back();
  if (table.body.empty()) table.csv = line.front() != '{';
  if (!table.csv) {
    table.body += line + "\n";
    shift.events.push_back(Json::parse(line));
    return;
  }
  const std::vector<std::string> cells = split(line, ',');
  table.body += joined(cells);
  if (header.empty())
    header = cells;
  else
    shift.events.push_back(row_as_event(header, cells));
}

// ---------------------------------------- sections

Question question_of(const std::vector<std::string>& words, int number) {
  Question question{words.front(), {}, {}, number};
  for (auto word = words.begin() + 1; word != words.end(); ++word) {
    const auto equals = word->find('=');
    if (equals != std::string::npos) question.parameters[word->substr(0, equals)] = word->substr(equals + 1);
  }
  return question;
}

/// Takes a file apart, line by line.
class Reader {
 public:
  explicit Reader(Shift& shift) : shift_(shift) {}

  void take(const std::string& line) {
    ++number_;
    if (number_ == 1) shift_.title = trimmed(line.substr(std::min<std::size_t>(line.size(), 1)));
    if (line.starts_with("== "))
      begin(words_of(line.substr(3)));
    else if (section_ == "plant")
      shift_.plants.back().toml += line + "\n";
    else if (const std::string content = without_comment(line); !content.empty())
      add(content);
  }

 private:
  void begin(const std::vector<std::string>& words) {
    const Question section = question_of(words, number_);
    section_ = section.kind;
    if (section_ == "now") {
      shift_.now = time_of(words.at(1));
      shift_.asked_while_open = true;
    } else if (section_ == "plant") {
      const auto from = section.parameters.find("valid_from");
      shift_.plants.emplace_back();
      if (from != section.parameters.end()) shift_.plants.back().valid_from = time_of(from->second);
    } else if (section_ == "events") {
      shift_.tables.emplace_back();
      header_.clear();
    } else {
      shift_.questions.push_back(section);
    }
  }
  void add(const std::string& content) {
    if (section_ == "events")
      add_event_line(shift_, header_, content);
    else if (!shift_.questions.empty())
      shift_.questions.back().answer.push_back({number_, words_of(content)});
    else
      unreadable(shift_.file + ":" + std::to_string(number_), "stands in no section");
  }

  Shift& shift_;
  int number_ = 0;
  std::string section_;
  std::vector<std::string> header_;
};

// ---------------------------------------- comparing

/// "600", "1.5" or "0.000001" seconds, in microseconds.
std::int64_t micros_of(const std::string& seconds) { return std::llround(std::stold(seconds) * kMicros); }

/// "3/4", "3*5/4/2": all factors first, so that the quotient is rounded once.
double ratio_of(const std::string& text) {
  double above = 1, below = 1;
  char sign = '*';
  std::istringstream stream{text};
  for (double factor = 0; stream >> factor; stream >> sign) (sign == '/' ? below : above) *= factor;
  return above / below;
}

std::vector<std::string> sorted_flags(const Json& flags) {
  std::vector<std::string> names = flags.get<std::vector<std::string>>();
  std::sort(names.begin(), names.end());
  return names;
}

testing::AssertionResult is(const Json& actual, bool equal) {
  if (equal) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the answer is " << actual.dump();
}

testing::AssertionResult same_flags(const Json& actual, const std::string& expected) {
  std::vector<std::string> names = expected == "none" ? std::vector<std::string>{} : split(expected, ',');
  std::sort(names.begin(), names.end());
  return is(actual, sorted_flags(actual) == names);
}

testing::AssertionResult same_number(const std::string& name, const Json& actual, const std::string& expected) {
  if (!actual.is_number()) return is(actual, false);
  if (name.ends_with("_s")) return is(actual, std::llround(actual.get<double>() * kMicros) == micros_of(expected));
  const double wanted = ratio_of(expected);
  return is(actual, std::abs(actual.get<double>() - wanted) <= 1e-15 * std::abs(wanted));
}

testing::AssertionResult same(const std::string& name, const Json& actual, const std::string& expected) {
  if (expected == "null" || actual.is_null()) return is(actual, expected == "null" && actual.is_null());
  if (name == "flags") return same_flags(actual, expected);
  if (name == "start" || name == "end") return is(actual, time_of(actual.get<std::string>()) == time_of(expected));
  if (actual.is_boolean()) return is(actual, actual.dump() == expected);
  if (actual.is_string()) return is(actual, actual == expected);
  return same_number(name, actual, expected);
}

/// A word of an answer against its field.
void expect_field(const Shift& shift, const Line& line, const Json& object, const std::string& name,
                  const std::string& expected) {
  ASSERT_TRUE(object.contains(name)) << shift.file << ":" << line.number << ": nothing answers \"" << name << "\"";
  EXPECT_TRUE(same(name, object[name], expected))
      << shift.file << ":" << line.number << ": " << name << " should be " << expected;
}

/// A line a field, a word a bucket.
void expect_buckets(const Shift& shift, const Question& question, const Json& buckets) {
  for (const Line& line : question.answer) {
    ASSERT_EQ(line.words.size(), buckets.size() + 1)
        << shift.file << ":" << line.number << ": not a value for each bucket of " << buckets.dump(1);
    for (std::size_t i = 0; i < buckets.size(); ++i)
      expect_field(shift, line, buckets[i], line.words[0], line.words[i + 1]);
  }
}

/// A line an object, under a line of names.
void expect_table(const Shift& shift, const Question& question, const Json& objects) {
  ASSERT_FALSE(question.answer.empty()) << shift.file << ":" << question.number;
  const std::vector<std::string>& names = question.answer.front().words;
  ASSERT_EQ(question.answer.size(), objects.size() + 1)
      << shift.file << ":" << question.number << ": as many lines as in " << objects.dump(1);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const Line& line = question.answer[i + 1];
    ASSERT_EQ(line.words.size(), names.size()) << shift.file << ":" << line.number;
    for (std::size_t at = 0; at < names.size(); ++at)
      expect_field(shift, line, objects[i], names[at], line.words[at]);
  }
}

/// A line a loss; and they add up.
void expect_losses(const Shift& shift, const Question& question, const Json& losses) {
  Json by_name = losses;
  for (const Json& loss : losses["losses"]) by_name[loss["loss"].get<std::string>() + "_s"] = loss["time_s"];
  for (const Line& line : question.answer) {
    ASSERT_EQ(line.words.size(), 2U) << shift.file << ":" << line.number;
    const bool is_total = by_name.contains(line.words[0]);
    expect_field(shift, line, by_name, line.words[0] + (is_total ? "" : "_s"), line.words[1]);
  }
}

}  // namespace

TimeRange Question::range() const { return {time_of(parameters.at("from")), time_of(parameters.at("to"))}; }

std::string Question::target() const {
  std::string path = "/v1/" + (kind == "pareto" ? "downtime/pareto" : kind);
  for (const auto& [name, value] : parameters) {
    const bool is_time = name == "from" || name == "to";
    path += (path.find('?') == std::string::npos ? '?' : '&') + name + "=" +
            (is_time ? format_time(time_of(value)) : value);
  }
  return path;
}

std::vector<std::filesystem::path> shift_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{"tests/golden"}) {
    if (entry.path().extension() == ".shift") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Shift read_shift(const std::filesystem::path& file) {
  Shift shift;
  shift.file = file.string();
  std::ifstream stream{file};
  if (!stream) unreadable(shift.file, "cannot be read; tests run in the project's root");
  Reader reader{shift};
  for (std::string line; std::getline(stream, line);) reader.take(line);
  if (!shift.asked_while_open) {
    for (const Question& question : shift.questions)
      shift.now = std::max(shift.now, question.range().end + std::chrono::hours{24});
  }
  return shift;
}

void expect_answers(const Shift& shift, const std::function<Json(const Question&)>& ask) {
  ASSERT_FALSE(shift.questions.empty()) << shift.file;
  for (const Question& question : shift.questions) {
    const Json answer = ask(question);
    if (question.kind == "oee")
      expect_buckets(shift, question, answer.at("buckets"));
    else if (question.kind == "timeline")
      expect_table(shift, question, answer.at("intervals"));
    else if (question.kind == "pareto")
      expect_table(shift, question, answer.at("items"));
    else if (question.kind == "losses")
      expect_losses(shift, question, answer);
    else
      FAIL() << shift.file << ":" << question.number << ": asks for \"" << question.kind << "\"";
  }
}

}  // namespace takt::golden
