#include "engine/readings/chunk.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "engine/codec/doubles.h"
#include "engine/codec/integers.h"
#include "engine/codec/strings.h"
#include "engine/readings/chunk_bytes.h"

namespace takt {
namespace {

static_assert(std::endian::native == std::endian::little, "chunks are little-endian");

constexpr std::int64_t kDayMicros = 86'400'000'000;

template <class T>
void put_big_endian(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

template <class T>
T take_big_endian(std::string_view& bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value << 8U | static_cast<std::uint8_t>(bytes[i]));
  bytes.remove_prefix(sizeof(T));
  return value;
}

constexpr std::uint8_t kind_of(wire::PartKind kind) { return static_cast<std::uint8_t>(kind); }

bool has_more_than_text(const ReadingExtra& extra) {
  return extra.order != 0 || !extra.id.empty() || !extra.attributes.empty();
}

void append_texts(std::string& body, const std::vector<std::string_view>& texts) {
  const auto appended = append_strings(body, texts);
  TAKT_INVARIANT(appended.has_value());  // kChunkTextBytes keeps them far below the limit
}

/// What only some rows have: the texts of all that are texts, and a list of the rows with more. Returns its
/// length.
std::size_t add_extras(PartWriter& out, const ReadingColumns& rows) {
  std::vector<std::string_view> texts, ids, attributes;
  std::vector<std::int64_t> places, orders;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Reading row = rows[i];
    if (row.kind == Value::Kind::text) texts.push_back(row.text());
    if (row.extra == nullptr || !has_more_than_text(*row.extra)) continue;
    places.push_back(static_cast<std::int64_t>(i));
    orders.push_back(static_cast<std::int64_t>(row.extra->order));
    ids.push_back(row.extra->id);
    attributes.push_back(row.extra->attributes);
  }
  using enum wire::PartKind;
  if (!texts.empty()) out.add(kind_of(text), [&](auto& body) { append_texts(body, texts); });
  if (places.empty()) return 0;
  out.add(kind_of(extra_row), [&](auto& body) { append_integers(body, places); });
  out.add(kind_of(extra_order), [&](auto& body) { append_integers(body, orders); });
  out.add(kind_of(extra_id), [&](auto& body) { append_texts(body, ids); });
  out.add(kind_of(extra_attributes), [&](auto& body) { append_texts(body, attributes); });
  return places.size();
}

DecimalSum sum_of(const std::vector<double>& numbers) {
  DecimalSum sum;
  sum.add(numbers);
  return sum;
}

/// The figures of a column of numbers, for the most part read off its bytes.
ReadingStatistics plain_statistics(const ReadingColumns& rows, std::string_view numbers) {
  ReadingStatistics statistics;
  const auto summary = summarize_doubles(numbers, rows.size());
  TAKT_INVARIANT(summary.has_value());
  statistics.numbers = static_cast<std::uint32_t>(rows.size());
  statistics.minimum = summary->minimum;
  statistics.maximum = summary->maximum;
  statistics.first = rows.number.front();
  statistics.last = rows.number.back();
  // The coder's idea of a decimal is not DecimalSum's where there are exceptions.
  statistics.sum = summary->rest == 0 ? DecimalSum{summary->mantissa_sum, summary->digits} : sum_of(rows.number);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const double before = rows.number[i - 1], now = rows.number[i];
    statistics.increase += now >= before ? now - before : now;
  }
  for (std::size_t i = 0; i < rows.size(); ++i) statistics.good += is_good(rows.quality[i]) ? 1 : 0;
  return statistics;
}

ChunkSeries add_series(PartWriter& out, const SeriesRows& series, std::size_t& extras) {
  const ReadingColumns& rows = *series.rows;
  ChunkSeries info{series.group, rows.kind.all_are(Value::Kind::number), {}};
  for (const ReadingExtra& extra : rows.extras) info.plain = info.plain && (extra.order & 1U) == 0;
  using enum wire::PartKind;
  out.add(kind_of(number), [&](auto& body) { append_doubles(body, rows.number); });
  info.statistics = info.plain ? plain_statistics(rows, out.last()) : statistics_of(rows);
  if (!rows.kind.all_are(Value::Kind::number)) {
    std::vector<std::uint8_t> kinds(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) kinds[i] = static_cast<std::uint8_t>(rows.kind[i]);
    out.add(kind_of(value_kind), [&](auto& body) { append_codes(body, kinds); });
  }
  if (!rows.quality.all_are(kNoQuality)) {
    std::vector<std::int64_t> qualities(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) qualities[i] = rows.quality[i];
    out.add(kind_of(quality), [&](auto& body) { append_integers(body, qualities); });
  }
  extras = add_extras(out, rows);
  return info;
}

wire::Statistics to_wire(const ReadingStatistics& s) {
  return {s.minimum,
          s.maximum,
          s.first,
          s.last,
          s.increase,
          s.sum.real(),
          s.sum.real_rest(),
          static_cast<std::uint64_t>(s.sum.mantissa()),
          static_cast<std::int64_t>(s.sum.mantissa() >> 64U),
          s.numbers,
          s.good};
}

ReadingStatistics from_wire(const wire::SeriesHead& series) {
  ReadingStatistics s;
  const wire::Statistics* w = series.statistics();
  if (w == nullptr) return s;
  s.minimum = w->minimum(), s.maximum = w->maximum(), s.first = w->first(), s.last = w->last();
  s.increase = w->increase();
  const WideInt mantissa = static_cast<WideInt>(w->sum_high()) << 64U | w->sum_low();
  s.sum = {mantissa, series.sum_exponent(), w->sum_real(), w->sum_rest()};
  s.numbers = w->numbers(), s.good = w->good();
  return s;
}

Error no_such_tag() { return not_found("the chunk has no tag of this number"); }

Error unknown_part(unsigned kind) {
  return corruption("a chunk has a column of kind " + std::to_string(kind) +
                    ", which this program does not know; use the newer program");
}

/// Where the parts of a series begin.
struct Place {
  const wire::SeriesHead* series;
  std::size_t first;
};

/// The columns of a stored chunk, each checked before it is handed out.
class PartReader {
 public:
  static Result<PartReader> open(std::string_view bytes) {
    auto header = CheckedHeader::read(bytes);
    if (!header) return header.error();
    return PartReader{std::move(*header), bytes.substr(chunk_head_bytes(bytes).size())};
  }
  const wire::ChunkHeader& header() const { return *header_; }
  std::uint32_t rows() const { return header().rows(); }

  Result<void> times(std::vector<std::int64_t>& out) const {
    const auto bytes = part(0, wire::PartKind::time);
    if (!bytes) return bytes.error();
    out.resize(rows());
    return decode_integers(*bytes, out);
  }
  Result<Place> place_of(GroupId group) const {
    std::size_t first = 1;
    for (const wire::SeriesHead* series : *header().series()) {
      if (series->group() == index_of(group)) return Place{series, first};
      first += series->columns();
    }
    return no_such_tag();
  }
  /// The column of this kind of a series, or nothing if it was left out.
  Result<std::optional<std::string_view>> column(const Place& place, wire::PartKind kind) const {
    for (std::size_t i = place.first; i < place.first + place.series->columns(); ++i) {
      if (header().parts()->Get(i)->kind() != static_cast<std::uint8_t>(kind)) continue;
      const auto bytes = part(i, kind);
      if (!bytes) return bytes.error();
      return std::optional{*bytes};
    }
    return std::optional<std::string_view>{};
  }

 private:
  PartReader(CheckedHeader header, std::string_view body) : header_(std::move(header)), body_(body) {}

  Result<std::string_view> part(std::size_t index, wire::PartKind kind) const {
    const Parts& parts = *header().parts();
    if (parts.Get(static_cast<unsigned>(index))->kind() != kind_of(kind))
      return unknown_part(parts.Get(static_cast<unsigned>(index))->kind());
    return checked_part(parts, index, body_);
  }

  CheckedHeader header_;
  std::string_view body_;
};

/// Fills a column of integers, or leaves it as it is where the chunk has none.
Result<void> read_integers(const PartReader& in, const Place& place, wire::PartKind kind,
                           std::vector<std::int64_t>& out) {
  const auto bytes = in.column(place, kind);
  if (!bytes) return bytes.error();
  return *bytes ? decode_integers(**bytes, out) : Result<void>{};
}

Result<void> read_kinds(const PartReader& in, const Place& place, ReadingColumns& out) {
  const auto bytes = in.column(place, wire::PartKind::value_kind);
  if (!bytes) return bytes.error();
  out.kind.assign(in.rows(), Value::Kind::number);
  if (!*bytes) return {};
  std::vector<std::uint8_t> codes(in.rows());
  if (const auto done = decode_codes(**bytes, codes); !done) return done.error();
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] > static_cast<std::uint8_t>(Value::Kind::text))
      return corruption("a chunk has a value of no kind");
    out.kind.set(i, static_cast<Value::Kind>(codes[i]));
  }
  return {};
}

Result<StringColumn> read_strings(const PartReader& in, const Place& place, wire::PartKind kind,
                                  std::size_t count) {
  const auto bytes = in.column(place, kind);
  if (!bytes) return bytes.error();
  if (*bytes) return decode_strings(**bytes, count);
  return count == 0 ? Result<StringColumn>{StringColumn{}} : corruption("a chunk lacks the column of its texts");
}

ReadingExtra& extra_of(ReadingColumns& out, std::size_t row) {
  if (out.extra[row] == 0) {
    out.extras.emplace_back();
    out.extra.set(row, static_cast<std::uint32_t>(out.extras.size()));
  }
  return out.extras[out.extra[row] - 1];
}

Result<void> read_texts(const PartReader& in, const Place& place, ReadingColumns& out) {
  const std::size_t count = out.kind.count(Value::Kind::text);
  if (count == 0) return {};
  const auto texts = read_strings(in, place, wire::PartKind::text, count);
  if (!texts) return texts.error();
  std::size_t next = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out.kind[i] != Value::Kind::text) continue;
    if (const std::string_view text = (*texts)[next++]; !text.empty()) extra_of(out, i).value = text;
  }
  return {};
}

Result<void> read_extras(const PartReader& in, const Place& place, ReadingColumns& out) {
  using enum wire::PartKind;
  const std::size_t count = place.series->extras();
  if (count > out.size()) return corruption("a chunk's header makes no sense");
  std::vector<std::int64_t> places(count), orders(count);
  if (const auto done = read_integers(in, place, extra_row, places); !done) return done.error();
  if (const auto done = read_integers(in, place, extra_order, orders); !done) return done.error();
  auto ids = read_strings(in, place, extra_id, count);
  if (!ids) return ids.error();
  auto attributes = read_strings(in, place, extra_attributes, count);
  if (!attributes) return attributes.error();
  for (std::size_t i = 0; i < count; ++i) {
    if (places[i] < 0 || static_cast<std::size_t>(places[i]) >= out.size()) {
      return corruption("a chunk tells of a row that it does not have");
    }
    ReadingExtra& extra = extra_of(out, static_cast<std::size_t>(places[i]));
    extra.order = static_cast<std::uint64_t>(orders[i]);
    extra.id = (*ids)[i];
    extra.attributes = (*attributes)[i];
  }
  return {};
}

}  // namespace

// ---------------------------------------- keys

std::uint32_t chunk_day(Timestamp t) {
  const std::int64_t us = micros(t);
  const std::int64_t day = us >= 0 ? us / kDayMicros : -((-us + kDayMicros - 1) / kDayMicros);
  return static_cast<std::uint32_t>(day) ^ 0x8000'0000U;  // days before 1970 sort first
}

Timestamp chunk_day_start(std::uint32_t day) {
  return from_micros(std::int64_t{static_cast<std::int32_t>(day ^ 0x8000'0000U)} * kDayMicros);
}

std::string chunk_day_key(std::uint32_t day) {
  std::string key;
  put_big_endian(key, day);
  return key;
}

std::string ChunkKey::bytes() const {
  std::string key;
  put_big_endian(key, chunk_day(first));
  put_big_endian(key, index_of(machine));
  put_big_endian(key, index_of(group));
  put_big_endian(key, static_cast<std::uint64_t>(micros(first)) ^ 0x8000'0000'0000'0000U);
  put_big_endian(key, sequence);
  return key;
}

std::optional<ChunkKey> ChunkKey::parse(std::string_view bytes) {
  if (bytes.size() != 24) return std::nullopt;
  const auto day = take_big_endian<std::uint32_t>(bytes);
  ChunkKey key;
  key.machine = MachineId{take_big_endian<std::uint32_t>(bytes)};
  key.group = GroupId{take_big_endian<std::uint32_t>(bytes)};
  key.first =
      from_micros(static_cast<std::int64_t>(take_big_endian<std::uint64_t>(bytes) ^ 0x8000'0000'0000'0000U));
  key.sequence = take_big_endian<std::uint32_t>(bytes);
  return chunk_day(key.first) == day ? std::optional{key} : std::nullopt;
}

// ---------------------------------------- encoding

std::string encode_chunk(std::span<const SeriesRows> series, ChunkHead& head) {
  const std::vector<std::int64_t>& times = series.front().rows->at;
  TAKT_INVARIANT(!times.empty() && times.size() <= kChunkRows);
  head.key.group = series.front().group;
  head.key.first = head.first = from_micros(times.front());
  head.last = from_micros(times.back());
  head.rows = static_cast<std::uint32_t>(times.size());
  head.version = kChunkVersion;
  head.series.clear();

  PartWriter parts;
  parts.add(kind_of(wire::PartKind::time), [&](auto& body) { append_integers(body, times); });
  flatbuffers::FlatBufferBuilder builder{512};
  std::vector<flatbuffers::Offset<wire::SeriesHead>> entries;
  for (const SeriesRows& one : series) {
    TAKT_INVARIANT(one.rows->at == times);
    TAKT_INVARIANT(std::count_if(series.begin(), series.end(), [&](auto& s) { return s.group == one.group; }) ==
                   1);
    const std::size_t before = parts.count();
    std::size_t extras = 0;
    const ChunkSeries& info = head.series.emplace_back(add_series(parts, one, extras));
    const wire::Statistics statistics = to_wire(info.statistics);
    entries.push_back(wire::CreateSeriesHead(
        builder, index_of(info.group), static_cast<std::uint8_t>(parts.count() - before),
        static_cast<std::uint8_t>(info.statistics.sum.exponent()), info.plain, static_cast<std::uint32_t>(extras),
        info.statistics.numbers == 0 ? nullptr : &statistics));
  }
  const auto listed = builder.CreateVector(entries);
  const auto columns = builder.CreateVectorOfStructs(parts.parts());
  wire::ChunkHeaderBuilder header{builder};
  header.add_version(kChunkVersion);
  header.add_machine(index_of(head.key.machine));
  header.add_group(index_of(head.key.group));
  header.add_rows(head.rows);
  header.add_first(micros(head.first));
  header.add_last(micros(head.last));
  header.add_sealed_through(head.sealed_through);
  header.add_series(listed);
  header.add_parts(columns);
  if (head.changed != head.sealed_through) header.add_changed(head.changed);
  builder.Finish(header.Finish());
  head.bytes = parts.body().size();
  return with_prefix(ChunkMagic::readings, builder) + parts.body();
}

// ---------------------------------------- decoding

Result<ChunkHead> read_chunk_head(std::string_view bytes) {
  const auto header = CheckedHeader::read(bytes);
  if (!header) return header.error();
  const wire::ChunkHeader& chunk = **header;
  if (chunk.version() == 1) return chunk_head_v1(chunk);
  ChunkHead head;
  head.version = chunk.version();
  head.key = {MachineId{chunk.machine()}, GroupId{chunk.group()}, from_micros(chunk.first()), 0};
  head.rows = chunk.rows();
  head.first = from_micros(chunk.first());
  head.last = from_micros(chunk.last());
  head.sealed_through = chunk.sealed_through();
  head.changed = chunk.changed() == 0 ? head.sealed_through : chunk.changed();
  for (const wire::Part* part : *chunk.parts()) head.bytes += part->size();
  for (const wire::SeriesHead* series : *chunk.series()) {
    head.series.push_back({GroupId{series->group()}, series->plain(), from_wire(*series)});
  }
  return head;
}

Result<ReadingColumns> decode_chunk(std::string_view bytes, GroupId group) {
  const auto in = PartReader::open(bytes);
  if (!in) return in.error();
  if (in->header().version() == 1) {
    if (in->header().group() != index_of(group)) return no_such_tag();
    return decode_chunk_v1(in->header(), bytes);
  }
  const auto place = in->place_of(group);
  if (!place) return place.error();
  ReadingColumns out;
  if (const auto done = in->times(out.at); !done) return done.error();
  const auto numbers = in->column(*place, wire::PartKind::number);
  if (!numbers) return numbers.error();
  out.number.resize(in->rows());
  if (!*numbers) return corruption("a chunk lacks the column of its numbers");
  if (const auto done = decode_doubles(**numbers, out.number); !done) return done.error();
  std::vector<std::int64_t> qualities(in->rows(), kNoQuality);
  if (const auto done = read_integers(*in, *place, wire::PartKind::quality, qualities); !done) return done.error();
  for (const std::int64_t quality : qualities) out.quality.push_back(static_cast<std::int32_t>(quality));
  out.extra.assign(in->rows(), 0);
  if (const auto done = read_kinds(*in, *place, out); !done) return done.error();
  if (const auto done = read_texts(*in, *place, out); !done) return done.error();
  if (const auto done = read_extras(*in, *place, out); !done) return done.error();
  return out;
}

Result<void> decode_plain(std::string_view bytes, GroupId group, PlainRows& out) {
  const auto in = PartReader::open(bytes);
  if (!in) return in.error();
  if (in->header().version() == 1) {
    if (in->header().group() != index_of(group)) return no_such_tag();
    auto rows = decode_chunk_v1(in->header(), bytes);
    if (!rows) return rows.error();
    out = {std::move(rows->at), std::move(rows->number)};
    return {};
  }
  const auto place = in->place_of(group);
  if (!place) return place.error();
  if (const auto done = in->times(out.at); !done) return done.error();
  const auto numbers = in->column(*place, wire::PartKind::number);
  if (!numbers) return numbers.error();
  if (!*numbers) return corruption("a chunk lacks the column of its numbers");
  out.number.resize(in->rows());
  return decode_doubles(**numbers, out.number);
}

Result<void> verify_chunk(std::string_view bytes) {
  const auto head = read_chunk_head(bytes);
  if (!head) return head.error();
  for (const ChunkSeries& series : head->series) {
    const auto rows = decode_chunk(bytes, series.group);
    if (!rows) return rows.error();
    const bool ordered = std::is_sorted(rows->at.begin(), rows->at.end());
    if (!ordered || from_micros(rows->at.front()) != head->first || from_micros(rows->at.back()) != head->last) {
      return corruption("a chunk's times are not those of its header");
    }
    const ReadingStatistics found = statistics_of(*rows);
    const ReadingStatistics& told = series.statistics;
    const auto alike = [](double a, double b) { return a == b || (a != a && b != b); };
    const bool same = found.numbers == told.numbers && found.good == told.good &&
                      alike(found.minimum, told.minimum) && alike(found.maximum, told.maximum) &&
                      alike(found.first, told.first) && alike(found.last, told.last);
    if (head->version > 1 && !same) return corruption("a chunk's figures are not those of its rows");
  }
  return {};
}

}  // namespace takt
