#include "ingest/line_protocol.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "ingest/decode.h"
#include "ingest/decode_body.h"
#include "ingest/decode_draft.h"
#include "ingest/decode_json_event.h"
#include "ingest/line_value.h"
#include "ingest/plain_lines.h"
#include "schema/event_json.h"

namespace takt {
namespace {

constexpr std::array<std::pair<std::string_view, LinePrecision>, 10> kPrecisions = {{
    {"ns", LinePrecision::nanoseconds},
    {"n", LinePrecision::nanoseconds},
    {"us", LinePrecision::microseconds},
    {"u", LinePrecision::microseconds},
    {"\u00b5", LinePrecision::microseconds},
    {"\u00b5s", LinePrecision::microseconds},
    {"ms", LinePrecision::milliseconds},
    {"s", LinePrecision::seconds},
    {"m", LinePrecision::minutes},
    {"h", LinePrecision::hours},
}};

/// A line cut into its parts; strings borrow from the line, or from the batch where they had escapes.
struct CutLine {
  using Pair = std::pair<std::string_view, std::string_view>;
  std::string_view measurement;
  std::vector<Pair> tags;
  std::vector<std::pair<std::string_view, LineValue>> fields;
  std::optional<std::int64_t> time;  // in the precision of the body
  std::string fault;                 // why it cannot be read; empty: it can

  void clear() { tags.clear(), fields.clear(), time.reset(), fault.clear(); }
};

/// Cuts one line after the other, into the same memory.
class Cutter {
 public:
  /// False: `line.fault` says why.
  bool cut(std::string_view text, CutLine& line, EventBatch& batch) {
    rest_ = text, line_ = &line, batch_ = &batch;
    line.clear();
    return measurement() && tags() && fields() && time();
  }

 private:
  bool fault(std::string_view why) {
    line_->fault = why;
    return false;
  }
  /// Up to one of `ends` that no backslash stands before; `escapable` ones lose their backslash.
  std::string_view word(std::string_view ends, std::string_view escapable) {
    std::size_t at = 0;
    bool escaped = false;
    while (at < rest_.size() && ends.find(rest_[at]) == std::string_view::npos) {
      const bool escape =
          rest_[at] == '\\' && at + 1 < rest_.size() && escapable.find(rest_[at + 1]) != std::string_view::npos;
      escaped = escaped || escape;
      at += escape ? 2 : 1;
    }
    const std::string_view raw = rest_.substr(0, at);
    rest_.remove_prefix(at);
    return escaped ? unescaped(raw, escapable) : raw;
  }
  std::string_view unescaped(std::string_view raw, std::string_view escapable) {
    std::string text;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\\' && i + 1 < raw.size() && escapable.find(raw[i + 1]) != std::string_view::npos) ++i;
      text += raw[i];
    }
    return batch_->keep(text);
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool measurement() {
    line_->measurement = word(", ", ", ");
    return !line_->measurement.empty() || fault("the measurement is missing");
  }
  bool tags() {
    while (take(',')) {
      const std::string_view key = word(",= ", ",= ");
      if (key.empty() || !take('=')) return fault("a tag is not key=value");
      const std::string_view value = word(",= ", ",= ");
      if (value.empty() || rest_.starts_with('=')) return fault("a tag is not key=value");
      line_->tags.emplace_back(key, value);
    }
    return take(' ') || fault("the fields are missing");
  }
  bool fields() {
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    do {
      const std::string_view key = word(",= ", ",= ");
      if (key.empty() || !take('=')) return fault("a field is not key=value");
      const auto value = this->value();
      if (!value) return fault("the value of a field is no number, boolean or string in quotes");
      line_->fields.emplace_back(key, *value);
    } while (take(','));
    return true;
  }
  std::optional<LineValue> value() {
    if (take('"')) return text();
    const std::size_t end = std::min(rest_.find_first_of(", "), rest_.size());
    const std::string_view bare = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return bare_line_value(bare);
  }
  std::optional<LineValue> text() {
    const std::string_view inside = word("\"", "\"\\");
    if (!take('"')) return std::nullopt;
    return LineValue{LineValue::Kind::text, {}, false, inside};
  }
  bool time() {
    while (rest_.ends_with(' ')) rest_.remove_suffix(1);
    if (rest_.empty()) return true;
    if (!take(' ')) return fault("what follows a field is neither a comma nor a blank");
    while (rest_.starts_with(' ')) rest_.remove_prefix(1);
    line_->time = line_integer(rest_);
    return line_->time || fault("the time is no integer of 64 bits");
  }

  std::string_view rest_;
  CutLine* line_ = nullptr;
  EventBatch* batch_ = nullptr;
};

/// What `influx_inspect export` writes above the lines. A line of fields cannot begin so.
bool is_statement(std::string_view line) {
  return line.starts_with("CREATE DATABASE ") || line.starts_with("CREATE RETENTION POLICY ");
}

std::optional<std::string_view> tag_named(const CutLine& line, std::string_view name) {
  for (const auto& [key, value] : line.tags) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<LinePrecision> line_precision_named(std::string_view name) {
  for (const auto& [known, precision] : kPrecisions) {
    if (known == name) return precision;
  }
  return std::nullopt;
}

class LineDecoder::Reader {
 public:
  Reader(std::string_view body, LineOptions options) : rest_(body), options_(std::move(options)) {}

  bool next(EventBatch& batch, PlainReadings* plain) {
    plain_ = plain;
    has_reading_ = false;
    const auto rows = [&] { return plain == nullptr ? 0 : plain->size(); };
    while (batch.size() + rows() < kMaxBatchEvents && !rest_.empty()) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      ++number_;
      if (!read_line(rest_.substr(0, end), batch)) {
        --number_;
        break;
      }
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
    }
    return batch.size() + rows() > 0;
  }

 private:
  /// False: the line belongs into the next batch.
  bool read_line(std::string_view text, EventBatch& batch) {
    while (text.ends_with('\r')) text.remove_suffix(1);
    text = text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
    if (text.empty() || text.front() == '#' || is_statement(text)) return true;
    if (plain_ != nullptr && !has_reading_ && plain_lines_.read(text, number_, *plain_)) return true;
    return read(text, batch);
  }

  bool read(std::string_view text, EventBatch& batch) {
    const auto refuse = [&](Rejection code, std::string message) {
      reject(batch, number_, {code, std::move(message)}, text);
      return true;
    };
    if (text.size() > kMaxEventBytes) return refuse(Rejection::too_large, "The line is larger than 1 MiB.");
    if (!simdjson::validate_utf8(text.data(), text.size()))
      return refuse(Rejection::bad_value, "The line is not valid UTF-8.");
    if (!cutter_.cut(text, line_, batch))
      return refuse(Rejection::bad_json, "This is no line protocol: " + line_.fault + ".");
    const auto at = line_.time ? line_micros(*line_.time, options_.precision) : micros(options_.received);
    if (!at) return refuse(Rejection::bad_value, "The time is out of range.");
    at_ = *at;
    const auto type = event_type_named(line_.measurement);
    if (type && *type != EventType::reading) {
      add_event(*type, text, batch);
      return true;
    }
    // Of two readings of one time the later line counts: they go the same way.
    if (plain_ != nullptr && !plain_->empty()) return false;
    has_reading_ = true;
    for (const auto& [key, value] : line_.fields) add_reading(key, value, type.has_value(), text, batch);
    return true;
  }

  void add_reading(std::string_view key, const LineValue& value, bool plain, std::string_view text,
                   EventBatch& batch) {
    Event event;
    EventDraft draft{event};
    draft.text(Field::type, name_of(EventType::reading));
    name_machine(draft);
    draft.number(Field::ts, {0, at_, true});
    draft.text(Field::tag, plain ? key : joined(line_.measurement, key, batch));
    give(draft, Field::value, value);
    for (const auto& [name, tag] : line_.tags) {
      if (name == "id") draft.text(Field::id, tag);
    }
    own_tags(
        draft, [](std::string_view name) { return name == "id"; }, batch);
    add(event, draft, text, batch);
  }

  void add_event(EventType type, std::string_view text, EventBatch& batch) {
    Event event;
    EventDraft draft{event};
    draft.text(Field::type, name_of(type));
    name_machine(draft);
    draft.name("machine");
    const bool spans = type == EventType::cycle || type == EventType::classify;
    draft.name(spans ? "start" : "ts");
    draft.number(spans ? Field::start : Field::ts, {0, at_, true});
    for (const auto& [name, tag] : line_.tags) {
      if (name == "machine" || !field_named(name)) continue;
      if (const auto field = draft.name(name)) give_text(draft, *field, tag);
    }
    for (const auto& [name, value] : line_.fields) {
      if (const auto field = draft.name(name)) give(draft, *field, value);
    }
    own_tags(
        draft, [](std::string_view name) { return field_named(name).has_value(); }, batch);
    add(event, draft, text, batch);
  }

  void add(const Event& event, const EventDraft& draft, std::string_view text, EventBatch& batch) {
    if (auto problem = draft.judge()) return reject(batch, number_, std::move(*problem), text, event.machine);
    batch.events.push_back(event);
    batch.indexes.push_back(number_);
  }
  void name_machine(EventDraft& draft) const {
    if (const auto machine = tag_named(line_, "machine"))
      draft.text(Field::machine, *machine);
    else if (!options_.machine.empty())
      draft.text(Field::machine, options_.machine);
  }
  static void give(EventDraft& draft, Field field, const LineValue& value) {
    if (value.kind == LineValue::Kind::text) return give_text(draft, field, value.text);
    value.kind == LineValue::Kind::truth ? draft.truth(field, value.truth) : draft.number(field, value.number);
  }
  /// Tags are always text, and so may be what a client was not sure of.
  static void give_text(EventDraft& draft, Field field, std::string_view text) {
    const FieldKind kind = kind_of(field);
    if (kind == FieldKind::integer || kind == FieldKind::energy) {
      if (const auto number = parse_number(text)) return draft.number(field, *number);
    }
    if (kind == FieldKind::truth) {
      if (const auto truth = line_truth(text)) return draft.truth(field, *truth);
    }
    draft.text(field, text);
  }
  /// Tags that say nothing to Takt are the sender's own.
  template <class IsKnown>
  void own_tags(EventDraft& draft, IsKnown is_known, EventBatch& batch) {
    own_.clear();
    for (const auto& [name, tag] : line_.tags) {
      if (name == "machine" || name == "host" || is_known(name)) continue;
      own_ += own_.empty() ? '{' : ',';
      append_json_string(own_, name);
      own_ += ':';
      append_json_string(own_, tag);
    }
    if (own_.empty()) return;
    own_ += '}';
    const auto canonical = json_.attributes(own_, batch);
    canonical ? draft.attributes(*canonical) : draft.wrong(Field::attributes);
  }
  std::string_view joined(std::string_view measurement, std::string_view key, EventBatch& batch) {
    name_ = measurement;
    name_ += '.';
    name_ += key;
    return batch.keep(name_);
  }

  std::string_view rest_;
  LineOptions options_;
  std::size_t number_ = 0;
  PlainReadings* plain_ = nullptr;  // borrowed for one call of next(), and null if all is to be events
  PlainLines plain_lines_{options_};
  bool has_reading_ = false;  // among the events of this batch
  std::int64_t at_ = 0;
  Cutter cutter_;
  CutLine line_;
  std::string own_, name_;
  JsonEventParser json_;
};

LineDecoder::LineDecoder(std::string_view body, LineOptions options)
    : reader_(std::make_unique<Reader>(body, std::move(options))) {}
LineDecoder::~LineDecoder() = default;
LineDecoder::LineDecoder(LineDecoder&&) noexcept = default;
LineDecoder& LineDecoder::operator=(LineDecoder&&) noexcept = default;

bool LineDecoder::next(EventBatch& batch, PlainReadings* plain) { return reader_->next(batch, plain); }

}  // namespace takt
