#include "engine/events/event_chunk.h"

#include <algorithm>
#include <cmath>

#include "engine/chunk_parts.h"
#include "engine/codec/bytes.h"
#include "engine/codec/doubles.h"
#include "engine/codec/integers.h"
#include "engine/codec/strings.h"
#include "schema/event_chunk_generated.h"
#include "schema/wire_alignment.h"

namespace takt {
namespace {

using wire::EventField;

constexpr std::uint16_t kVersion = 1;
constexpr std::uint8_t kPresence = 0x80;  // added to a field: which rows have it

constexpr std::uint8_t kind_of(EventField field) { return static_cast<std::uint8_t>(field); }

// ---------------------------------------- the fields, by how they are kept

template <class T>
struct FieldOf {
  EventField field;
  T Event::*member;
};

constexpr FieldOf<std::string_view> kTexts[] = {
    {EventField::id, &Event::id},
    {EventField::state, &Event::state},
    {EventField::reason, &Event::reason},
    {EventField::product, &Event::product},
    {EventField::order, &Event::order},
    {EventField::defect, &Event::defect},
    {EventField::tag, &Event::tag},
    {EventField::characteristic, &Event::characteristic},
    {EventField::serial, &Event::serial},
    {EventField::subgroup, &Event::subgroup},
    {EventField::result, &Event::result},
    {EventField::by, &Event::by},
    {EventField::attributes, &Event::attributes},
};
/// Kept as what they are after the event's own time.
constexpr FieldOf<Timestamp> kTimes[] = {
    {EventField::end, &Event::end},
    {EventField::recorded_at, &Event::recorded_at},
    {EventField::planned_start, &Event::planned_start},
    {EventField::planned_end, &Event::planned_end},
};
constexpr FieldOf<std::int64_t> kIntegers[] = {
    {EventField::good, &Event::good},
    {EventField::scrap, &Event::scrap},
    {EventField::rework, &Event::rework},
    {EventField::good_total, &Event::good_total},
    {EventField::scrap_total, &Event::scrap_total},
    {EventField::rework_total, &Event::rework_total},
    {EventField::quantity, &Event::quantity},
    {EventField::value_quality, &Event::value_quality},
};

/// Small codes, zero for the most part: a byte a row.
struct CodeField {
  EventField field;
  std::uint8_t most;
  std::uint8_t (*get)(const Event&);
  void (*set)(Event&, std::uint8_t);
};
constexpr CodeField kCodes[] = {
    {EventField::deleted, 1, [](const Event& e) -> std::uint8_t { return e.deleted ? 1 : 0; },
     [](Event& e, std::uint8_t code) { e.deleted = code != 0; }},
    {EventField::startup, 1, [](const Event& e) -> std::uint8_t { return e.startup ? 1 : 0; },
     [](Event& e, std::uint8_t code) { e.startup = code != 0; }},
    {EventField::action, static_cast<std::uint8_t>(OrderAction::complete),
     [](const Event& e) { return static_cast<std::uint8_t>(e.action); },
     [](Event& e, std::uint8_t code) { e.action = static_cast<OrderAction>(code); }},
    {EventField::value_kind, static_cast<std::uint8_t>(Value::Kind::text),
     [](const Event& e) { return static_cast<std::uint8_t>(e.value.kind); },
     [](Event& e, std::uint8_t code) { e.value.kind = static_cast<Value::Kind>(code); }},
};

bool has_number(const Event& e) {
  return e.value.kind == Value::Kind::number || e.value.kind == Value::Kind::boolean;
}

template <class Table>
const auto* find_field(const Table& table, EventField field) {
  const auto at =
      std::find_if(std::begin(table), std::end(table), [&](const auto& f) { return f.field == field; });
  return at == std::end(table) ? nullptr : &*at;
}

// ---------------------------------------- encoding

using Rows = std::span<const EventRow* const>;

/// Adds a field's column: nothing if no row has it, else its values, and which rows they are of if not of all.
template <class T, class Has, class Get, class Append>
void add_field(PartWriter& out, EventField field, Rows rows, Has has, Get get, Append append) {
  std::vector<std::uint8_t> presence(rows.size());
  std::vector<T> values;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!has(rows[i]->event)) continue;
    presence[i] = 1;
    values.push_back(get(*rows[i]));
  }
  if (values.empty()) return;
  if (values.size() < rows.size())
    out.add(kind_of(field) | kPresence, [&](auto& body) { append_codes(body, presence); });
  out.add(kind_of(field), [&](auto& body) { append(body, std::span<const T>{values}); });
}

template <class Has, class Get>
void add_integers(PartWriter& out, EventField field, Rows rows, Has has, Get get) {
  add_field<std::int64_t>(out, field, rows, has, get,
                          [](std::string& body, std::span<const std::int64_t> v) { append_integers(body, v); });
}

template <class Has, class Get>
void add_doubles(PartWriter& out, EventField field, Rows rows, Has has, Get get) {
  add_field<double>(out, field, rows, has, get,
                    [](std::string& body, std::span<const double> v) { append_doubles(body, v); });
}

template <class Has, class Get>
void add_texts(PartWriter& out, EventField field, Rows rows, Has has, Get get) {
  add_field<std::string_view>(out, field, rows, has, get,
                              [](std::string& body, std::span<const std::string_view> v) {
                                const auto appended = append_strings(body, v);
                                TAKT_INVARIANT(appended.has_value());  // kEventChunkTextBytes is far below
                              });
}

void add_section(PartWriter& out, Rows rows) {
  const auto all = [](const Event&) { return true; };
  add_integers(out, EventField::at, rows, all, [](const EventRow& r) { return micros(r.event.at); });
  add_integers(out, EventField::commit, rows, all,
               [](const EventRow& r) { return static_cast<std::int64_t>(r.commit); });
  add_integers(
      out, EventField::revision, rows, [](const Event& e) { return e.revision != 0; },
      [](const EventRow& r) { return r.event.revision; });
  for (const CodeField& code : kCodes) {
    if (std::all_of(rows.begin(), rows.end(), [&](const EventRow* r) { return code.get(r->event) == 0; }))
      continue;
    std::vector<std::uint8_t> codes(rows.size());
    std::transform(rows.begin(), rows.end(), codes.begin(), [&](const EventRow* r) { return code.get(r->event); });
    out.add(kind_of(code.field), [&](auto& body) { append_codes(body, codes); });
  }
  for (const auto& time : kTimes) {
    add_integers(
        out, time.field, rows, [&](const Event& e) { return e.*time.member != kBeginOfTime; },
        [&](const EventRow& r) {
          return codec::wrapping_subtract(micros(r.event.*time.member), micros(r.event.at));
        });
  }
  for (const auto& integer : kIntegers) {
    add_integers(
        out, integer.field, rows, [&](const Event& e) { return e.*integer.member != kAbsent; },
        [&](const EventRow& r) { return r.event.*integer.member; });
  }
  for (const auto& text : kTexts) {
    add_texts(
        out, text.field, rows, [&](const Event& e) { return !(e.*text.member).empty(); },
        [&](const EventRow& r) { return r.event.*text.member; });
  }
  add_doubles(out, EventField::value_number, rows, has_number,
              [](const EventRow& r) { return r.event.value.number; });
  add_texts(
      out, EventField::value_text, rows, [](const Event& e) { return e.value.kind == Value::Kind::text; },
      [](const EventRow& r) { return r.event.value.text; });
  add_doubles(
      out, EventField::kwh_total, rows, [](const Event& e) { return !std::isnan(e.kwh_total); },
      [](const EventRow& r) { return r.event.kwh_total; });
}

/// By type, time, commit and acceptance.
std::vector<const EventRow*> in_order(std::span<const EventRow> rows) {
  std::vector<const EventRow*> ordered(rows.size());
  std::transform(rows.begin(), rows.end(), ordered.begin(), [](const EventRow& row) { return &row; });
  std::stable_sort(ordered.begin(), ordered.end(), [](const EventRow* a, const EventRow* b) {
    if (a->event.type != b->event.type) return a->event.type < b->event.type;
    return a->event.at != b->event.at ? a->event.at < b->event.at : a->commit < b->commit;
  });
  return ordered;
}

void describe(Rows rows, EventChunkHead& head) {
  head.version = kVersion;
  head.rows = static_cast<std::uint32_t>(rows.size());
  head.first = kEndOfTime, head.last = kBeginOfTime;
  head.key.first_commit = ~Sequence{0}, head.last_commit = 0;
  head.texts = 0;
  for (const EventRow* row : rows) {
    head.first = std::min(head.first, row->event.at);
    head.last = std::max(head.last, row->event.at);
    head.key.first_commit = std::min(head.key.first_commit, row->commit);
    head.last_commit = std::max(head.last_commit, row->commit);
    head.texts += text_bytes(row->event);
  }
}

// ---------------------------------------- decoding

bool makes_sense(const wire::EventChunkHeader& chunk) {
  if (chunk.rows() == 0 || chunk.rows() > kEventChunkRows || chunk.first() > chunk.last()) return false;
  if (chunk.first_commit() > chunk.last_commit() || chunk.sections() == nullptr || chunk.parts() == nullptr)
    return false;
  if (!is_aligned(chunk.parts())) return false;
  std::uint64_t rows = 0;
  std::size_t parts = 0;
  int previous = -1;
  for (const wire::EventSection* section : *chunk.sections()) {
    if (section->rows() == 0 || section->type() <= previous || section->type() >= kEventTypes) return false;
    if (static_cast<EventType>(section->type()) == EventType::reading) return false;
    previous = section->type();
    rows += section->rows();
    parts += section->columns();
  }
  return rows == chunk.rows() && parts == chunk.parts()->size();
}

/// A header that has been checked and makes sense.
class Header {
 public:
  static Result<Header> read(std::string_view bytes) {
    auto checked = header_bytes(ChunkMagic::events, bytes);
    if (!checked) return checked.error();
    Header header;
    header.bytes_ = std::move(*checked);
    flatbuffers::Verifier verifier{header.bytes_.data(), header.bytes_.size};
    if (!wire::VerifyEventChunkHeaderBuffer(verifier)) return corruption("a chunk's header is malformed");
    if (header->version() == 0 || header->version() > kVersion) {
      return corruption("a chunk of events is of format version " + std::to_string(header->version()) +
                        ", this program reads 1 to " + std::to_string(kVersion) + "; use the newer program");
    }
    if (!makes_sense(*header.operator->())) return corruption("a chunk's header makes no sense");
    return header;
  }
  const wire::EventChunkHeader* operator->() const { return wire::GetEventChunkHeader(bytes_.data()); }

 private:
  HeaderBytes bytes_;
};

EventChunkHead head_of(const wire::EventChunkHeader& chunk) {
  EventChunkHead head;
  head.version = chunk.version();
  head.key = {MachineId{chunk.machine()}, chunk.first_commit(), 0};
  head.rows = chunk.rows();
  head.first = from_micros(chunk.first()), head.last = from_micros(chunk.last());
  head.last_commit = chunk.last_commit();
  head.texts = chunk.texts();
  return head;
}

/// Reads the columns of one section into its rows.
class SectionReader {
 public:
  SectionReader(std::span<EventRow> rows, std::deque<std::shared_ptr<const void>>& texts)
      : rows_(rows), texts_(texts) {}

  /// The columns in the order of the file: those of times before what is counted from them.
  Result<void> read(std::uint8_t kind, std::string_view bytes) {
    const auto field = static_cast<EventField>(kind & ~kPresence);
    if ((kind & kPresence) != 0) return read_presence(field, bytes);
    if (const auto known = choose_rows(field); !known) return known.error();
    if (field == EventField::at || field == EventField::commit || field == EventField::revision)
      return read_own(field, bytes);
    if (const auto* code = find_field(kCodes, field)) return read_codes(*code, bytes);
    if (const auto* time = find_field(kTimes, field)) {
      return read_integers(bytes, [&](EventRow& row, std::int64_t v) {
        row.event.*time->member = from_micros(codec::wrapping_add(micros(row.event.at), v));
      });
    }
    if (const auto* integer = find_field(kIntegers, field))
      return read_integers(bytes, [&](EventRow& row, std::int64_t v) { row.event.*integer->member = v; });
    if (const auto* text = find_field(kTexts, field))
      return read_texts(bytes, [&](EventRow& row, std::string_view v) { row.event.*text->member = v; });
    if (field == EventField::value_text)
      return read_texts(bytes, [](EventRow& row, std::string_view v) { row.event.value.text = v; });
    if (field == EventField::value_number)
      return read_doubles(bytes, [](EventRow& row, double v) { row.event.value.number = v; });
    if (field == EventField::kwh_total)
      return read_doubles(bytes, [](EventRow& row, double v) { row.event.kwh_total = v; });
    return unknown(kind);
  }

  /// After the last column.
  Result<void> finish() const { return presence_of_ ? Result<void>{lacks_a_column()} : Result<void>{}; }

 private:
  static Error lacks_a_column() { return corruption("a chunk lacks a column that it tells of"); }
  static Error unknown(std::uint8_t kind) {
    return corruption("a chunk of events has a field " + std::to_string(kind) +
                      " that this program does not know; use the newer program");
  }

  Result<void> read_presence(EventField field, std::string_view bytes) {
    if (presence_of_) return lacks_a_column();
    std::vector<std::uint8_t> presence(rows_.size());
    if (const auto done = decode_codes(bytes, presence); !done) return done.error();
    chosen_.clear();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (presence[i] != 0) chosen_.push_back(&rows_[i]);
    }
    presence_of_ = field;
    return {};
  }
  /// The rows that the field's values are of.
  Result<void> choose_rows(EventField field) {
    if (presence_of_ && *presence_of_ != field) return lacks_a_column();
    if (!presence_of_) {
      chosen_.resize(rows_.size());
      std::transform(rows_.begin(), rows_.end(), chosen_.begin(), [](EventRow& row) { return &row; });
    }
    presence_of_.reset();
    return {};
  }

  Result<void> read_own(EventField field, std::string_view bytes) {
    return read_integers(bytes, [&](EventRow& row, std::int64_t v) {
      if (field == EventField::at)
        row.event.at = from_micros(v);
      else if (field == EventField::commit)
        row.commit = static_cast<Sequence>(v);
      else
        row.event.revision = v;
    });
  }
  Result<void> read_codes(const CodeField& field, std::string_view bytes) {
    std::vector<std::uint8_t> codes(chosen_.size());
    if (const auto done = decode_codes(bytes, codes); !done) return done.error();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (codes[i] > field.most) return corruption("a chunk of events has a code of no meaning");
      field.set(chosen_[i]->event, codes[i]);
    }
    return {};
  }
  template <class Set>
  Result<void> read_integers(std::string_view bytes, Set set) {
    std::vector<std::int64_t> values(chosen_.size());
    if (const auto done = decode_integers(bytes, values); !done) return done.error();
    for (std::size_t i = 0; i < values.size(); ++i) set(*chosen_[i], values[i]);
    return {};
  }
  template <class Set>
  Result<void> read_doubles(std::string_view bytes, Set set) {
    std::vector<double> values(chosen_.size());
    if (const auto done = decode_doubles(bytes, values); !done) return done.error();
    for (std::size_t i = 0; i < values.size(); ++i) set(*chosen_[i], values[i]);
    return {};
  }
  template <class Set>
  Result<void> read_texts(std::string_view bytes, Set set) {
    auto column = decode_strings(bytes, chosen_.size());
    if (!column) return column.error();
    const auto kept = std::make_shared<const StringColumn>(std::move(*column));
    for (std::size_t i = 0; i < chosen_.size(); ++i) set(*chosen_[i], (*kept)[i]);
    texts_.push_back(kept);
    return {};
  }

  std::span<EventRow> rows_;
  std::deque<std::shared_ptr<const void>>& texts_;
  std::optional<EventField> presence_of_;
  std::vector<EventRow*> chosen_;
};

/// By type, time and commit.
bool are_in_order(std::span<const EventRow> rows) {
  return std::is_sorted(rows.begin(), rows.end(), [](const EventRow& a, const EventRow& b) {
    if (a.event.type != b.event.type) return a.event.type < b.event.type;
    return a.event.at != b.event.at ? a.event.at < b.event.at : a.commit < b.commit;
  });
}

/// Values have what their kind says, and nothing else.
bool are_values_whole(std::span<const EventRow> rows) {
  return std::all_of(rows.begin(), rows.end(), [](const EventRow& row) {
    const Value& value = row.event.value;
    return (value.kind == Value::Kind::text || value.text.empty()) && (has_number(row.event) || value.number == 0);
  });
}

/// What the header says must be true of the rows.
bool agrees(const wire::EventChunkHeader& chunk, std::span<const EventRow> rows) {
  std::vector<const EventRow*> listed(rows.size());
  std::transform(rows.begin(), rows.end(), listed.begin(), [](const EventRow& row) { return &row; });
  EventChunkHead found;
  describe(listed, found);
  const EventChunkHead told = head_of(chunk);
  return found.first == told.first && found.last == told.last && found.last_commit == told.last_commit &&
         found.texts == told.texts && found.key.first_commit == told.key.first_commit;
}

}  // namespace

// ---------------------------------------- keys

std::string EventChunkKey::bytes() const {
  std::string key;
  const auto put = [&](std::uint64_t value, int size) {
    for (int shift = size * 8 - 8; shift >= 0; shift -= 8) key.push_back(static_cast<char>(value >> shift));
  };
  put(index_of(machine), 4), put(first_commit, 8), put(part, 4);
  return key;
}

std::optional<EventChunkKey> EventChunkKey::parse(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  const auto take = [&](std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = at; i < at + size; ++i) value = value << 8U | static_cast<std::uint8_t>(bytes[i]);
    return value;
  };
  return EventChunkKey{MachineId{static_cast<std::uint32_t>(take(0, 4))}, take(4, 8),
                       static_cast<std::uint32_t>(take(12, 4))};
}

// ---------------------------------------- chunks

std::size_t text_bytes(const Event& event) {
  std::size_t bytes = event.value.text.size();
  for (const auto& text : kTexts) bytes += (event.*text.member).size();
  return bytes;
}

std::string encode_event_chunk(std::span<const EventRow> rows, EventChunkHead& head) {
  TAKT_INVARIANT(!rows.empty() && rows.size() <= kEventChunkRows);
  const std::vector<const EventRow*> ordered = in_order(rows);
  describe(ordered, head);
  PartWriter parts;
  flatbuffers::FlatBufferBuilder builder{512};
  std::vector<flatbuffers::Offset<wire::EventSection>> sections;
  for (auto begin = ordered.begin(); begin != ordered.end();) {
    const EventType type = (*begin)->event.type;
    TAKT_INVARIANT(type != EventType::reading);
    const auto end = std::find_if(begin, ordered.end(), [&](const EventRow* r) { return r->event.type != type; });
    const std::size_t before = parts.count();
    add_section(parts, {begin, end});
    sections.push_back(wire::CreateEventSection(builder, static_cast<std::uint8_t>(type),
                                                static_cast<std::uint32_t>(end - begin),
                                                static_cast<std::uint8_t>(parts.count() - before)));
    begin = end;
  }
  const auto listed = builder.CreateVector(sections);
  const auto columns = builder.CreateVectorOfStructs(parts.parts());
  builder.Finish(wire::CreateEventChunkHeader(builder, kVersion, index_of(head.key.machine), head.rows,
                                              micros(head.first), micros(head.last), head.key.first_commit,
                                              head.last_commit, listed, columns, head.texts));
  return with_prefix(ChunkMagic::events, builder) + parts.body();
}

Result<EventChunkHead> read_event_chunk_head(std::string_view bytes) {
  const auto header = Header::read(bytes);
  if (!header) return header.error();
  return head_of(*header->operator->());
}

Result<void> decode_event_chunk(std::string_view bytes, EventRows& out) {
  const auto header = Header::read(bytes);
  if (!header) return header.error();
  const wire::EventChunkHeader& chunk = *header->operator->();
  const std::string_view body = bytes.substr(chunk_head_bytes(bytes).size());
  std::size_t told = 0;
  for (const wire::Part* part : *chunk.parts()) told += part->size();
  if (told != body.size()) return corruption("a chunk's columns do not end where it does");
  const std::size_t before = out.rows.size();
  out.rows.resize(before + chunk.rows());
  std::size_t row = before, part = 0;
  for (const wire::EventSection* section : *chunk.sections()) {
    const std::span<EventRow> rows{out.rows.data() + row, section->rows()};
    for (EventRow& one : rows) one.event.type = static_cast<EventType>(section->type());
    SectionReader reader{rows, out.texts};
    for (const std::size_t end = part + section->columns(); part < end; ++part) {
      const auto column = checked_part(*chunk.parts(), part, body);
      if (!column) return column.error();
      const auto done = reader.read(chunk.parts()->Get(static_cast<unsigned>(part))->kind(), *column);
      if (!done) return done.error();
    }
    if (const auto whole = reader.finish(); !whole) return whole.error();
    row += section->rows();
  }
  const std::span<const EventRow> read{out.rows.data() + before, chunk.rows()};
  if (!are_in_order(read) || !are_values_whole(read))
    return corruption("a chunk's rows are not as events are written");
  if (!agrees(chunk, read)) return corruption("a chunk's rows are not what its header says");
  return {};
}

void sort_by_commit(std::vector<EventRow>& rows) {
  const auto earlier = [](const EventRow& a, const EventRow& b) { return a.commit < b.commit; };
  if (!std::is_sorted(rows.begin(), rows.end(), earlier)) std::stable_sort(rows.begin(), rows.end(), earlier);
}

}  // namespace takt
