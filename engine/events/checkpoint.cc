#include "engine/events/checkpoint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "engine/codec/bytes.h"
#include "engine/codec/integers.h"

namespace takt {
namespace {

using Kept = MachineCheckpoint::Bucket;

constexpr unsigned kVersion = 2;  // 1 had no horizon
constexpr unsigned kFrozenVersion = 1;
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

void append_cells(std::string& out, const std::vector<KeptCell>& cells) {
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
}

/// Appends them.
bool read_cells(codec::ByteReader& in, std::vector<KeptCell>& out) {
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
  out.insert(out.end(), cells.begin(), cells.end());
  return good && known;
}

bool read_horizon(codec::ByteReader& in, MachineCheckpoint& c) {
  c.horizon.pieces = read_moment(in).value_or(kBeginOfTime);
  c.horizon.timeline = read_moment(in).value_or(kBeginOfTime);
  if (!read_runs(in, c.heard_before) || !read_cells(in, c.base)) return false;
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

std::string encode_checkpoint(const MachineCheckpoint& c) {
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
  append_cells(out, c.base);
  codec::append_varint(out, c.frozen_cells);
  append_checksum(out);
  return out;
}

Result<MachineCheckpoint> decode_checkpoint(std::string_view bytes) {
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
  if (version >= 2 && !read_horizon(in, c)) return damaged();
  if (!in.done()) return damaged();
  return c;
}

// ---------------------------------------- frozen cells

std::string encode_frozen(MachineId machine, const std::vector<KeptCell>& cells) {
  std::string out;
  codec::append_byte(out, kFrozenVersion);
  codec::append_varint(out, index_of(machine));
  append_cells(out, cells);
  append_checksum(out);
  return out;
}

Result<void> decode_frozen(std::string_view bytes, MachineId machine, std::vector<KeptCell>& cells) {
  const std::string what = "a machine's rollups of before its horizon";
  const auto body = checked_body(bytes, what);
  if (!body) return body.error();
  codec::ByteReader in{*body};
  if (const unsigned version = in.byte(); version != kFrozenVersion) return newer(what, version, kFrozenVersion);
  if (in.varint() != index_of(machine)) return corruption(what + " are another's");
  if (!read_cells(in, cells) || !in.done()) return corruption(what + " do not hold what they say");
  return {};
}

}  // namespace takt
