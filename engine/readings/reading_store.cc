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

/// Cuts rows [first, last) at days and at kChunkRows; between rows of one instant only if there are more of them.
void cut(SeriesId series, const ReadingColumns& rows, std::size_t first, std::size_t last,
         std::vector<Part>& parts) {
  while (first < last) {
    const auto begin = rows.at.begin() + static_cast<std::ptrdiff_t>(first);
    const std::uint32_t day = chunk_day(from_micros(*begin));
    std::size_t end = end_of_texts(rows, first, std::min(last, first + kChunkRows));
    if (chunk_day(from_micros(rows.at[end - 1])) != day) {
      const auto next_day =
          std::partition_point(begin, rows.at.begin() + static_cast<std::ptrdiff_t>(end),
                               [&](std::int64_t us) { return chunk_day(from_micros(us)) == day; });
      end = first + static_cast<std::size_t>(next_day - begin);
    }
    std::size_t edge = end;
    while (edge < last && edge > first && rows.at[edge] == rows.at[edge - 1]) --edge;
    if (edge > first) end = edge;
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
      const bool has_it =
          std::any_of(alike.begin(), alike.end(), [&](const Part& p) { return p.series == parts[j].series; });
      if (taken[j] || has_it || !same_times(parts[i], parts[j])) continue;
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
  chunk->bytes = head.bytes;
  chunk->plain = series.plain;
  chunk->statistics = series.statistics;
  chunk->stored = std::move(stored);
  return chunk;
}

constexpr std::size_t kFoldBytes = std::size_t{1} << 20U;  // small neighbours that are joined

/// Neighbouring chunks of a day that are worth folding: the first that overlap, or that one could hold; or none.
ChunkList chunks_to_fold(const ReadingSeries& series, std::uint32_t day) {
  const ChunkList& all = series.chunks();
  const auto first =
      std::partition_point(all.begin(), all.end(), [&](auto& c) { return chunk_day(c->first) < day; });
  const auto last = std::partition_point(first, all.end(), [&](auto& c) { return chunk_day(c->first) == day; });
  for (auto begin = first; begin != last;) {
    auto end = std::next(begin);
    std::size_t rows = (*begin)->rows, bytes = (*begin)->bytes;
    Timestamp latest = (*begin)->last;
    for (; end != last && (*end)->first <= latest; ++end) latest = std::max(latest, (*end)->last);
    if (end == std::next(begin)) {
      for (; end != last; ++end) {
        rows += (*end)->rows, bytes += (*end)->bytes;
        if (rows > kChunkRows || bytes > kFoldBytes) break;
      }
    }
    if (end - begin > 1) return {begin, end};
    begin = end;
  }
  return {};
}

/// What tells whether folding has made other chunks of these.
std::multiset<std::pair<Timestamp, std::uint32_t>> outlines(const ChunkList& chunks) {
  std::multiset<std::pair<Timestamp, std::uint32_t>> set;
  for (const ChunkRef& chunk : chunks) set.emplace(chunk->first, chunk->rows);
  return set;
}

}  // namespace

// ---------------------------------------- naming

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
  count_.store(series_.size(), std::memory_order_release);
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

// ---------------------------------------- taking in

void ReadingStore::begin(Timestamp kept_from) {
  kept_from_ = micros(kept_from);
  added_.clear();
  rows_.clear();
  runs_.clear();
  verdicts_.clear();
  failure_.reset();
  any_replaced_ = false;
}

void ReadingStore::add(ReadingBlock&& block) {
  if (added_.empty()) {
    added_ = std::move(block);
  } else {
    added_.append(block);
  }
}

/// Rows of one series together: all that follows goes through memory series by series.
void ReadingStore::sort_by_series() {
  counts_.resize(series_.size(), 0);
  for (const SeriesId id : added_.series) {
    if (counts_[index_of(id)]++ == 0) runs_.push_back({id, 0, 0});
  }
  std::uint32_t place = 0;
  for (Run& run : runs_) {
    run.first = place;
    run.last = place += counts_[index_of(run.series)];
    counts_[index_of(run.series)] = run.first;
  }
  const auto widen = [&](auto& to, const auto& from) { to.resize(from.size()); };
  widen(rows_.series, added_.series), widen(rows_.at, added_.at), widen(rows_.number, added_.number);
  widen(rows_.quality, added_.quality), widen(rows_.kind, added_.kind);
  order_.resize(added_.size());
  for (std::uint32_t i = 0; i < added_.size(); ++i) {
    const std::uint32_t to = counts_[index_of(added_.series[i])]++;
    order_[to] = i;
    rows_.series[to] = added_.series[i];
    rows_.at[to] = added_.at[i];
    rows_.number[to] = added_.number[i];
    if (!added_.quality.empty()) rows_.quality[to] = added_.quality[i];
    if (!added_.kind.empty()) rows_.kind[to] = added_.kind[i];
  }
  for (const Run& run : runs_) counts_[index_of(run.series)] = 0;
  if (!added_.extras.empty()) move_extras();
}

void ReadingStore::move_extras() {
  std::vector<std::uint32_t> places(order_.size());
  for (std::uint32_t to = 0; to < order_.size(); ++to) places[order_[to]] = to;
  rows_.extras = std::move(added_.extras);
  for (auto& [row, extra] : rows_.extras) row = places[row];
  std::sort(rows_.extras.begin(), rows_.extras.end(), [](auto& a, auto& b) { return a.first < b.first; });
}

void ReadingStore::judge() {
  sort_by_series();
  for (const Run& run : runs_) {
    // What is newer than all before it repeats nothing.
    ReadingSeries& series = *series_[index_of(run.series)];
    std::int64_t newest = series.newest_judged();
    bool in_order = rows_.at[run.first] >= kept_from_;
    for (std::uint32_t i = run.first; i < run.last && in_order; ++i) {
      in_order = rows_.at[i] > newest;
      newest = rows_.at[i];
    }
    if (!in_order) newest = judge_disordered(run);
    series.note_judged(newest);
  }
  if (!verdicts_.empty()) take_out_rejected();
}

/// Moment by moment, in order of arrival: only rows of one can be of one identity. Returns the newest.
std::int64_t ReadingStore::judge_disordered(const Run& run) {
  by_time_.clear();
  for (std::uint32_t i = run.first; i < run.last; ++i) by_time_.emplace_back(rows_.at[i], i);
  std::sort(by_time_.begin(), by_time_.end());
  for (std::size_t i = 0; i < by_time_.size();) {
    std::size_t last = i + 1;
    while (last < by_time_.size() && by_time_[last].first == by_time_[i].first) ++last;
    judge_instant(run.series, {&by_time_[i], last - i});
    i = last;
  }
  return by_time_.back().first;
}

void ReadingStore::judge_instant(SeriesId id, std::span<const std::pair<std::int64_t, std::uint32_t>> rows) {
  if (rows.front().first < kept_from_) {
    for (const auto& [us, i] : rows) decide(i, Verdict::expired);
    return;
  }
  const ReadingSeries& series = *series_[index_of(id)];
  const bool may_be_known = rows.front().first <= series.newest_judged();
  if (!may_be_known && rows.size() == 1) return;
  std::map<std::string_view, Rank> best;  // by id; only of several there may be several
  for (const auto& [us, i] : rows) {
    const Reading reading = rows_[i];
    auto known = best.end();
    if (rows.size() > 1) known = best.find(reading.id());
    if (known == best.end() && may_be_known) {
      const auto found = series.known(reading.at, reading.id(), source_);
      if (!found) {
        failure_ = found.error();
        decide(i, Verdict::failed);
        continue;
      }
      if (*found) known = best.insert_or_assign(reading.id(), **found).first;
    }
    if (known == best.end()) {
      if (rows.size() > 1) best.emplace(reading.id(), rank_of(reading));
      continue;
    }
    if (known->second < rank_of(reading)) {
      known->second = rank_of(reading);
      any_replaced_ = true;
    } else {
      decide(i, Verdict::duplicate);
    }
  }
}

void ReadingStore::decide(std::uint32_t row, Verdict verdict) {
  verdicts_.resize(rows_.size(), Verdict::accepted);
  verdicts_[order_[row]] = verdict;
}

void ReadingStore::take_out_rejected() {
  ReadingBlock accepted;
  runs_.clear();
  for_each_row(rows_, [&](std::size_t i, const Reading& reading) {
    if (verdicts_[order_[i]] != Verdict::accepted) return;
    const auto place = static_cast<std::uint32_t>(accepted.size());
    if (runs_.empty() || runs_.back().series != rows_.series[i]) runs_.push_back({rows_.series[i], place, place});
    ++runs_.back().last;
    accepted.push_back(rows_.series[i], reading);
  });
  rows_ = std::move(accepted);
}

std::size_t ReadingStore::accepted_among(std::size_t first, std::size_t last) const {
  if (verdicts_.empty()) return last - first;
  return count_of(Verdict::accepted, first, last) + count_of(Verdict::expired, first, last);
}

std::optional<Error> ReadingStore::failure_among(std::size_t first, std::size_t last) const {
  const bool failed = !verdicts_.empty() && count_of(Verdict::failed, first, last) > 0;
  return failed ? failure_ : std::nullopt;
}

std::size_t ReadingStore::count_of(Verdict verdict, std::size_t first, std::size_t last) const {
  const auto at = [&](std::size_t i) { return verdicts_.begin() + static_cast<std::ptrdiff_t>(i); };
  return static_cast<std::size_t>(std::count(at(first), at(last), verdict));
}

void ReadingStore::apply(Sequence commit, std::size_t journal_bytes) {
  using Identities = ReadingSeries::Identities;
  put_runs({commit, commit}, any_replaced_ ? Identities::any : Identities::all_new);
  journal_bytes_ += journal_bytes;
  sealing_debt_ = rows_.size();
}

void ReadingStore::recover(ReadingBlock&& block, Sequence commit, std::size_t journal_bytes) {
  // Going through memory once for many commits takes less time than once for each.
  constexpr std::size_t kTogether = 1U << 18U;
  if (recovered_.empty()) begin();
  add(std::move(block));
  recovered_.push_back({commit, static_cast<std::uint32_t>(added_.size())});
  journal_bytes_ += journal_bytes;
  if (added_.size() >= kTogether) recovered();
}

void ReadingStore::recovered() {
  if (recovered_.empty()) return;
  sort_by_series();
  for (Run& run : runs_) begin_with_unsealed(run);
  std::erase_if(runs_, [](const Run& run) { return run.first == run.last; });
  put_runs({recovered_.front().commit, recovered_.back().commit}, ReadingSeries::Identities::any);
  recovered_.clear();
}

/// Rows that came before the series was last sealed are in its chunks.
void ReadingStore::begin_with_unsealed(Run& run) const {
  const Sequence sealed = series_[index_of(run.series)]->sealed_through();
  const auto next = std::partition_point(recovered_.begin(), recovered_.end(),
                                         [&](const Recovered& r) { return r.commit <= sealed; });
  if (next == recovered_.begin()) return;
  const auto place = [&](std::uint32_t i) { return order_.begin() + i; };
  run.first = static_cast<std::uint32_t>(
      std::lower_bound(place(run.first), place(run.last), std::prev(next)->end) - order_.begin());
}

void ReadingStore::put_runs(CommitSpan commits, ReadingSeries::Identities identities) {
  // Series lie anywhere in memory: what comes soon is asked for early.
  constexpr std::size_t kAhead = 4;
  const auto series = [&](std::size_t i) { return series_[index_of(runs_[i].series)].get(); };
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (i + 2 * kAhead < runs_.size()) series(i + 2 * kAhead)->prefetch();
    if (i + kAhead < runs_.size()) series(i + kAhead)->prefetch_ends();
    put(runs_[i], commits, identities);
  }
}

void ReadingStore::put(const Run& run, CommitSpan commits, ReadingSeries::Identities identities) {
  ReadingSeries& series = *series_[index_of(run.series)];
  const std::size_t before = series.head_rows();
  series.put(rows_, run.first, run.last, commits, identities);
  if (before == 0) waiting_.push_back({run.series, commits.first, std::chrono::steady_clock::now()});
  if (before < kChunkRows && series.head_rows() >= kChunkRows) full_.push_back(run.series);
  unsealed_rows_ += series.head_rows() - before;
}

// ---------------------------------------- sealing

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
    if (series_[index_of(id)]->head_rows() > 0) by_machine[series_[index_of(id)]->machine()].insert(id);
  }
  for (auto& [machine, together] : by_machine) {
    // Candidates have as many rows and the same newest one.
    std::map<std::pair<std::size_t, std::optional<Timestamp>>, std::vector<SeriesId>> candidates;
    for (const SeriesId id : groups_[index_of(machine)]) {
      if (!has(id) || series_[index_of(id)]->head_rows() == 0) continue;
      candidates[{series_[index_of(id)]->head_rows(), series_[index_of(id)]->last()}].push_back(id);
    }
    const std::set<SeriesId> due_here = together;
    for (const SeriesId id : due_here) {
      const auto& alike = candidates[{series_[index_of(id)]->head_rows(), series_[index_of(id)]->last()}];
      std::size_t found = 1;
      for (auto other = alike.begin(); other != alike.end() && found < kSeriesAChunk; ++other) {
        if (*other == id || rows_of(*other).at != rows_of(id).at) continue;
        together.insert(*other);
        ++found;
      }
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
      const SeriesId id = chunks[i].series[k];
      to_fold_.emplace(id, chunk_day(chunks[i].head.first));
      series_[index_of(id)]->replace_chunks({},
                                            {sealed_chunk(chunks[i].head, chunks[i].head.series[k], stored[i])});
    }
  }
  forget_past_waiting();
}

void ReadingStore::forget_past_waiting() {
  const std::size_t before = waiting_.size();
  while (!waiting_.empty() && !is_waiting(waiting_.front())) waiting_.pop_front();
  if (waiting_.empty()) {
    journal_bytes_ = 0;
  } else if (before > waiting_.size()) {
    // About: the journal's bytes go with the entries that they were written with.
    journal_bytes_ = journal_bytes_ * waiting_.size() / before;
  }
}

Result<void> ReadingStore::add_chunk(const ChunkHead& head, const std::shared_ptr<const StoredChunk>& stored) {
  next_sequence_ = std::max(next_sequence_.load(), head.key.sequence + 1);
  for (const ChunkSeries& series : head.series) {
    const auto id = find(head.key.machine, series.group);
    if (!id) return corruption("a chunk is of a tag that has no name");
    opening_[*id].push_back(sealed_chunk(head, series, stored));
  }
  return {};
}

void ReadingStore::opened() {
  for (auto& [id, chunks] : opening_) {
    ReadingSeries& series = *series_[index_of(id)];
    series.replace_chunks({}, std::move(chunks));
    for (const ChunkRef& chunk : series.chunks()) {
      const std::uint32_t day = chunk_day(chunk->first);
      if (!to_fold_.contains({id, day}) && !chunks_to_fold(series, day).empty()) to_fold_.emplace(id, day);
    }
  }
  opening_.clear();
}

Sequence ReadingStore::journal_needed_from(Sequence none, const std::vector<EncodedChunk>& chunks) const {
  std::set<SeriesId> sealed;
  for (const EncodedChunk& chunk : chunks) sealed.insert(chunk.series.begin(), chunk.series.end());
  for (const Waiting& waiting : waiting_) {
    if (is_waiting(waiting) && !sealed.contains(waiting.series)) return std::min(none, waiting.oldest);
  }
  return none;
}

// ---------------------------------------- folding

std::optional<ReadingStore::Fold> ReadingStore::next_fold() {
  while (!to_fold_.empty()) {
    // Looked at once: a fold that fails waits for the day's next chunk.
    const auto [id, day] = *to_fold_.begin();
    to_fold_.erase(to_fold_.begin());
    Fold fold;
    fold.gone = chunks_to_fold(*series_[index_of(id)], day);
    if (fold.gone.empty()) continue;
    fold.day = day;
    fold.machine = series_[index_of(id)]->machine();
    fold.sealed_through = ~Sequence{0};
    for (const SeriesId other : groups_[index_of(fold.machine)]) {
      if (!has(other)) continue;
      const ReadingSeries& series = *series_[index_of(other)];
      const bool takes_part = std::any_of(fold.gone.begin(), fold.gone.end(),
                                          [&](const ChunkRef& chunk) { return series.has_chunk(*chunk); });
      if (!takes_part) continue;
      fold.series.push_back(other);
      fold.groups.push_back(series.group());
      fold.sealed_through = std::min(fold.sealed_through, series.sealed_through());
    }
    return fold;
  }
  return std::nullopt;
}

Result<void> ReadingStore::encode(Fold& fold, const std::atomic<bool>& given_up) const {
  std::vector<ReadingColumns> merged;
  merged.reserve(fold.series.size());
  std::vector<Part> parts;
  Sequence changed = 0;
  for (const ChunkRef& chunk : fold.gone) changed = std::max(changed, chunk->changed);
  for (std::size_t member = 0; member < fold.series.size(); ++member) {
    std::vector<ReadingColumns> loaded;
    std::vector<const ReadingColumns*> sources;
    for (const ChunkRef& chunk : fold.gone) {
      if (given_up) return unavailable("the store is being closed");
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
    if (given_up) return;
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
  if (given_up) return unavailable("the store is being closed");
  return {};
}

bool ReadingStore::is_current(const Fold& fold) const {
  return std::all_of(fold.gone.begin(), fold.gone.end(), [&](const ChunkRef& chunk) {
    return std::any_of(fold.series.begin(), fold.series.end(),
                       [&](SeriesId id) { return series_[index_of(id)]->has_chunk(*chunk); });
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
    ChunkList gone;
    for (const ChunkRef& chunk : fold.gone) {
      if (series_[index_of(id)]->has_chunk(*chunk)) gone.push_back(chunk);
    }
    series_[index_of(id)]->replace_chunks(gone, come);
    // The day may have more to fold; one that comes out as it went in has not.
    if (outlines(gone) != outlines(come)) to_fold_.emplace(id, fold.day);
  }
}

// ---------------------------------------- retention

Expiry ReadingStore::expiry(std::uint32_t first_kept) const {
  Expiry expiry;
  expiry.first_kept = first_kept;
  const Timestamp end = chunk_day_start(first_kept);
  for (std::uint32_t i = 0; i < series_.size(); ++i) {
    if (!series_[i]) continue;
    const ReadingSeries& series = *series_[i];
    const ChunkList& chunks = series.chunks();
    const std::size_t head_rows = series.head_rows_before(micros(end));
    if (head_rows == 0 && (chunks.empty() || chunks.front()->first >= end)) continue;
    Expiry::Part& part = expiry.parts.emplace_back();
    part.series = SeriesId{i};
    part.machine = series.machine();
    part.before = series.chunk_list();
    const auto kept = std::partition_point(chunks.begin(), chunks.end(), [&](auto& c) { return c->first < end; });
    part.gone = static_cast<std::size_t>(kept - chunks.begin());
    part.readings = series.snapshot({kBeginOfTime, end});
    part.head_rows = head_rows;
    part.head = series.head_span_before(micros(end));
  }
  return expiry;
}

void ReadingStore::expire(const Expiry& expiry) {
  const std::int64_t end = micros(chunk_day_start(expiry.first_kept));
  for (const Expiry::Part& part : expiry.parts) {
    unsealed_rows_ -= series_[index_of(part.series)]->drop_before(end, part.kept, part.first, part.last);
  }
  forget_past_waiting();
}

}  // namespace takt
