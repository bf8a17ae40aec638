#include "engine/events/checkpoint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <set>
#include <span>

#include "engine/codec/bytes.h"
#include "engine/codec/integers.h"

namespace takt {
namespace {

using Kept = MachineCheckpoint::Bucket;

constexpr unsigned kVersion = 3;        // 1 had no horizon; 1 and 2 no parts of sums
constexpr unsigned kFrozenVersion = 2;  // 1 had no parts of sums
constexpr std::size_t kChecksum = 8;
constexpr std::size_t kMostRows = std::size_t{1} << 26U;  // what a reader is ready to allocate for

/// Columns of any length, as pieces that the codec takes.
void append_column(std::string& out, std::span<const std::int64_t> values) {
  for (std::size_t at = 0; at < values.size(); at += kColumnRows) {
    std::string piece;
    append_integers(piece, values.subspan(at, std::min(kColumnRows, values.size() - at)));
    codec::append_varint(out, piece.size());
    out += piece;
  }
}

bool read_column(codec::ByteReader& in, std::span<std::int64_t> values) {
  for (std::size_t at = 0; at < values.size(); at += kColumnRows) {
    const std::string_view piece = in.bytes(in.varint());
    if (in.failed()) return false;
    if (!decode_integers(piece, values.subspan(at, std::min(kColumnRows, values.size() - at)))) return false;
  }
  return true;
}

void append_moment(std::string& out, std::optional<Timestamp> t) {
  codec::append_byte(out, t ? 1 : 0);
  if (t) codec::append_varint(out, codec::zigzag(micros(*t)));
}

std::optional<Timestamp> read_moment(codec::ByteReader& in) {
  if (in.byte() == 0) return std::nullopt;
  return from_micros(in.signed_varint());
}

template <class List, class Get>
void append_each(std::string& out, const List& list, Get get) {
  std::vector<std::int64_t> values;
  values.reserve(list.size());
  for (const auto& one : list) values.push_back(get(one));
  append_column(out, values);
}

template <class List, class Set>
bool read_each(codec::ByteReader& in, List& list, Set set) {
  std::vector<std::int64_t> values(list.size());
  if (!read_column(in, values)) return false;
  for (std::size_t i = 0; i < values.size(); ++i) set(list[i], values[i]);
  return true;
}

std::int64_t between(Timestamp from, Timestamp to) { return codec::wrapping_subtract(micros(to), micros(from)); }
Timestamp after(Timestamp from, std::int64_t by) { return from_micros(codec::wrapping_add(micros(from), by)); }

/// As many as there are said to be, if what follows can hold them: a column takes a byte at least for each
/// kColumnRows of them.
template <class Row>
bool read_rows(codec::ByteReader& in, std::vector<Row>& rows) {
  const std::size_t count = in.varint(kMostRows);
  if (in.failed() || count / kColumnRows > in.left() || (count > 0 && in.left() == 0)) return false;
  rows.resize(count);
  return true;
}

Error damaged() { return corruption("a machine's checkpoint does not hold what it says"); }

void append_runs(std::string& out, const std::vector<HeardRun>& runs) {
  codec::append_varint(out, runs.size());
  append_each(out, runs, [](const HeardRun& run) { return micros(run.first); });
  append_each(out, runs, [](const HeardRun& run) { return between(run.first, run.last); });
}

bool read_runs(codec::ByteReader& in, std::vector<HeardRun>& runs) {
  if (!read_rows(in, runs)) return false;
  return read_each(in, runs, [](HeardRun& run, std::int64_t v) { run.first = from_micros(v); }) &&
         read_each(in, runs, [](HeardRun& run, std::int64_t v) { run.last = after(run.first, v); });
}

std::int64_t low_half(WideInt value) { return static_cast<std::int64_t>(value); }
std::int64_t high_half(WideInt value) { return static_cast<std::int64_t>(value >> 64); }

// ---------------------------------------- the parts of sums

/// The parts of many cells, each list one after the other. Names are places in `texts` here.
struct FlatParts {
  std::vector<std::string> texts;
  std::vector<std::int64_t> product, reason_count, product_count;  // of each cell
  std::vector<ReasonSums> reasons;
  std::vector<ProductSums> products;
};

/// Each name gets its place where it is met first; 0 is none.
class TextPlaces {
 public:
  TextPlaces(std::vector<std::string>& texts, const Names& names) : texts_(texts), names_(names) {}
  NameId operator()(NameId name) {
    if (name == NameId::none) return name;
    const auto [at, added] = places_.try_emplace(name, static_cast<std::uint32_t>(texts_.size() + 1));
    if (added) texts_.emplace_back(names_.text(name));
    return NameId{at->second};
  }

 private:
  std::vector<std::string>& texts_;
  const Names& names_;
  std::map<NameId, std::uint32_t> places_;
};

FlatParts flatten(const std::vector<KeptCell>& cells, const Names& names) {
  FlatParts flat;
  TextPlaces place{flat.texts, names};
  for (const KeptCell& kept : cells) {
    const Breakdown& parts = kept.cell.parts;
    flat.product.push_back(static_cast<std::int64_t>(place(parts.product())));
    flat.reason_count.push_back(static_cast<std::int64_t>(parts.reasons().size()));
    flat.product_count.push_back(static_cast<std::int64_t>(parts.products().size()));
    for (ReasonSums sums : parts.reasons()) sums.reason = place(sums.reason), flat.reasons.push_back(sums);
    for (ProductSums sums : parts.products()) sums.product = place(sums.product), flat.products.push_back(sums);
  }
  return flat;
}

void append_parts(std::string& out, const std::vector<KeptCell>& cells, const Names& names) {
  const FlatParts flat = flatten(cells, names);
  codec::append_varint(out, flat.texts.size());
  for (const std::string& text : flat.texts) codec::append_varint(out, text.size()), out += text;
  append_column(out, flat.product), append_column(out, flat.reason_count), append_column(out, flat.product_count);
  codec::append_varint(out, flat.reasons.size());
  append_each(out, flat.reasons, [](const ReasonSums& r) { return static_cast<std::int64_t>(r.reason); });
  append_each(out, flat.reasons, [](const ReasonSums& r) { return std::int64_t{r.stops}; });
  append_each(out, flat.reasons, [](const ReasonSums& r) { return r.time.count(); });
  codec::append_varint(out, flat.products.size());
  append_each(out, flat.products, [](const ProductSums& p) { return static_cast<std::int64_t>(p.product); });
  for (const auto part : kProductCounts)
    append_each(out, flat.products, [&](const ProductSums& p) { return p.*part; });
  for (const auto part : kProductIdealTimes) {
    append_each(out, flat.products, [&](const ProductSums& p) { return low_half(p.*part); });
    append_each(out, flat.products, [&](const ProductSums& p) { return high_half(p.*part); });
  }
}

/// A name's place, which must be one of so many.
bool set_place(NameId& name, std::int64_t value, std::size_t texts) {
  name = static_cast<NameId>(value);
  return value >= 0 && static_cast<std::uint64_t>(value) <= texts;
}

bool read_texts(codec::ByteReader& in, std::vector<std::string>& texts) {
  const std::size_t count = in.varint(in.left());
  if (in.failed()) return false;
  for (std::size_t i = 0; i < count && !in.failed(); ++i) texts.emplace_back(in.bytes(in.varint()));
  const std::set<std::string_view> distinct{texts.begin(), texts.end()};
  return !in.failed() && distinct.size() == count && !distinct.contains("");
}

bool read_reasons(codec::ByteReader& in, FlatParts& flat) {
  bool good = true;
  return read_rows(in, flat.reasons) &&
         read_each(in, flat.reasons,
                   [&](ReasonSums& r, std::int64_t v) {
                     good = set_place(r.reason, v, flat.texts.size()) && v > 0 && good;
                   }) &&
         read_each(in, flat.reasons,
                   [&](ReasonSums& r, std::int64_t v) {
                     r.stops = static_cast<std::int32_t>(v), good = good && r.stops == v;
                   }) &&
         read_each(in, flat.reasons, [](ReasonSums& r, std::int64_t v) { r.time = Duration{v}; }) && good;
}

bool read_products(codec::ByteReader& in, FlatParts& flat) {
  bool known = true;
  bool good = read_rows(in, flat.products) && read_each(in, flat.products, [&](ProductSums& p, std::int64_t v) {
                known = set_place(p.product, v, flat.texts.size()) && known;
              });
  for (const auto part : kProductCounts)
    good = good && read_each(in, flat.products, [&](ProductSums& p, std::int64_t v) { p.*part = v; });
  for (const auto part : kProductIdealTimes) {
    good = good && read_each(in, flat.products,
                             [&](ProductSums& p, std::int64_t v) { p.*part = static_cast<std::uint64_t>(v); });
    good = good && read_each(in, flat.products,
                             [&](ProductSums& p, std::int64_t v) { p.*part += WideInt{v} * (WideInt{1} << 64); });
  }
  return good && known;
}

/// The next so many of a list, each of another name; nothing if there are not so many.
template <class List, class Name>
std::optional<List> take_next(const List& list, std::size_t& at, std::int64_t count, Name name) {
  if (count < 0 || static_cast<std::uint64_t>(count) > list.size() - at) return std::nullopt;
  const auto begin = list.begin() + static_cast<std::ptrdiff_t>(at);
  List taken(begin, begin + count);
  std::ranges::sort(taken, {}, name);
  const bool twice = std::ranges::adjacent_find(taken, {}, name) != taken.end();
  const bool zero = std::ranges::any_of(taken, [](const auto& sums) { return sums.none(); });
  at += taken.size();
  return twice || zero ? std::nullopt : std::optional{std::move(taken)};
}

bool read_parts(codec::ByteReader& in, std::vector<KeptCell>& cells, Names& names) {
  FlatParts flat;
  flat.product.resize(cells.size()), flat.reason_count.resize(cells.size()),
      flat.product_count.resize(cells.size());
  if (!read_texts(in, flat.texts) || !read_column(in, flat.product) || !read_column(in, flat.reason_count) ||
      !read_column(in, flat.product_count) || !read_reasons(in, flat) || !read_products(in, flat))
    return false;
  std::vector<NameId> ids{NameId::none};
  for (const std::string& text : flat.texts) ids.push_back(names.intern(text));
  const auto id_of = [&](NameId place) { return ids[static_cast<std::size_t>(place)]; };
  std::size_t reason_at = 0, product_at = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    auto reasons = take_next(flat.reasons, reason_at, flat.reason_count[i], &ReasonSums::reason);
    auto products = take_next(flat.products, product_at, flat.product_count[i], &ProductSums::product);
    NameId product{};
    if (!reasons || !products || products->size() == 1 || !set_place(product, flat.product[i], flat.texts.size()))
      return false;
    for (ReasonSums& sums : *reasons) sums.reason = id_of(sums.reason);
    for (ProductSums& sums : *products) sums.product = id_of(sums.product);
    cells[i].cell.parts = Breakdown::of(std::move(*reasons), std::move(*products), id_of(product));
  }
  return reason_at == flat.reasons.size() && product_at == flat.products.size();
}

// ---------------------------------------- sums

void append_cells(std::string& out, const std::vector<KeptCell>& cells, const Names& names) {
  codec::append_varint(out, cells.size());
  append_each(out, cells, [](const KeptCell& c) { return static_cast<std::int64_t>(c.grain); });
  append_each(out, cells, [](const KeptCell& c) { return micros(c.cell.range.begin); });
  append_each(out, cells, [](const KeptCell& c) { return between(c.cell.range.begin, c.cell.range.end); });
  append_each(out, cells, [](const KeptCell& c) { return static_cast<std::int64_t>(c.cell.revision); });
  for (const auto part : kAccountTimes)
    append_each(out, cells, [&](const KeptCell& c) { return (c.cell.account.*part).count(); });
  for (const auto part : kAccountCounts)
    append_each(out, cells, [&](const KeptCell& c) { return c.cell.account.*part; });
  for (const auto part : kAccountIdealTimes) {
    append_each(out, cells, [&](const KeptCell& c) { return low_half(c.cell.account.*part); });
    append_each(out, cells, [&](const KeptCell& c) { return high_half(c.cell.account.*part); });
  }
  if (!cells.empty()) append_parts(out, cells, names);
}

/// Appends them.
bool read_cells(codec::ByteReader& in, bool with_parts, std::vector<KeptCell>& out, Names& names) {
  std::vector<KeptCell> cells;
  if (!read_rows(in, cells)) return false;
  bool known = true;
  bool good =
      read_each(in, cells,
                [&](KeptCell& c, std::int64_t v) {
                  known = known && v >= 0 && v <= static_cast<std::int64_t>(Grain::day);
                  c.grain = static_cast<Grain>(v);
                }) &&
      read_each(in, cells, [](KeptCell& c, std::int64_t v) { c.cell.range.begin = from_micros(v); }) &&
      read_each(in, cells, [](KeptCell& c, std::int64_t v) { c.cell.range.end = after(c.cell.range.begin, v); }) &&
      read_each(in, cells, [](KeptCell& c, std::int64_t v) { c.cell.revision = static_cast<Sequence>(v); });
  for (const auto part : kAccountTimes)
    good = good && read_each(in, cells, [&](KeptCell& c, std::int64_t v) { c.cell.account.*part = Duration{v}; });
  for (const auto part : kAccountCounts)
    good = good && read_each(in, cells, [&](KeptCell& c, std::int64_t v) { c.cell.account.*part = v; });
  for (const auto part : kAccountIdealTimes) {
    good = good && read_each(in, cells, [&](KeptCell& c, std::int64_t v) {
             c.cell.account.*part = static_cast<std::uint64_t>(v);
           });
    good = good && read_each(in, cells, [&](KeptCell& c, std::int64_t v) {
             c.cell.account.*part += WideInt{v} * (WideInt{1} << 64);
           });
  }
  if (with_parts && !cells.empty()) good = good && read_parts(in, cells, names);
  out.insert(out.end(), std::make_move_iterator(cells.begin()), std::make_move_iterator(cells.end()));
  return good && known;
}

bool read_horizon(codec::ByteReader& in, bool with_parts, MachineCheckpoint& c, Names& names) {
  c.horizon.pieces = read_moment(in).value_or(kBeginOfTime);
  c.horizon.timeline = read_moment(in).value_or(kBeginOfTime);
  if (!read_runs(in, c.heard_before) || !read_cells(in, with_parts, c.base, names)) return false;
  c.frozen_cells = in.varint();
  return true;
}

void append_checksum(std::string& out) {
  const std::uint64_t checksum = XXH3_64bits(out.data(), out.size());
  out.append(reinterpret_cast<const char*>(&checksum), kChecksum);
}

/// What the checksum at the end is of.
Result<std::string_view> checked_body(std::string_view bytes, const std::string& what) {
  if (bytes.size() <= kChecksum) return corruption(what + " is too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksum);
  std::uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + body.size(), kChecksum);
  if (XXH3_64bits(body.data(), body.size()) != checksum) return corruption(what + " does not match its checksum");
  return body;
}

Error newer(const std::string& what, unsigned version, unsigned newest) {
  return corruption(what + " is of format version " + std::to_string(version) + ", this program reads " +
                    std::to_string(newest) + "; use the newer program");
}

}  // namespace

std::string encode_checkpoint(const MachineCheckpoint& c, const Names& names) {
  std::string out;
  codec::append_byte(out, kVersion);
  codec::append_varint(out, index_of(c.machine)), codec::append_varint(out, c.events);
  codec::append_varint(out, c.commit), codec::append_varint(out, c.tail_revision);
  append_moment(out, c.first_event), append_moment(out, c.last_event);
  codec::append_varint(out, c.digest);
  append_runs(out, c.heard);
  codec::append_varint(out, c.buckets.size());
  append_each(out, c.buckets, [](const Kept& b) { return static_cast<std::int64_t>(b.grain); });
  append_each(out, c.buckets, [](const Kept& b) { return micros(b.range.begin); });
  append_each(out, c.buckets, [](const Kept& b) { return between(b.range.begin, b.range.end); });
  append_each(out, c.buckets, [](const Kept& b) { return static_cast<std::int64_t>(b.revision); });
  append_moment(out, c.horizon.pieces), append_moment(out, c.horizon.timeline);
  append_runs(out, c.heard_before);
  append_cells(out, c.base, names);
  codec::append_varint(out, c.frozen_cells);
  append_checksum(out);
  return out;
}

Result<MachineCheckpoint> decode_checkpoint(std::string_view bytes, Names& names) {
  const std::string what = "a machine's checkpoint";
  const auto body = checked_body(bytes, what);
  if (!body) return body.error();
  codec::ByteReader in{*body};
  const unsigned version = in.byte();
  if (version < 1 || version > kVersion) return newer(what, version, kVersion);
  MachineCheckpoint c;
  c.machine = MachineId{static_cast<std::uint32_t>(in.varint(~std::uint32_t{0}))}, c.events = in.varint();
  c.commit = in.varint(), c.tail_revision = in.varint();
  c.first_event = read_moment(in), c.last_event = read_moment(in);
  c.digest = in.varint();
  if (!read_runs(in, c.heard)) return damaged();
  if (!read_rows(in, c.buckets)) return damaged();
  bool known = true;
  const bool good =
      read_each(in, c.buckets,
                [&](Kept& b, std::int64_t v) {
                  known = known && v >= 0 && v <= static_cast<std::int64_t>(Grain::day);
                  b.grain = static_cast<Grain>(v);
                }) &&
      read_each(in, c.buckets, [](Kept& b, std::int64_t v) { b.range.begin = from_micros(v); }) &&
      read_each(in, c.buckets, [](Kept& b, std::int64_t v) { b.range.end = after(b.range.begin, v); }) &&
      read_each(in, c.buckets, [](Kept& b, std::int64_t v) { b.revision = static_cast<Sequence>(v); });
  if (!good || !known) return damaged();
  if (version >= 2 && !read_horizon(in, version >= 3, c, names)) return damaged();
  if (!in.done()) return damaged();
  return c;
}

// ---------------------------------------- frozen cells

std::string encode_frozen(MachineId machine, const std::vector<KeptCell>& cells, const Names& names) {
  std::string out;
  codec::append_byte(out, kFrozenVersion);
  codec::append_varint(out, index_of(machine));
  append_cells(out, cells, names);
  append_checksum(out);
  return out;
}

Result<void> decode_frozen(std::string_view bytes, MachineId machine, std::vector<KeptCell>& cells, Names& names) {
  const std::string what = "a machine's rollups of before its horizon";
  const auto body = checked_body(bytes, what);
  if (!body) return body.error();
  codec::ByteReader in{*body};
  const unsigned version = in.byte();
  if (version < 1 || version > kFrozenVersion) return newer(what, version, kFrozenVersion);
  if (in.varint() != index_of(machine)) return corruption(what + " are another's");
  if (!read_cells(in, version >= 2, cells, names) || !in.done())
    return corruption(what + " do not hold what they say");
  return {};
}

}  // namespace takt
