// Where events begin and end in bodies of JSON and of NDJSON. Cutting first and parsing each piece by itself
// bounds the memory (simdjson wants four bytes an input byte) and the damage of a broken piece.
#include "ingest/decode.h"
#include "ingest/decode_body.h"
#include "ingest/decode_json_event.h"
#include "ingest/decode_number.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace takt {
namespace {

/// A body with a place in it, and its events counted.
class Cursor {
 public:
  explicit Cursor(std::string_view body) : rest_(body) {}

  std::string_view rest() const { return rest_; }
  void skip(std::size_t bytes) { rest_.remove_prefix(bytes); }
  void skip_blanks() { skip(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

  /// `text` is a piece of the body at or after the cursor's place.
  void decode(std::string_view text, EventBatch& batch) {
    if (text.size() > kMaxEventBytes) {
      return refuse({Rejection::too_large, "The event is larger than 1 MiB."}, text, batch);
    }
    const auto readable_bytes = static_cast<std::size_t>(rest_.data() + rest_.size() - text.data());
    parser_.decode(text, readable_bytes, index_++, batch);
  }
  void refuse(Problem problem, std::string_view text, EventBatch& batch) {
    reject(batch, index_++, std::move(problem), text);
  }

 private:
  std::string_view rest_;
  std::size_t index_ = 0;
  JsonEventParser parser_;
};

class NdjsonBody final : public BodyReader {
 public:
  explicit NdjsonBody(std::string_view body) : cursor_(body) {}

  Result<void> open() override {
    if (trim(cursor_.rest()).empty()) return invalid("The body is empty; send one JSON event a line.");
    return {};
  }

  bool read(EventBatch& batch) override {
    while (!cursor_.rest().empty()) {
      const std::string_view line = cursor_.rest().substr(0, cursor_.rest().find('\n'));
      const std::string_view text = trim(line);
      if (!text.empty()) cursor_.decode(text, batch);
      cursor_.skip(std::min(line.size() + 1, cursor_.rest().size()));
      if (!text.empty()) return true;
    }
    return false;
  }

 private:
  Cursor cursor_;
};

enum class Mark : std::uint8_t { none, quote, opening, closing };

constexpr std::array<Mark, 256> make_marks() {
  std::array<Mark, 256> marks{};
  marks['"'] = Mark::quote;
  marks['{'] = marks['['] = Mark::opening;
  marks['}'] = marks[']'] = Mark::closing;
  return marks;
}
constexpr std::array<Mark, 256> kMarks = make_marks();

/// The place behind the string whose opening quote is at `begin`; npos if it is not closed.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

/// The place behind the bracket that balances the one at the front; npos if none does.
std::size_t end_of_balanced(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Mark mark = kMarks[static_cast<unsigned char>(text[i])];
    if (mark == Mark::quote) {
      i = end_of_string(text, i);
      continue;  // npos ends the loop
    }
    ++i;
    if (mark == Mark::opening) ++depth;
    if (mark == Mark::closing && --depth == 0) return i;
  }
  return std::string_view::npos;
}

bool is_scalar(std::string_view token) {
  return token == "true" || token == "false" || token == "null" || parse_number(token).has_value();
}

/// How long the value at the front is, which may still be wrong inside; npos if there is none or it does not end.
std::size_t length_of_value(std::string_view text) {
  if (text.starts_with('{') || text.starts_with('[')) return end_of_balanced(text);
  if (text.starts_with('"')) return end_of_string(text, 0);
  const std::size_t length = std::min(text.find_first_of(",]}{[\" \t\r\n"), text.size());
  return is_scalar(text.substr(0, length)) ? length : std::string_view::npos;
}

class JsonBody final : public BodyReader {
 public:
  explicit JsonBody(std::string_view body) : cursor_(body) {}

  Result<void> open() override {
    cursor_.skip_blanks();
    if (cursor_.rest().empty()) return invalid("The body is empty; send a JSON event or an array of events.");
    if (cursor_.rest().starts_with('{')) return open_object();
    if (cursor_.rest().starts_with('[')) return open_array();
    return invalid("The body is not a JSON object or array; send an event or an array of events.");
  }

  bool read(EventBatch& batch) override {
    switch (place_) {
      case Place::object:
        return read_object(batch);
      case Place::first_element:
        return read_element(batch);
      case Place::next_element:
        return read_next(batch);
      case Place::behind:
        break;
    }
    return read_behind(batch);
  }

 private:
  enum class Place : std::uint8_t { object, first_element, next_element, behind };

  Result<void> open_object() {
    const std::size_t length = length_of_value(cursor_.rest());
    if (length == std::string_view::npos) return invalid("The body is a JSON object that does not end.");
    if (length > kMaxEventBytes) return {};
    EventBatch trial;  // a whole body of one broken object is not an event refused: nothing is readable
    JsonEventParser().decode(cursor_.rest().substr(0, length), cursor_.rest().size(), 0, trial);
    if (trial.rejected.empty() || trial.rejected.front().code != Rejection::bad_json) return {};
    return invalid("The body is not valid JSON: " + trial.rejected.front().message);
  }

  Result<void> open_array() {
    cursor_.skip(1);
    cursor_.skip_blanks();
    place_ = Place::first_element;
    if (cursor_.rest().starts_with(']')) return {};
    if (length_of_value(cursor_.rest()) == std::string_view::npos) {
      return invalid("The body is a JSON array that breaks in its first element.");
    }
    return {};
  }

  bool read_object(EventBatch& batch) {
    place_ = Place::behind;
    take(length_of_value(cursor_.rest()), batch);
    return true;
  }

  bool read_element(EventBatch& batch) {
    cursor_.skip_blanks();
    if (place_ == Place::first_element && cursor_.rest().starts_with(']')) return close(batch);
    place_ = Place::next_element;
    const std::size_t length = length_of_value(cursor_.rest());
    if (length == std::string_view::npos) return give_up(batch);
    take(length, batch);
    return true;
  }

  bool read_next(EventBatch& batch) {
    cursor_.skip_blanks();
    if (cursor_.rest().starts_with(']')) return close(batch);
    if (!cursor_.rest().starts_with(',')) return give_up(batch);
    cursor_.skip(1);
    return read_element(batch);
  }

  bool close(EventBatch& batch) {
    cursor_.skip(1);
    place_ = Place::behind;
    return read_behind(batch);
  }

  bool read_behind(EventBatch& batch) {
    cursor_.skip_blanks();
    if (cursor_.rest().empty()) return false;
    cursor_.refuse({Rejection::bad_json,
                    "Something follows the end of the JSON; send several events as an array or as "
                    "application/x-ndjson."},
                   cursor_.rest(), batch);
    cursor_.skip(cursor_.rest().size());
    return true;
  }

  bool give_up(EventBatch& batch) {
    place_ = Place::behind;
    cursor_.refuse({Rejection::bad_json, "The JSON array breaks here; nothing from here on was read."},
                   cursor_.rest(), batch);
    cursor_.skip(cursor_.rest().size());
    return true;
  }

  void take(std::size_t length, EventBatch& batch) {
    cursor_.decode(cursor_.rest().substr(0, length), batch);
    cursor_.skip(length);
  }

  Cursor cursor_;
  Place place_ = Place::object;
};

}  // namespace

std::unique_ptr<BodyReader> read_json(std::string_view body) { return std::make_unique<JsonBody>(body); }
std::unique_ptr<BodyReader> read_ndjson(std::string_view body) { return std::make_unique<NdjsonBody>(body); }

}  // namespace takt
