#include "engine/commit_times.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "engine/codec/bytes.h"
#include "engine/codec/integers.h"

namespace takt {
namespace {

constexpr unsigned kVersion = 1;
constexpr std::size_t kChecksum = 8;
constexpr std::size_t kKey = 1 + 8 + 8;
constexpr char kBlock = 'b', kSingle = 's';  // blocks lie before the commits that are in none yet

std::string key_of(char kind, const CommitTime& time) {
  const std::uint64_t at = static_cast<std::uint64_t>(micros(time.at)) ^ (std::uint64_t{1} << 63U);
  return kind + sequence_key(at) + sequence_key(time.commit);
}

/// The last entry or block that begins at `then` or before is where the iterator is put.
void seek_last_by(rocksdb::Iterator& at, Timestamp then) {
  constexpr Sequence kAny = ~Sequence{0};
  at.SeekForPrev(key_of(kSingle, {then, kAny}));
  if (at.Valid() && is_commit_times_key(at.key().ToStringView())) at.SeekForPrev(key_of(kBlock, {then, kAny}));
}

Result<CommitTime> last_by(std::string_view key, std::string_view value, Timestamp then) {
  const auto first = commit_time_of_key(key);
  if (!first) return corruption("the key of a commit's time is none of Takt's");
  if (!is_commit_times_key(key)) return *first;
  const auto times = decode_commit_times(value);
  if (!times) return times.error();
  const auto after =
      std::partition_point(times->begin(), times->end(), [&](const CommitTime& time) { return time.at <= then; });
  if (after == times->begin()) return corruption("times of commits lie under another's key");
  return *std::prev(after);
}

}  // namespace

// ---------------------------------------- bytes

std::string commit_time_key(const CommitTime& time) { return key_of(kSingle, time); }
std::string commit_times_key(const CommitTime& first) { return key_of(kBlock, first); }
bool is_commit_times_key(std::string_view key) { return !key.empty() && key[0] == kBlock; }

std::optional<CommitTime> commit_time_of_key(std::string_view key) {
  if (key.size() != kKey || (key[0] != kBlock && key[0] != kSingle)) return std::nullopt;
  const std::uint64_t at = sequence_of_key(key.substr(1, 8)) ^ (std::uint64_t{1} << 63U);
  return CommitTime{from_micros(static_cast<std::int64_t>(at)), sequence_of_key(key.substr(9))};
}

std::string encode_commit_times(std::span<const CommitTime> times) {
  TAKT_INVARIANT(!times.empty() && times.size() <= kColumnRows);
  std::vector<std::int64_t> at, commits;
  for (const CommitTime& time : times) {
    at.push_back(micros(time.at));
    commits.push_back(static_cast<std::int64_t>(time.commit));
  }
  std::string out, column;
  codec::append_byte(out, kVersion);
  codec::append_varint(out, times.size());
  append_integers(column, at);
  codec::append_varint(out, column.size());
  out += column;
  append_integers(out, commits);
  const std::uint64_t checksum = XXH3_64bits(out.data(), out.size());
  out.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  return out;
}

Result<std::vector<CommitTime>> decode_commit_times(std::string_view bytes) {
  const auto damaged = [] { return corruption("times of commits are damaged"); };
  if (bytes.size() <= kChecksum) return damaged();
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksum);
  std::uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + body.size(), sizeof checksum);
  if (checksum != XXH3_64bits(body.data(), body.size())) return damaged();
  codec::ByteReader in{body};
  if (const unsigned version = in.byte(); version != kVersion)
    return corruption("times of commits are of format " + std::to_string(version) + ", this program reads " +
                      std::to_string(kVersion));
  const std::size_t count = in.varint(kColumnRows);
  const std::string_view first = in.bytes(in.varint());
  const std::string_view second = in.bytes(in.left());
  if (in.failed() || count == 0) return damaged();
  std::vector<std::int64_t> at(count), commits(count);
  if (!decode_integers(first, at) || !decode_integers(second, commits)) return damaged();
  std::vector<CommitTime> times;
  for (std::size_t i = 0; i < count; ++i) {
    times.push_back({from_micros(at[i]), static_cast<Sequence>(commits[i])});
    if (i > 0 && (at[i] < at[i - 1] || commits[i] <= commits[i - 1])) return damaged();
  }
  return times;
}

// ---------------------------------------- noting

Result<void> Store::CommitTimes::open() {
  const Disk& disk = *store_.disk_;
  if (!disk.has(Disk::commit_time)) return {};
  const std::unique_ptr<rocksdb::Iterator> at{disk.database().NewIterator({}, disk[Disk::commit_time])};
  seek_last_by(*at, kEndOfTime);
  if (!at->status().ok()) return Disk::error_of(at->status(), "cannot read the times of commits");
  if (at->Valid()) {
    // What of it is damaged is told to who asks for it; no figure of now depends on it. Its key is whole.
    const auto last = last_by(at->key().ToStringView(), at->value().ToStringView(), kEndOfTime);
    if (last)
      made(*last);
    else if (const auto first = commit_time_of_key(at->key().ToStringView()))
      newest_ = micros(first->at);
    return {};
  }
  if (disk.only_reads() || store_.sequence() == 0) return {};
  rocksdb::WriteBatch batch;
  const CommitTime now = note(store_.sequence(), batch);
  if (const auto written = store_.disk_->write(batch); !written) return written;
  made(now);
  return {};
}

CommitTime Store::CommitTimes::note(Sequence commit, rocksdb::WriteBatch& batch) const {
  const CommitTime time{std::max(from_micros(newest_), store_.clock().now()), commit};
  batch.Put((*store_.disk_)[Disk::commit_time], commit_time_key(time), {});
  return time;
}

void Store::CommitTimes::made(const CommitTime& time) {
  newest_ = micros(time.at);
  known_ = true;
}

// ---------------------------------------- asking

Result<Sequence> Store::CommitTimes::commit_at(Timestamp then) const {
  const Disk& disk = *store_.disk_;
  const auto unreadable = [](const Error& error) {
    return Error{error.code, "what was committed by then cannot be told: " + error.context};
  };
  if (!disk.has(Disk::commit_time)) return invalid("this data folder does not know the times of its commits");
  const std::unique_ptr<rocksdb::Iterator> at{disk.database().NewIterator({}, disk[Disk::commit_time])};
  seek_last_by(*at, then);
  if (!at->status().ok()) return unreadable(Disk::error_of(at->status(), "cannot read the times of commits"));
  if (at->Valid()) {
    const auto last = last_by(at->key().ToStringView(), at->value().ToStringView(), then);
    if (!last) return unreadable(last.error());
    return last->commit;
  }
  const auto known_from = first();
  return invalid("what was committed by " + format_time(then) + " is not known: this data folder knows it" +
                 (known_from ? " from " + format_time(*known_from) + " on" : " of no moment"));
}

std::optional<Timestamp> Store::CommitTimes::first() const {
  const Disk& disk = *store_.disk_;
  const std::unique_ptr<rocksdb::Iterator> at{disk.database().NewIterator({}, disk[Disk::commit_time])};
  at->SeekToFirst();
  const auto time = at->Valid() ? commit_time_of_key(at->key().ToStringView()) : std::nullopt;
  return time ? std::optional{time->at} : std::nullopt;
}

// ---------------------------------------- packing

Result<Store::CommitTimes::Packed> Store::CommitTimes::pack(Sequence through) const {
  const Disk& disk = *store_.disk_;
  Packed packed;
  std::vector<CommitTime> times;
  const auto close = [&] {
    if (!times.empty()) packed.blocks.emplace_back(commit_times_key(times.front()), encode_commit_times(times));
    times.clear();
  };
  const auto read =
      disk.scan(Disk::commit_time, std::string{kSingle}, [&](std::string_view key, std::string_view) {
        const auto time = commit_time_of_key(key);
        if (!time || time->commit > through) return false;
        if (packed.first.empty()) packed.first = key;
        packed.last = key;
        times.push_back(*time);
        if (times.size() == kColumnRows) close();
        return true;
      });
  if (!read) return read.error();
  close();
  return packed;
}

void Store::CommitTimes::put(const Packed& packed, rocksdb::WriteBatch& batch) const {
  rocksdb::ColumnFamilyHandle* family = (*store_.disk_)[Disk::commit_time];
  for (const auto& [key, block] : packed.blocks) batch.Put(family, key, block);
  if (!packed.last.empty()) batch.DeleteRange(family, packed.first, packed.last + '\0');
}

}  // namespace takt
