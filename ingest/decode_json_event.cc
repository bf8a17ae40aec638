#include "ingest/decode_json_event.h"

#include "ingest/decode_attributes.h"
#include "ingest/decode_body.h"
#include "ingest/decode_draft.h"

#include <simdjson.h>
#include <cstring>
#include <utility>

namespace takt {
namespace {

namespace ondemand = simdjson::ondemand;

Problem bad_json(std::string message) { return {Rejection::bad_json, std::move(message)}; }

Problem syntax_problem(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return bad_json("The event is not valid UTF-8.");
    case simdjson::UNESCAPED_CHARS:
      return bad_json("A control character stands unescaped in a string; write it as \\u00XX.");
    case simdjson::UNCLOSED_STRING:
      return bad_json("A string is not closed.");
    case simdjson::DEPTH_ERROR:
      return bad_json("The event nests too deeply.");
    case simdjson::MEMALLOC:
      return bad_json("There was no memory to parse the event.");
    default:
      return bad_json("The event is not valid JSON; an event is one object like {\"type\":\"state\", ...}.");
  }
}

bool is_at_end(ondemand::document& document) {
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

}  // namespace

/// simdjson wants SIMDJSON_PADDING readable bytes behind the text, and unescapes into a buffer of its own.
struct JsonEventParser::Parser {
  ondemand::parser json;
  std::string padded;
  std::string canonical;         // attributes in the making
  std::string_view text;         // the event, in the body
  const char* parsed = nullptr;  // where the parser sees it: in the body too, or in `padded`

  simdjson::padded_string_view pad(std::string_view event, std::size_t readable_bytes) {
    text = event;
    parsed = event.data();
    if (readable_bytes >= event.size() + simdjson::SIMDJSON_PADDING)
      return simdjson::padded_string_view(parsed, event.size(), readable_bytes);
    padded.assign(event);
    padded.append(simdjson::SIMDJSON_PADDING, ' ');
    parsed = padded.data();
    return simdjson::padded_string_view(parsed, event.size(), padded.size());
  }

  /// What the parser sees, as part of the body, which outlives `padded`.
  std::string_view in_body(std::string_view seen) const {
    return text.substr(static_cast<std::size_t>(seen.data() - parsed), seen.size());
  }

  std::optional<Problem> read(EventDraft& draft, std::size_t readable_bytes, EventBatch& batch) {
    ondemand::document document;
    if (const auto error = json.iterate(pad(text, readable_bytes)).get(document)) return syntax_problem(error);
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return syntax_problem(error);
    for (auto element : object) {
      ondemand::field field;
      if (const auto error = std::move(element).get(field)) return syntax_problem(error);
      if (std::optional<Problem> problem = read_field(field, draft, batch)) return problem;
    }
    if (!is_at_end(document)) return bad_json("Something follows the event; send one object a line, or an array.");
    return std::nullopt;
  }

  std::optional<Problem> read_field(ondemand::field& field, EventDraft& draft, EventBatch& batch) {
    std::string_view key;
    if (!read_key(field, key)) return bad_json("The name of a field is not a valid JSON string.");
    const std::optional<Field> name = draft.name(key);
    const std::string_view token = trim(field.value().raw_json_token());
    if (token.empty()) return syntax_problem(simdjson::TAPE_ERROR);
    switch (token.front()) {
      case '"':
        return read_string(name, field.value(), token, draft, batch);
      case '{':
        return read_object(name, field.value(), draft, batch);
      case '[':
        if (name) draft.wrong(*name);
        return std::nullopt;
      default:
        return read_scalar(name, token, draft);
    }
  }

  static bool read_key(ondemand::field& field, std::string_view& key) {
    const char* const begin = field.key().raw();
    const char* end = begin;
    while (*end != '"' && *end != '\\') ++end;  // stage 1 has seen that the string is closed
    key = {begin, static_cast<std::size_t>(end - begin)};
    return *end == '"' || field.unescaped_key().get(key) == simdjson::SUCCESS;
  }

  std::optional<Problem> read_string(std::optional<Field> name, ondemand::value value, std::string_view token,
                                     EventDraft& draft, EventBatch& batch) const {
    if (token.size() < 2 || token.back() != '"') return syntax_problem(simdjson::STRING_ERROR);
    const std::string_view content = token.substr(1, token.size() - 2);
    if (std::memchr(content.data(), '\\', content.size()) == nullptr) {
      if (name) draft.text(*name, in_body(content));
      return std::nullopt;
    }
    if (!has_json_escapes_only(content)) return bad_json("A string holds an escape that JSON does not know.");
    std::string_view unescaped;
    const bool is_unicode = value.get_string().get(unescaped) == simdjson::SUCCESS &&
                            simdjson::validate_utf8(unescaped.data(), unescaped.size());
    if (!name) return std::nullopt;
    if (is_unicode) {
      draft.text(*name, batch.keep(unescaped));
    } else {
      draft.wrong(*name);
    }
    return std::nullopt;
  }

  std::optional<Problem> read_object(std::optional<Field> name, ondemand::value value, EventDraft& draft,
                                     EventBatch& batch) {
    if (!name) return std::nullopt;
    if (*name != Field::attributes) {
      draft.wrong(*name);
      return std::nullopt;
    }
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return syntax_problem(error);
    canonical.clear();
    const AttributesFault fault = append_canonical(canonical, object);
    if (fault == AttributesFault::broken) return bad_json(std::string(explain(fault)));
    if (fault != AttributesFault::none) {
      // The rest of a half-read object cannot be passed over; what was read shows enough.
      return Problem{Rejection::bad_value, std::string(explain(fault))};
    }
    draft.attributes(batch.keep(canonical));
    return std::nullopt;
  }

  static std::optional<Problem> read_scalar(std::optional<Field> name, std::string_view token, EventDraft& draft) {
    if (token == "null") return std::nullopt;
    if (token == "true" || token == "false") {
      if (name) draft.truth(*name, token == "true");
      return std::nullopt;
    }
    const std::optional<Number> number = parse_number(token);
    if (!number) {
      return bad_json(in_quotes(token) +
                      " is not a JSON value; numbers are written like -1.5e3, and NaN and infinity "
                      "are none.");
    }
    if (name) draft.number(*name, *number);
    return std::nullopt;
  }
};

JsonEventParser::JsonEventParser() : parser_(std::make_unique<Parser>()) {}
JsonEventParser::~JsonEventParser() = default;

void JsonEventParser::decode(std::string_view text, std::size_t readable_bytes, std::size_t index,
                             EventBatch& batch) {
  parser_->text = text;
  EventDraft draft(batch.events.emplace_back());
  std::optional<Problem> problem = parser_->read(draft, readable_bytes, batch);
  if (!problem) problem = draft.judge();
  if (problem) {
    const std::string_view machine = batch.events.back().machine;
    batch.events.pop_back();
    return reject(batch, index, std::move(*problem), text, machine);
  }
  batch.indexes.push_back(index);
  batch.raw.push_back(text);
}

std::optional<std::string_view> JsonEventParser::attributes(std::string_view text, EventBatch& batch) {
  ondemand::document document;
  ondemand::object object;
  if (parser_->json.iterate(parser_->pad(text, 0)).get(document) != simdjson::SUCCESS) return std::nullopt;
  if (document.get_object().get(object) != simdjson::SUCCESS) return std::nullopt;
  parser_->canonical.clear();
  if (append_canonical(parser_->canonical, object) != AttributesFault::none || !is_at_end(document))
    return std::nullopt;
  return batch.keep(parser_->canonical);
}

}  // namespace takt
