#include "engine/event_codec.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "engine/records.h"

namespace takt {
namespace {

constexpr std::uint8_t kVersion = 1;

/// Which fields an event has; the bits are part of the format.
enum Field : std::uint32_t {
  kEnd = 1U << 0U,
  kId = 1U << 1U,
  kState = 1U << 2U,
  kReason = 1U << 3U,
  kProduct = 1U << 4U,
  kOrder = 1U << 5U,
  kDefect = 1U << 6U,
  kTag = 1U << 7U,
  kCharacteristic = 1U << 8U,
  kSerial = 1U << 9U,
  kSubgroup = 1U << 10U,
  kResult = 1U << 11U,
  kBy = 1U << 12U,
  kAttributes = 1U << 13U,
  kRecordedAt = 1U << 14U,
  kPlannedStart = 1U << 15U,
  kPlannedEnd = 1U << 16U,
  kGood = 1U << 17U,
  kScrap = 1U << 18U,
  kRework = 1U << 19U,
  kGoodTotal = 1U << 20U,
  kScrapTotal = 1U << 21U,
  kReworkTotal = 1U << 22U,
  kQuantity = 1U << 23U,
  kValue = 1U << 24U,
  kValueQuality = 1U << 25U,
  kKwhTotal = 1U << 26U,
  kRevision = 1U << 27U,
  kDeleted = 1U << 28U,
  kStartup = 1U << 29U,
  kAction = 1U << 30U,
};

class Writer {
 public:
  void varint(std::uint64_t value) {
    while (value >= 0x80) out_.push_back(static_cast<char>(value | 0x80U)), value >>= 7U;
    out_.push_back(static_cast<char>(value));
  }
  void integer(std::int64_t value) {
    varint(static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63U));
  }
  void text(std::string_view text) { varint(text.size()), out_.append(text); }
  void byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void word(std::uint64_t value) {
    char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
    out_.append(bytes, 8);
  }
  std::string& out() { return out_; }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return at_ == bytes_.size(); }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = byte();
      value |= std::uint64_t{b & 0x7FU} << shift;
      if (b < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t integer() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
  }
  std::string_view text() {
    const std::uint64_t size = varint();
    if (size > bytes_.size() - at_) return ok_ = false, std::string_view{};
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::uint8_t byte() {
    if (at_ >= bytes_.size()) return ok_ = false, 0;
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  std::uint64_t word() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value |= std::uint64_t{byte()} << (8 * i);
    return value;
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// One walk over all fields serves writing, reading and hashing, so that they cannot disagree.
template <class EventType_, class Visitor>
void visit_fields(EventType_& e, Visitor& v) {
  v.time(kEnd, e.end);
  v.text(kId, e.id), v.text(kState, e.state), v.text(kReason, e.reason);
  v.text(kProduct, e.product), v.text(kOrder, e.order), v.text(kDefect, e.defect), v.text(kTag, e.tag);
  v.text(kCharacteristic, e.characteristic), v.text(kSerial, e.serial), v.text(kSubgroup, e.subgroup);
  v.text(kResult, e.result), v.text(kBy, e.by), v.text(kAttributes, e.attributes);
  v.time(kRecordedAt, e.recorded_at), v.time(kPlannedStart, e.planned_start), v.time(kPlannedEnd, e.planned_end);
  v.integer(kGood, e.good), v.integer(kScrap, e.scrap), v.integer(kRework, e.rework);
  v.integer(kGoodTotal, e.good_total), v.integer(kScrapTotal, e.scrap_total);
  v.integer(kReworkTotal, e.rework_total), v.integer(kQuantity, e.quantity);
  v.value(kValue, e.value), v.integer(kValueQuality, e.value_quality), v.number(kKwhTotal, e.kwh_total);
}

struct Presence {
  std::uint32_t fields = 0;
  void time(Field f, Timestamp t) { set(f, t != kBeginOfTime); }
  void text(Field f, std::string_view t) { set(f, !t.empty()); }
  void integer(Field f, std::int64_t i) { set(f, i != kAbsent); }
  void value(Field f, const Value& value) { set(f, value.kind != Value::Kind::none); }
  void number(Field f, double n) { set(f, !std::isnan(n)); }
  void set(Field f, bool given) { fields |= given ? f : 0U; }
};

struct FieldWriter {
  Writer& out;
  std::uint32_t fields;
  void time(Field f, Timestamp t) {
    if (has(f)) out.integer(micros(t));
  }
  void text(Field f, std::string_view t) {
    if (has(f)) out.text(t);
  }
  void integer(Field f, std::int64_t i) {
    if (has(f)) out.integer(i);
  }
  void value(Field f, const Value& value) {
    if (!has(f)) return;
    out.byte(static_cast<std::uint8_t>(value.kind));
    if (value.kind == Value::Kind::text)
      out.text(value.text);
    else
      out.word(std::bit_cast<std::uint64_t>(value.number));
  }
  void number(Field f, double n) {
    if (has(f)) out.word(std::bit_cast<std::uint64_t>(n));
  }
  bool has(Field f) const { return (fields & f) != 0; }
};

struct FieldReader {
  Reader& in;
  std::uint32_t fields;
  bool ok = true;
  void time(Field f, Timestamp& t) {
    if (has(f)) t = from_micros(in.integer());
  }
  void text(Field f, std::string_view& t) {
    if (has(f)) t = in.text();
  }
  void integer(Field f, std::int64_t& i) {
    if (has(f)) i = in.integer();
  }
  void value(Field f, Value& value) {
    if (!has(f)) return;
    const std::uint8_t kind = in.byte();
    ok = ok && kind >= 1 && kind <= 3;
    value.kind = static_cast<Value::Kind>(kind & 3U);
    if (value.kind == Value::Kind::text)
      value.text = in.text();
    else
      value.number = std::bit_cast<double>(in.word());
  }
  void number(Field f, double& n) {
    if (has(f)) n = std::bit_cast<double>(in.word());
  }
  bool has(Field f) const { return (fields & f) != 0; }
};

std::uint32_t fields_of(const Event& e) {
  Presence presence;
  visit_fields(e, presence);
  presence.set(kRevision, e.revision != 0);
  presence.set(kDeleted, e.deleted);
  presence.set(kStartup, e.startup);
  presence.set(kAction, e.action != OrderAction::none);
  return presence.fields;
}

void write_event(Writer& out, const Event& e) {
  const std::uint32_t fields = fields_of(e);
  out.byte(static_cast<std::uint8_t>(e.type));
  out.varint(fields);
  out.text(e.machine);
  out.integer(micros(e.at));
  if ((fields & kRevision) != 0) out.integer(e.revision);
  if ((fields & kAction) != 0) out.byte(static_cast<std::uint8_t>(e.action));
  FieldWriter writer{out, fields};
  visit_fields(e, writer);
}

bool read_event(Reader& in, Event& e) {
  const std::uint8_t type = in.byte();
  if (type >= kEventTypes) return false;
  e.type = static_cast<EventType>(type);
  const auto fields = static_cast<std::uint32_t>(in.varint());
  e.machine = in.text();
  e.at = from_micros(in.integer());
  e.deleted = (fields & kDeleted) != 0;
  e.startup = (fields & kStartup) != 0;
  if ((fields & kRevision) != 0) e.revision = in.integer();
  if ((fields & kAction) != 0) e.action = static_cast<OrderAction>(in.byte());
  FieldReader reader{in, fields};
  visit_fields(e, reader);
  return in.ok() && reader.ok && e.action <= OrderAction::complete;
}

}  // namespace

std::string encode_frame(std::span<const Event* const> events) {
  Writer out;
  out.out().reserve(events.size() * 64 + 32);
  out.byte(kVersion);
  out.varint(events.size());
  for (const Event* event : events) write_event(out, *event);
  out.word(XXH3_64bits(out.out().data(), out.out().size()));
  return std::move(out.out());
}

Result<void> decode_frame(std::string_view frame, std::vector<Event>& out) {
  if (frame.size() < 10) return corruption("an event frame is too short");
  const std::string_view body = frame.substr(0, frame.size() - 8);
  Reader tail{frame.substr(body.size())};
  if (XXH3_64bits(body.data(), body.size()) != tail.word())
    return corruption("an event frame's checksum does not match");
  Reader in{body};
  if (const int version = in.byte(); version != kVersion) {
    return corruption("an event frame is of format " + std::to_string(version) + ", this program reads " +
                      std::to_string(kVersion));
  }
  const std::uint64_t count = in.varint();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!read_event(in, out.emplace_back())) return corruption("an event frame does not hold what it says");
  }
  if (!in.ok() || !in.at_end()) return corruption("an event frame does not end where it should");
  return {};
}

Rank rank_of(const Event& event) {
  Rank rank{static_cast<std::uint64_t>(event.revision) * 2 + (event.deleted ? 1 : 0), 0};
  if (event.deleted) return rank;
  thread_local Writer out;
  out.out().clear();
  Event content = event;
  content.revision = 0;
  write_event(out, content);
  rank.content = XXH3_64bits(out.out().data(), out.out().size());
  return rank;
}

std::uint64_t hash_of(std::string_view text) { return text.empty() ? 0 : XXH3_64bits(text.data(), text.size()); }

}  // namespace takt
