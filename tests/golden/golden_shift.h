// Shifts that a plant engineer can check with a pencil: tests/golden/*.shift, whose form docs/development.md
// tells.
#pragma once

#include "schema/time.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace takt::golden {

using Json = nlohmann::json;

/// A line of an answer worked out by hand, without its comment.
struct Line {
  int number = 0;
  std::vector<std::string> words;
};

/// What is asked, in the words of the API, and the answer.
struct Question {
  std::string kind;  ///< oee, timeline, losses or pareto
  std::map<std::string, std::string> parameters;
  std::vector<Line> answer;
  int number = 0;  ///< of its line

  TimeRange range() const;
  /// As the HTTP API takes it.
  std::string target() const;
};

/// One table of events as it is sent: CSV, or NDJSON.
struct EventTable {
  bool csv = true;
  std::string body;
};

/// Of the plant: for all time, or from a moment on.
struct Description {
  std::optional<Timestamp> valid_from;
  std::string toml;
};

struct Shift {
  std::string file, title;
  std::vector<Description> plants;
  Timestamp now;  ///< when the questions are asked: unless given, a day after all that they ask for
  bool asked_while_open = false;   ///< `now` is given
  std::vector<EventTable> tables;  ///< as written
  std::vector<Json> events;        ///< the same, in the order written
  std::vector<Question> questions;
};

/// All golden shifts, by name.
std::vector<std::filesystem::path> shift_files();
/// Ends the process with a sentence on what cannot be read: there is no test without it.
Shift read_shift(const std::filesystem::path& file);

/// Fails the test wherever an answer differs from the one worked out. `ask` gives the whole answer of the API.
void expect_answers(const Shift& shift, const std::function<Json(const Question&)>& ask);

}  // namespace takt::golden
