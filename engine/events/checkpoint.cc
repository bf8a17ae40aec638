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

constexpr unsigned kVersion = 1;
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

void append_time(std::string& out, std::optional<Timestamp> t) {
  codec::append_byte(out, t ? 1 : 0);
  if (t) codec::append_varint(out, codec::zigzag(micros(*t)));
}

std::optional<Timestamp> read_time(codec::ByteReader& in) {
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

/// A number of rows that what follows can hold: a column takes a byte at least for each kColumnRows of them.
std::optional<std::size_t> read_rows(codec::ByteReader& in) {
  const std::size_t rows = in.varint(kMostRows);
  if (in.failed() || rows / kColumnRows > in.left() || (rows > 0 && in.left() == 0)) return std::nullopt;
  return rows;
}

Error too_many_rows() { return corruption("a machine's checkpoint tells of more rows than it can hold"); }
Error damaged() { return corruption("a machine's checkpoint does not hold what it says"); }

}  // namespace

std::string encode_checkpoint(const MachineCheckpoint& c) {
  std::string out;
  codec::append_byte(out, kVersion);
  codec::append_varint(out, index_of(c.machine)), codec::append_varint(out, c.events);
  codec::append_varint(out, c.commit), codec::append_varint(out, c.tail_revision);
  append_time(out, c.first_event), append_time(out, c.last_event);
  codec::append_varint(out, c.digest);
  codec::append_varint(out, c.heard.size());
  append_each(out, c.heard, [](const HeardRun& run) { return micros(run.first); });
  append_each(out, c.heard, [](const HeardRun& run) { return between(run.first, run.last); });
  codec::append_varint(out, c.buckets.size());
  append_each(out, c.buckets, [](const Kept& b) { return static_cast<std::int64_t>(b.grain); });
  append_each(out, c.buckets, [](const Kept& b) { return micros(b.range.begin); });
  append_each(out, c.buckets, [](const Kept& b) { return between(b.range.begin, b.range.end); });
  append_each(out, c.buckets, [](const Kept& b) { return static_cast<std::int64_t>(b.revision); });
  const std::uint64_t checksum = XXH3_64bits(out.data(), out.size());
  out.append(reinterpret_cast<const char*>(&checksum), kChecksum);
  return out;
}

Result<MachineCheckpoint> decode_checkpoint(std::string_view bytes) {
  if (bytes.size() <= kChecksum) return corruption("a machine's checkpoint is too short");
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksum);
  std::uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + body.size(), kChecksum);
  if (XXH3_64bits(body.data(), body.size()) != checksum)
    return corruption("a machine's checkpoint does not match its checksum");
  codec::ByteReader in{body};
  if (const unsigned version = in.byte(); version != kVersion) {
    return corruption("a machine's checkpoint is of format version " + std::to_string(version) +
                      ", this program reads " + std::to_string(kVersion) + "; use the newer program");
  }
  MachineCheckpoint c;
  c.machine = MachineId{static_cast<std::uint32_t>(in.varint(~std::uint32_t{0}))}, c.events = in.varint();
  c.commit = in.varint(), c.tail_revision = in.varint();
  c.first_event = read_time(in), c.last_event = read_time(in);
  c.digest = in.varint();
  const auto heard = read_rows(in);
  if (!heard) return too_many_rows();
  c.heard.resize(*heard);
  bool good = read_each(in, c.heard, [](HeardRun& run, std::int64_t v) { run.first = from_micros(v); }) &&
              read_each(in, c.heard, [](HeardRun& run, std::int64_t v) { run.last = after(run.first, v); });
  if (!good) return damaged();
  const auto buckets = read_rows(in);
  if (!buckets) return too_many_rows();
  c.buckets.resize(*buckets);
  bool known = true;
  good = read_each(in, c.buckets,
                   [&](Kept& b, std::int64_t v) {
                     known = known && v >= 0 && v <= static_cast<std::int64_t>(Grain::day);
                     b.grain = static_cast<Grain>(v);
                   }) &&
         read_each(in, c.buckets, [](Kept& b, std::int64_t v) { b.range.begin = from_micros(v); }) &&
         read_each(in, c.buckets, [](Kept& b, std::int64_t v) { b.range.end = after(b.range.begin, v); }) &&
         read_each(in, c.buckets, [](Kept& b, std::int64_t v) { b.revision = static_cast<Sequence>(v); });
  if (!good || !known || !in.done()) return damaged();
  return c;
}

}  // namespace takt
