#include "engine/readings/reading_store.h"

#include <algorithm>
#include <utility>

namespace takt {
namespace {

constexpr std::size_t kSeriesAChunk = 64;  // more of them and one costs too much to read alone
constexpr std::size_t kLeastSealed = 65'536;

/// Rows [first, last) of a series, as they will lie in one chunk.
struct Part {
  SeriesId series;
  const ReadingColumns* rows;
  std::size_t first, last;

  std::size_t size() const { return last - first; }
  std::int64_t begin() const { return rows->at[first]; }
};

/// How far rows from `first` on go before their texts are more than a chunk should have.
std::size_t end_of_texts(const ReadingColumns& rows, std::size_t first, std::size_t last) {
  if (rows.extras.empty()) return last;
  std::size_t bytes = 0;
  for (std::size_t i = first; i < last; ++i) {
    if (const ReadingExtra* extra = rows[i].extra; extra != nullptr) {
      bytes += extra->value.size() + extra->id.size() + extra->attributes.size();
    }
    if (bytes > kChunkTextBytes && i > first) return i;
  }
  return last;
}

/// Cuts rows [first, last) at days and at kChunkRows.
void cut(SeriesId series, const ReadingColumns& rows, std::size_t first, std::size_t last,
         std::vector<Part>& parts) {
  while (first < last) {
    const std::uint32_t day = chunk_day(from_micros(rows.at[first]));
    std::size_t end = end_of_texts(rows, first, std::min(last, first + kChunkRows));
    if (chunk_day(from_micros(rows.at[end - 1])) != day) {
      end = first + static_cast<std::size_t>(
                        std::partition_point(rows.at.begin() + static_cast<std::ptrdiff_t>(first),
                                             rows.at.begin() + static_cast<std::ptrdiff_t>(end),
                                             [&](std::int64_t us) { return chunk_day(from_micros(us)) == day; }) -
                        (rows.at.begin() + static_cast<std::ptrdiff_t>(first)));
    }
    parts.push_back({series, &rows, first, end});
    first = end;
  }
}

bool same_times(const Part& a, const Part& b) {
  return a.size() == b.size() && a.begin() == b.begin() && a.rows->at[a.last - 1] == b.rows->at[b.last - 1] &&
         std::equal(a.rows->at.begin() + static_cast<std::ptrdiff_t>(a.first),
                    a.rows->at.begin() + static_cast<std::ptrdiff_t>(a.last),
                    b.rows->at.begin() + static_cast<std::ptrdiff_t>(b.first));
}

/// What the parts of one machine have in common goes into one chunk. `make` encodes a list of parts of like times.
template <class Make>
void each_chunk(std::vector<Part> parts, Make make) {
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.begin() != b.begin() ? a.begin() < b.begin() : a.size() < b.size();
  });
  std::vector<bool> taken(parts.size(), false);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (taken[i]) continue;
    std::vector<Part> alike{parts[i]};
    for (std::size_t j = i + 1; j < parts.size() && alike.size() < kSeriesAChunk; ++j) {
      if (parts[j].begin() != parts[i].begin()) break;
      if (taken[j] || !same_times(parts[i], parts[j])) continue;
      taken[j] = true;
      alike.push_back(parts[j]);
    }
    make(alike);
  }
}

ChunkRef sealed_chunk(const ChunkHead& head, const ChunkSeries& series,
                      std::shared_ptr<const StoredChunk> stored) {
  auto chunk = std::make_shared<SealedChunk>();
  chunk->key = head.key;
  chunk->rows = head.rows;
  chunk->first = head.first;
  chunk->last = head.last;
  chunk->sealed_through = head.sealed_through;
  chunk->changed = head.changed;
  chunk->plain = series.plain;
  chunk->statistics = series.statistics;
  chunk->stored = std::move(stored);
  return chunk;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------
// naming

std::optional<SeriesId> ReadingStore::find(MachineId machine, std::string_view tag) const {
  if (index_of(machine) >= tags_.size()) return std::nullopt;
  const auto at = tags_[index_of(machine)].find(tag);
  return at == tags_[index_of(machine)].end() ? std::nullopt : std::optional{at->second};
}

std::optional<SeriesId> ReadingStore::find(MachineId machine, GroupId group) const {
  if (index_of(machine) >= groups_.size() || index_of(group) >= groups_[index_of(machine)].size())
    return std::nullopt;
  const SeriesId id = groups_[index_of(machine)][index_of(group)];
  return has(id) ? std::optional{id} : std::nullopt;
}

GroupId ReadingStore::next_group(MachineId machine) const {
  return GroupId{index_of(machine) < groups_.size() ? static_cast<std::uint32_t>(groups_[index_of(machine)].size())
                                                    : 0};
}

ReadingSeries& ReadingStore::add(SeriesId id, MachineId machine, GroupId group, std::string_view tag) {
  const std::size_t index = index_of(id);
  if (series_.size() <= index) series_.resize(index + 1);
  if (tags_.size() <= index_of(machine))
    tags_.resize(index_of(machine) + 1), groups_.resize(index_of(machine) + 1);
  auto& groups = groups_[index_of(machine)];
  if (groups.size() <= index_of(group)) groups.resize(index_of(group) + 1, SeriesId{~std::uint32_t{0}});
  groups[index_of(group)] = id;
  tags_[index_of(machine)].emplace(std::string{tag}, id);
  series_[index] = std::make_unique<ReadingSeries>(machine, group, std::string{tag});
  return *series_[index];
}

std::vector<SeriesId> ReadingStore::of_machine(MachineId machine) const {
  std::vector<SeriesId> list;
  if (index_of(machine) >= groups_.size()) return list;
  for (const SeriesId id : groups_[index_of(machine)]) {
    if (has(id)) list.push_back(id);
  }
  return list;
}

// --------------------------------------------------------------------------------------------------------- taking
// in

void ReadingStore::begin() {
  rows_.clear();
  order_.clear();
  runs_.clear();
  rejected_.clear();
  any_replaced_ = false;
}

void ReadingStore::add(ReadingBlock&& block) {
  if (rows_.empty()) {
    rows_ = std::move(block);
  } else {
    rows_.append(block);
  }
}

/// Rows of one series together: what follows then goes through memory series by series.
void ReadingStore::group_by_series() {
  runs_.clear();
  counts_.resize(series_.size(), 0);
  for (const SeriesId id : rows_.series) {
    if (counts_[index_of(id)]++ == 0) runs_.push_back({id, 0, 0});
  }
  std::uint32_t place = 0;
  for (Run& run : runs_) {
    run.first = run.last = place;
    place += counts_[index_of(run.series)];
    counts_[index_of(run.series)] = run.first;
  }
  order_.resize(rows_.size());
  for (std::uint32_t i = 0; i < rows_.size(); ++i) order_[counts_[index_of(rows_.series[i])]++] = i;
  for (Run& run : runs_) run.last = std::exchange(counts_[index_of(run.series)], 0);
}

Reading ReadingStore::row(std::uint32_t i) const {
  const auto extra = std::lower_bound(rows_.extras.begin(), rows_.extras.end(), i,
                                      [](const auto& e, std::uint32_t r) { return e.first < r; });
  const bool has = extra != rows_.extras.end() && extra->first == i;
  return rows_.row(i, has ? &extra->second : nullptr);
}

Result<void> ReadingStore::judge() {
  group_by_series();
  bool any_rejected = false;
  for (const Run& run : runs_) {
    // What is newer than all before it repeats nothing.
    std::int64_t newest = series_[index_of(run.series)]->newest_judged();
    bool in_order = true;
    for (std::uint32_t k = run.first; k < run.last && in_order; ++k) {
      const std::int64_t us = rows_.at[order_[k]];
      in_order = us > newest;
      newest = us;
    }
    if (in_order) {
      series_[index_of(run.series)]->note_judged(newest);
      continue;
    }
    if (const auto judged = judge_disordered(run); !judged) return judged.error();
    any_rejected = any_rejected || !rejected_.empty();
  }
  if (any_rejected) take_out_rejected();
  return {};
}

Result<void> ReadingStore::judge_disordered(const Run& run) {
  ReadingSeries& series = *series_[index_of(run.series)];
  std::int64_t newest = series.newest_judged();
  seen_.clear();
  for (std::uint32_t k = run.first; k < run.last; ++k) {
    const std::uint32_t i = order_[k];
    if (rows_.at[i] > newest) {
      newest = rows_.at[i];
      seen_.emplace_back(newest, i);
      continue;
    }
    const auto accepted = outranks(run, i);
    if (!accepted) return accepted.error();
    if (*accepted) continue;
    rejected_.resize(rows_.size(), 0);
    rejected_[i] = 1;
  }
  series.note_judged(newest);
  return {};
}

/// Whether a row that is not the newest beats what is known of its identity. Notes it among seen_ if so.
Result<bool> ReadingStore::outranks(const Run& run, std::uint32_t i) {
  const Reading reading = row(i);
  const std::int64_t us = rows_.at[i];
  auto at = std::lower_bound(seen_.begin(), seen_.end(), std::pair{us, std::uint32_t{0}});
  for (; at != seen_.end() && at->first == us; ++at) {
    const Reading other = row(at->second);
    if (other.id() != reading.id()) continue;
    if (!(rank_of(other) < rank_of(reading))) return false;
    at->second = i;
    any_replaced_ = true;
    return true;
  }
  const auto known = series_[index_of(run.series)]->known(reading.at, reading.id(), source_);
  if (!known) return known.error();
  if (*known && !(**known < rank_of(reading))) return false;
  any_replaced_ = any_replaced_ || known->has_value();
  seen_.insert(at, {us, i});
  return true;
}

void ReadingStore::take_out_rejected() {
  ReadingBlock accepted;
  for_each_row(rows_, [&](std::size_t i, const Reading& reading) {
    if (rejected_[i] == 0) accepted.push_back(rows_.series[i], reading);
  });
  rows_ = std::move(accepted);
  group_by_series();
}

std::size_t ReadingStore::accepted_among(std::size_t first, std::size_t last) const {
  if (rejected_.empty()) return last - first;
  const auto at = [&](std::size_t i) { return rejected_.begin() + static_cast<std::ptrdiff_t>(i); };
  return static_cast<std::size_t>(std::count(at(first), at(last), 0));
}

void ReadingStore::apply(Sequence commit, std::size_t journal_bytes) {
  const auto now = std::chrono::steady_clock::now();
  for (const Run& run : runs_) {
    ReadingSeries& series = *series_[index_of(run.series)];
    const std::size_t before = series.head_rows();
    const std::span<const std::uint32_t> rows{&order_[run.first], run.last - run.first};
    if (rows_.extras.empty() && !any_replaced_) {
      series.put_new(rows_, rows, commit);
    } else {
      for (const std::uint32_t i : rows) series.put(row(i), commit);
    }
    if (before == 0) waiting_.push_back({run.series, commit, now});
    if (before < kChunkRows && series.head_rows() >= kChunkRows) full_.push_back(run.series);
    unsealed_rows_ += series.head_rows() - before;
  }
  journal_bytes_ += journal_bytes;
  sealing_debt_ = rows_.size();
}

void ReadingStore::recover(SeriesId id, const Reading& reading, Sequence commit) {
  ReadingSeries& series = *series_[index_of(id)];
  if (commit <= series.sealed_through()) return;
  const std::size_t before = series.head_rows();
  series.put(reading, commit);
  if (before == 0) waiting_.push_back({id, commit, std::chrono::steady_clock::now()});
  if (before < kChunkRows && series.head_rows() == kChunkRows) full_.push_back(id);
  unsealed_rows_ += series.head_rows() - before;
}

// -----------------------------------------------------------------------------------------------------------
// sealing

/// Whether the entry still tells of rows in memory.
bool ReadingStore::is_waiting(const Waiting& waiting) const {
  const ReadingSeries& series = *series_[index_of(waiting.series)];
  return series.head_rows() > 0 && series.oldest_unsealed() == waiting.oldest;
}

std::vector<EncodedChunk> ReadingStore::encode_due(Sequence through) {
  std::vector<SeriesId> due = std::move(full_);
  full_.clear();
  const auto now = std::chrono::steady_clock::now();
  // Twice what came in: the journal gets shorter again, and no commit waits for long.
  const std::size_t pace = std::max(kLeastSealed, 2 * sealing_debt_);
  std::size_t rows = 0;
  for (const Waiting& waiting : waiting_) {
    const bool too_long = journal_bytes_ > options_.journal_bytes;
    if (rows >= pace || (!too_long && now - waiting.since < options_.age)) break;
    if (!is_waiting(waiting)) continue;
    rows += series_[index_of(waiting.series)]->head_rows();
    due.push_back(waiting.series);
  }
  return encode_heads(due, through);
}

std::vector<EncodedChunk> ReadingStore::encode_all(Sequence through) {
  std::vector<SeriesId> due;
  for (const Waiting& waiting : waiting_) {
    if (is_waiting(waiting)) due.push_back(waiting.series);
  }
  full_.clear();
  return encode_heads(due, through);
}

/// Tags of one machine that are sampled together are sealed together.
std::vector<EncodedChunk> ReadingStore::encode_heads(const std::vector<SeriesId>& due, Sequence through) {
  std::vector<EncodedChunk> chunks;
  std::map<MachineId, std::set<SeriesId>> by_machine;
  std::map<SeriesId, ReadingColumns> merged;  // heads with late rows in their places
  const auto rows_of = [&](SeriesId id) -> const ReadingColumns& {
    ReadingColumns& kept = merged[id];
    return kept.empty() ? series_[index_of(id)]->ordered_head(kept) : kept;
  };
  for (const SeriesId id : due) {
    const ReadingSeries& series = *series_[index_of(id)];
    auto& together = by_machine[series.machine()];
    if (series.head_rows() == 0 || !together.insert(id).second) continue;
    for (const SeriesId other : groups_[index_of(series.machine())]) {
      if (!has(other) || together.contains(other)) continue;
      const ReadingSeries& candidate = *series_[index_of(other)];
      const bool may_be = candidate.head_rows() == series.head_rows() && candidate.last() == series.last();
      if (may_be && rows_of(other).at == rows_of(id).at) together.insert(other);
    }
  }
  for (const auto& [machine, together] : by_machine) {
    std::vector<Part> parts;
    for (const SeriesId id : together) {
      const ReadingSeries& series = *series_[index_of(id)];
      const ReadingColumns& rows = rows_of(id);
      // What is older than a sealed row goes apart, so that the rest overlaps nothing.
      Timestamp sealed_end = kBeginOfTime;
      for (const ChunkRef& chunk : series.chunks()) sealed_end = std::max(sealed_end, chunk->last);
      const std::size_t late = series.chunks().empty() ? 0 : rows.lower_bound(micros(sealed_end) + 1);
      cut(id, rows, 0, late, parts);
      cut(id, rows, late, rows.size(), parts);
    }
    each_chunk(std::move(parts), [&, machine = machine](const std::vector<Part>& alike) {
      EncodedChunk& chunk = chunks.emplace_back();
      chunk.head.key.machine = machine;
      chunk.head.key.sequence = next_sequence_++;
      chunk.head.sealed_through = chunk.head.changed = through;
      std::vector<ReadingColumns> slices;
      std::vector<SeriesRows> rows;
      slices.reserve(alike.size());
      for (const Part& part : alike) {
        const ReadingColumns* columns = part.rows;
        if (part.size() != columns->size()) {
          columns = &slices.emplace_back();
          slices.back().append(*part.rows, part.first, part.last);
        }
        rows.push_back({series_[index_of(part.series)]->group(), columns});
        chunk.series.push_back(part.series);
      }
      chunk.bytes = encode_chunk(rows, chunk.head);
    });
  }
  return chunks;
}

void ReadingStore::sealed(const std::vector<EncodedChunk>& chunks,
                          const std::vector<std::shared_ptr<const StoredChunk>>& stored) {
  for (const EncodedChunk& chunk : chunks) {
    for (const SeriesId id : chunk.series) {
      ReadingSeries& series = *series_[index_of(id)];
      unsealed_rows_ -= series.head_rows();
      series.clear_head();
    }
  }
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    for (std::size_t k = 0; k < chunks[i].series.size(); ++k) {
      to_fold_.insert(chunks[i].series[k]);
      series_[index_of(chunks[i].series[k])]->add_chunk(
          sealed_chunk(chunks[i].head, chunks[i].head.series[k], stored[i]));
    }
  }
  const std::size_t before = waiting_.size();
  while (!waiting_.empty() && !is_waiting(waiting_.front())) waiting_.pop_front();
  if (waiting_.empty()) {
    journal_bytes_ = 0;
  } else if (before > waiting_.size()) {
    // About: the journal's bytes go with the entries that they were written with.
    journal_bytes_ = journal_bytes_ / before * waiting_.size();
  }
}

Result<void> ReadingStore::add_chunk(const ChunkHead& head, std::shared_ptr<const StoredChunk> stored) {
  next_sequence_ = std::max(next_sequence_.load(), head.key.sequence + 1);
  for (const ChunkSeries& series : head.series) {
    const auto id = find(head.key.machine, series.group);
    if (!id) return corruption("a chunk is of a tag that has no name");
    to_fold_.insert(*id);
    series_[index_of(*id)]->add_chunk(sealed_chunk(head, series, stored));
  }
  return {};
}

Sequence ReadingStore::journal_needed_from(Sequence none, const std::vector<EncodedChunk>& chunks) const {
  std::set<SeriesId> sealed;
  for (const EncodedChunk& chunk : chunks) sealed.insert(chunk.series.begin(), chunk.series.end());
  for (const Waiting& waiting : waiting_) {
    if (is_waiting(waiting) && !sealed.contains(waiting.series)) return std::min(none, waiting.oldest);
  }
  return none;
}

// -----------------------------------------------------------------------------------------------------------
// folding

namespace {

/// A day of a series whose chunks are worth folding: some overlap, or they could be at most half as many.
std::optional<std::uint32_t> day_to_fold(const ReadingSeries& series) {
  const ChunkList& chunks = series.chunks();
  for (std::size_t i = 0; i < chunks.size();) {
    const std::uint32_t day = chunk_day(chunks[i]->first);
    std::size_t rows = 0, count = 0;
    bool late = false;
    Timestamp end = kBeginOfTime;
    for (; i < chunks.size() && chunk_day(chunks[i]->first) == day; ++i, ++count) {
      rows += chunks[i]->rows;
      late = late || (count > 0 && chunks[i]->first <= end);
      end = std::max(end, chunks[i]->last);
    }
    if (late || count >= 2 * ((rows + kChunkRows - 1) / kChunkRows)) {
      if (count > 1) return day;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<ReadingStore::Fold> ReadingStore::next_fold() {
  for (; !to_fold_.empty(); to_fold_.erase(to_fold_.begin())) {
    const std::uint32_t index = index_of(*to_fold_.begin());
    const auto day = day_to_fold(*series_[index]);
    if (!day) continue;
    // With the tags that share a chunk of that day, and those that share one with these.
    Fold fold;
    fold.machine = series_[index]->machine();
    std::set<SeriesId> members{SeriesId{index}};
    std::set<ChunkKey> keys;
    for (bool grown = true; grown;) {
      grown = false;
      for (const SeriesId id : groups_[index_of(fold.machine)]) {
        if (!has(id)) continue;
        const ChunkList& chunks = series_[index_of(id)]->chunks();
        const auto of_day = [&](const ChunkRef& c) { return chunk_day(c->first) == *day; };
        const bool shares = std::any_of(chunks.begin(), chunks.end(),
                                        [&](const ChunkRef& c) { return of_day(c) && keys.contains(c->key); });
        if (!members.contains(id) && !shares) continue;
        grown = members.insert(id).second || grown;
        for (const ChunkRef& chunk : chunks) {
          if (!of_day(chunk) || !keys.insert(chunk->key).second) continue;
          fold.gone.push_back(chunk);
          grown = true;
        }
      }
    }
    fold.sealed_through = ~Sequence{0};
    for (const SeriesId id : members) {
      fold.series.push_back(id);
      fold.groups.push_back(series_[index_of(id)]->group());
      fold.sealed_through = std::min(fold.sealed_through, series_[index_of(id)]->sealed_through());
    }
    return fold;
  }
  return std::nullopt;
}

Result<void> ReadingStore::encode(Fold& fold) const {
  std::vector<ReadingColumns> merged;
  merged.reserve(fold.series.size());
  std::vector<Part> parts;
  Sequence changed = 0;
  for (const ChunkRef& chunk : fold.gone) changed = std::max(changed, chunk->changed);
  for (std::size_t member = 0; member < fold.series.size(); ++member) {
    std::vector<ReadingColumns> loaded;
    std::vector<const ReadingColumns*> sources;
    for (const ChunkRef& chunk : fold.gone) {
      const auto read = source_.load(chunk->key, [&](std::string_view bytes) -> Result<void> {
        auto rows = decode_chunk(bytes, fold.groups[member]);
        if (rows)
          loaded.push_back(std::move(*rows));
        else if (rows.error().code != ErrorCode::not_found)
          return rows.error();
        return {};
      });
      if (!read) return read.error();
    }
    for (const ReadingColumns& rows : loaded) sources.push_back(&rows);
    merged.push_back(merge(sources, true));
    cut(SeriesId{static_cast<std::uint32_t>(member)}, merged.back(), 0, merged.back().size(), parts);
  }
  each_chunk(std::move(parts), [&](const std::vector<Part>& alike) {
    EncodedChunk& chunk = fold.come.emplace_back();
    chunk.head.key.machine = fold.machine;
    chunk.head.key.sequence = next_sequence_++;
    chunk.head.sealed_through = fold.sealed_through;
    chunk.head.changed = changed;
    std::vector<ReadingColumns> slices(alike.size());
    std::vector<SeriesRows> rows;
    for (std::size_t i = 0; i < alike.size(); ++i) {
      slices[i].append(*alike[i].rows, alike[i].first, alike[i].last);
      const std::size_t member = index_of(alike[i].series);
      rows.push_back({fold.groups[member], &slices[i]});
      chunk.series.push_back(fold.series[member]);
    }
    chunk.bytes = encode_chunk(rows, chunk.head);
  });
  return {};
}

bool ReadingStore::is_current(const Fold& fold) const {
  return std::all_of(fold.gone.begin(), fold.gone.end(), [&](const ChunkRef& chunk) {
    return std::any_of(fold.series.begin(), fold.series.end(), [&](SeriesId id) {
      const ChunkList& chunks = series_[index_of(id)]->chunks();
      return std::find(chunks.begin(), chunks.end(), chunk) != chunks.end();
    });
  });
}

void ReadingStore::folded(const Fold& fold, const std::vector<std::shared_ptr<const StoredChunk>>& stored) {
  for (const SeriesId id : fold.series) {
    ChunkList come;
    for (std::size_t i = 0; i < fold.come.size(); ++i) {
      const auto at = std::find(fold.come[i].series.begin(), fold.come[i].series.end(), id);
      if (at == fold.come[i].series.end()) continue;
      const auto k = static_cast<std::size_t>(at - fold.come[i].series.begin());
      come.push_back(sealed_chunk(fold.come[i].head, fold.come[i].head.series[k], stored[i]));
    }
    series_[index_of(id)]->replace_chunks(fold.gone, come);
  }
}

}  // namespace takt
