#include "ingest/tcp/batch_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "ingest/decode_attributes.h"
#include "ingest/decode_body.h"
#include "ingest/decode_draft.h"
#include "ingest/ingestor.h"
#include "schema/event_json.h"
#include "schema/wire_alignment.h"
#include "schema/wire_generated.h"

namespace takt {
namespace {

std::string_view text_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view{} : std::string_view{text->data(), text->size()};
}

template <class T>
std::size_t size_of(const flatbuffers::Vector<T>* column) {
  return column == nullptr ? 0 : column->size();
}

/// Whether columns that may be left out are as long as those that may not.
bool are_of_one_length(const wire::Readings& rows) {
  const std::size_t n = size_of(rows.at());
  const auto fits = [n](std::size_t size) { return size == 0 || size == n; };
  return size_of(rows.number()) == n && fits(size_of(rows.of())) && fits(size_of(rows.quality())) &&
         fits(size_of(rows.boolean()));
}

bool speaks_of(const wire::Readings& rows, std::size_t tags) {
  if (size_of(rows.at()) == 0) return true;
  std::uint32_t greatest = 0;
  if (rows.of() != nullptr) {
    for (std::uint32_t tag : *rows.of()) greatest = std::max(greatest, tag);
  }
  return greatest < tags;
}

bool has_rising_extras(const wire::Readings& rows) {
  if (rows.extras() == nullptr) return true;
  std::uint64_t next = 0;
  for (const wire::ReadingExtra* extra : *rows.extras()) {
    if (extra->row() < next || extra->row() >= size_of(rows.at())) return false;
    next = std::uint64_t{extra->row()} + 1;
  }
  return true;
}

/// One look at the columns tells of nearly every batch that nothing is wrong with it.
bool are_all_good(const wire::Readings& rows, const std::vector<WireTag>& tags, const ReadingLimits& limits) {
  if (size_of(rows.extras()) > 0) return false;
  std::int64_t first = rows.at()->Get(0);
  std::int64_t last = first;
  double finite = 0;
  for (std::uint32_t i = 0; i < rows.at()->size(); ++i) {
    first = std::min(first, rows.at()->Get(i));
    last = std::max(last, rows.at()->Get(i));
    finite += rows.number()->Get(i) * 0.0;
  }
  if (first < micros(limits.oldest) || last > micros(limits.latest) || !std::isfinite(finite)) return false;
  if (rows.quality() != nullptr) {
    for (const std::int32_t quality : *rows.quality()) {
      if (quality < kNoQuality || quality > 65535) return false;
    }
  }
  if (rows.of() == nullptr || rows.of()->size() == 0) return tags[0].series.has_value();
  return std::all_of(rows.of()->begin(), rows.of()->end(), [&](std::uint32_t tag) { return tags[tag].series; });
}

/// An event in the making: its fields by the rules for all events.
class Fields {
 public:
  Fields(EventBatch& batch, std::string_view type, std::string_view machine) : batch_(batch), draft_(event) {
    draft_.text(Field::type, type);
    text(Field::machine, machine);
  }
  void text(Field field, std::string_view value) {
    if (!simdjson::validate_utf8(value.data(), value.size())) {
      draft_.fail("The field \"" + std::string{name_of(field)} + "\" is no UTF-8.");
      value = "?";
    }
    draft_.text(field, batch_.keep(value));
  }
  void given(Field field, const flatbuffers::String* value) {
    if (value != nullptr) text(field, text_of(value));
  }
  void given(Field field, flatbuffers::Optional<std::int64_t> value) {
    if (value) draft_.number(field, {static_cast<double>(*value), *value, true});
  }
  void given(Field field, flatbuffers::Optional<double> value) {
    if (value) draft_.number(field, {*value, 0, false});
  }
  void truth(Field field, bool value) {
    if (value || field == Field::value) draft_.truth(field, value);
  }
  void attributes(const flatbuffers::String* json) {
    if (json == nullptr || json->size() == 0) return;
    std::string canonical;
    const simdjson::padded_string padded{text_of(json)};
    simdjson::ondemand::parser parser;
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    const bool readable = parser.iterate(padded).get(document) == simdjson::SUCCESS &&
                          document.get_object().get(object) == simdjson::SUCCESS;
    const auto fault = readable ? append_canonical(canonical, object) : AttributesFault::broken;
    if (fault != AttributesFault::none) return draft_.fail(std::string{explain(fault)});
    draft_.attributes(batch_.keep(canonical));
  }
  /// Into the events of the batch, or the rejected.
  void add(std::size_t index) {
    if (auto problem = draft_.judge()) {
      if (!std::isfinite(event.value.number)) event.value = {};
      if (std::isinf(event.kwh_total)) event.kwh_total = std::numeric_limits<double>::quiet_NaN();
      std::string raw;
      append_json(raw, event);
      return reject(batch_, index, std::move(*problem), raw, event.machine);
    }
    batch_.events.push_back(event);
    batch_.indexes.push_back(index);
  }

  Event event;

 private:
  EventBatch& batch_;
  EventDraft draft_;
};

flatbuffers::Optional<std::int64_t> always(std::int64_t value) {
  return flatbuffers::Optional<std::int64_t>{value};
}

/// A row that is not plain, as an event.
void add_row(const wire::Readings& rows, std::uint32_t i, const wire::ReadingExtra* extra, const WireTag& tag,
             EventBatch& batch, std::size_t index) {
  Fields fields{batch, name_of(EventType::reading), tag.machine};
  fields.text(Field::tag, tag.tag);
  fields.given(Field::ts, always(rows.at()->Get(i)));
  const bool boolean = size_of(rows.boolean()) > 0 && rows.boolean()->Get(i) != 0;
  if (extra != nullptr && extra->text() != nullptr)
    fields.text(Field::value, text_of(extra->text()));
  else if (boolean)
    fields.truth(Field::value, rows.number()->Get(i) != 0);
  else
    fields.given(Field::value, flatbuffers::Optional<double>{rows.number()->Get(i)});
  if (size_of(rows.quality()) > 0 && rows.quality()->Get(i) != kNoQuality)
    fields.given(Field::quality, always(rows.quality()->Get(i)));
  if (extra != nullptr) {
    if (size_of(extra->id()) > 0) fields.given(Field::id, extra->id());
    if (extra->revision() != 0) fields.given(Field::revision, always(extra->revision()));
    fields.truth(Field::deleted, extra->deleted());
    fields.attributes(extra->attributes());
  }
  fields.add(index);
}

/// What the client says of a line that it could not read: it goes to people and into JSON.
std::string words_of(const wire::Refused& refused) {
  constexpr std::size_t kMostWords = 1000;
  const std::string_view message = text_of(refused.message());
  if (message.empty() || !simdjson::validate_utf8(message.data(), message.size()))
    return "The sender could not read it.";
  std::size_t size = std::min(message.size(), kMostWords);
  while (size < message.size() && (static_cast<unsigned char>(message[size]) & 0xC0U) == 0x80U) --size;
  return std::string{message.substr(0, size)};
}

bool is_name(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()) && is_id(text); }

}  // namespace

WireTag tag_of(const wire::Series& series) {
  return {std::string{text_of(series.machine())}, std::string{text_of(series.tag())}, {}};
}

Result<void> name_tags(std::vector<WireTag>& tags, std::size_t first, Ingestor& ingestor, const Permit* permit) {
  std::vector<std::pair<std::string_view, std::string_view>> names;
  std::vector<WireTag*> unnamed;
  for (std::size_t i = first; i < tags.size(); ++i) {
    WireTag& tag = tags[i];
    if (tag.series || !is_name(tag.machine) || !is_name(tag.tag)) continue;
    names.emplace_back(tag.machine, tag.tag);
    unnamed.push_back(&tag);
  }
  if (names.empty()) return {};
  const auto numbers = ingestor.series(names, permit);
  if (!numbers) return numbers.error();
  for (std::size_t i = 0; i < unnamed.size(); ++i) unnamed[i]->series = (*numbers)[i];
  return {};
}

Result<void> BatchReader::add(const wire::Batch& batch, const std::vector<WireTag>& tags,
                              const ReadingLimits& limits) {
  if (const wire::Readings* rows = batch.readings()) {
    if (!are_of_one_length(*rows)) return invalid("columns of readings are of different lengths");
    if (!is_aligned(rows->at()) || !is_aligned(rows->number()))
      return invalid("columns of readings are not aligned");
    if (!speaks_of(*rows, tags.size())) return invalid("readings speak of a tag that was not defined");
    if (!has_rising_extras(*rows)) return invalid("extras do not rise with their rows, or belong to none");
    if (size_of(rows->at()) > 0) add_rows(*rows, tags, limits);
  }
  if (batch.events() != nullptr) {
    for (const wire::Event* event : *batch.events()) add_event(*event);
  }
  if (batch.refused() != nullptr) {
    for (const wire::Refused* refused : *batch.refused()) {
      const auto code = rejection_named(text_of(refused->code())).value_or(Rejection::bad_json);
      reject(events, next_index_++, {code, words_of(*refused)}, text_of(refused->raw()));
    }
  }
  return {};
}

void BatchReader::add_rows(const wire::Readings& rows, const std::vector<WireTag>& tags,
                           const ReadingLimits& limits) {
  if (are_all_good(rows, tags, limits)) return add_good_rows(rows, tags);
  std::uint32_t next_extra = 0;
  for (std::uint32_t i = 0; i < rows.at()->size(); ++i) {
    const wire::ReadingExtra* extra = nullptr;
    if (next_extra < size_of(rows.extras()) && rows.extras()->Get(next_extra)->row() == i)
      extra = rows.extras()->Get(next_extra++);
    const WireTag& tag = tags[size_of(rows.of()) == 0 ? 0 : rows.of()->Get(i)];
    add_row(rows, i, extra, tag, events, next_index_++);
  }
}

void BatchReader::add_good_rows(const wire::Readings& rows, const std::vector<WireTag>& tags) {
  const std::size_t before = readings.size();
  const std::uint32_t n = rows.at()->size();
  if (size_of(rows.of()) == 0) {
    readings.series.resize(before + n, *tags[0].series);
  } else {
    readings.series.reserve(before + n);
    for (std::uint32_t tag : *rows.of()) readings.series.push_back(*tags[tag].series);
  }
  readings.at.insert(readings.at.end(), rows.at()->begin(), rows.at()->end());
  readings.number.insert(readings.number.end(), rows.number()->begin(), rows.number()->end());
  // Columns that are left out by all batches stay out.
  const bool has_quality = size_of(rows.quality()) > 0;
  if (has_quality || !readings.quality.empty()) {
    readings.quality.resize(before, kNoQuality);
    if (has_quality)
      readings.quality.insert(readings.quality.end(), rows.quality()->begin(), rows.quality()->end());
    readings.quality.resize(before + n, kNoQuality);
  }
  const bool has_booleans = size_of(rows.boolean()) > 0;
  if (has_booleans || !readings.kind.empty()) {
    readings.kind.resize(before, Value::Kind::number);
    for (std::uint32_t i = 0; i < n && has_booleans; ++i) {
      const bool boolean = rows.boolean()->Get(i) != 0;
      if (boolean) readings.number[before + i] = readings.number[before + i] != 0 ? 1 : 0;
      readings.kind.push_back(boolean ? Value::Kind::boolean : Value::Kind::number);
    }
    readings.kind.resize(before + n, Value::Kind::number);
  }
  next_index_ += n;
}

void BatchReader::add_event(const wire::Event& event) {
  const bool known = event.type() < kEventTypes && event.type() != static_cast<std::uint8_t>(EventType::reading);
  const auto type = known ? static_cast<EventType>(event.type()) : EventType::state;
  Fields fields{events, known ? name_of(type) : "?", text_of(event.machine())};
  const bool spans = type == EventType::cycle || type == EventType::classify;
  fields.given(spans ? Field::start : Field::ts, always(event.at()));
  fields.given(Field::end, event.end());
  const std::initializer_list<std::pair<Field, const flatbuffers::String*>> texts = {
      {Field::id, event.id()},         {Field::state, event.state()},
      {Field::reason, event.reason()}, {Field::product, event.product()},
      {Field::order, event.order()},   {Field::defect, event.defect()},
      {Field::serial, event.serial()}, {Field::characteristic, event.characteristic()},
      {Field::result, event.result()}, {Field::subgroup, event.subgroup()},
      {Field::by, event.by()},
  };
  for (const auto& [field, text] : texts) fields.given(field, text);
  const std::initializer_list<std::pair<Field, flatbuffers::Optional<std::int64_t>>> numbers = {
      {Field::revision, event.revision()},
      {Field::good, event.good()},
      {Field::scrap, event.scrap()},
      {Field::rework, event.rework()},
      {Field::good_total, event.good_total()},
      {Field::scrap_total, event.scrap_total()},
      {Field::rework_total, event.rework_total()},
      {Field::quantity, event.quantity()},
      {Field::planned_start, event.planned_start()},
      {Field::planned_end, event.planned_end()},
      {Field::recorded_at, event.recorded_at()},
  };
  for (const auto& [field, number] : numbers) fields.given(field, number);
  fields.given(Field::value, event.value());
  fields.given(Field::kwh_total, event.kwh_total());
  fields.truth(Field::deleted, event.deleted());
  fields.truth(Field::startup, event.startup());
  if (event.action() != 0) {
    const bool action = event.action() <= static_cast<std::uint8_t>(OrderAction::complete);
    fields.text(Field::action, action ? name_of(static_cast<OrderAction>(event.action())) : "?");
  }
  fields.attributes(event.attributes());
  fields.add(next_index_++);
}

}  // namespace takt
