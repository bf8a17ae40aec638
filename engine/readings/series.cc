#include "engine/readings/series.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace takt {
namespace {

constexpr std::size_t kMarks = 256;
constexpr std::size_t kCacheLine = 64;

/// More than these and merging them in is cheaper than going on without.
std::size_t late_limit(std::size_t head_rows) { return 256 + head_rows / 16; }

bool in_order(const ChunkRef& a, const ChunkRef& b) {
  return a->first != b->first ? a->first < b->first : a->key.sequence < b->key.sequence;
}

}  // namespace

Result<std::optional<Rank>> ReadingSeries::known(Timestamp at, std::string_view id,
                                                 const ChunkSource& source) const {
  std::optional<Rank> best;
  const std::int64_t us = micros(at);
  const auto consider = [&](const ReadingColumns& rows) {
    const std::size_t i = rows.place_of(us, id);
    if (!rows.is(i, us, id)) return;
    const Rank rank = rank_of(rows[i]);
    if (!best || *best < rank) best = rank;
  };
  if (us > last_) return best;
  consider(head_), consider(late_);
  auto chunk = std::partition_point(chunks_->begin(), chunks_->end(),
                                    [&](const ChunkRef& c) { return c->first < at - longest_chunk_; });
  for (; chunk != chunks_->end() && (*chunk)->first <= at; ++chunk) {
    if (at > (*chunk)->last) continue;
    const auto rows = source.rows((*chunk)->key, group_);
    if (!rows) return rows.error();
    consider(**rows);
  }
  return best;
}

/// Notes that rows from `first` to `last` came with `commits`.
void ReadingSeries::mark(std::int64_t first, std::int64_t last, CommitSpan commits) {
  if (head_rows() == 0) oldest_unsealed_ = commits.first;
  first_ = std::min(first_, first);
  last_ = std::max(last_, last);
  newest_judged_ = std::max(newest_judged_, last);
  // The newest of them: a change may be told of again, never too little.
  if (!marks_.empty() && marks_.back().commit == commits.last) {
    marks_.back().first = std::min(marks_.back().first, first);
    marks_.back().last = std::max(marks_.back().last, last);
    return;
  }
  if (marks_.size() == kMarks) {
    // Two by two: the older commit's change may then be told of again.
    for (std::size_t i = 0; i < kMarks / 2; ++i) {
      const Mark &a = marks_[2 * i], &b = marks_[2 * i + 1];
      marks_[i] = {b.commit, std::min(a.first, b.first), std::max(a.last, b.last)};
    }
    marks_.resize(kMarks / 2);
  }
  marks_.push_back({commits.last, first, last});
}

void ReadingSeries::put(const Reading& row, Sequence commit) {
  mark(micros(row.at), micros(row.at), {commit, commit});
  put(row);
}

void ReadingSeries::put(const Reading& row) {
  if (head_.empty() || micros(row.at) > head_.at.back()) return head_.push_back(row);
  if (replace(row)) return;
  late_.insert(late_.place_of(micros(row.at), row.id()), row);
  merge_late();
}

void ReadingSeries::put(const ReadingBlock& block, std::size_t first, std::size_t last, CommitSpan commits,
                        Identities identities) {
  const auto at = [&](std::size_t i) { return block.at.begin() + static_cast<std::ptrdiff_t>(i); };
  const auto [oldest, newest] = std::minmax_element(at(first), at(last));
  mark(*oldest, *newest, commits);
  if (!block.extras.empty()) {
    for (std::size_t i = first; i < last; ++i) put(block[i]);
    return;
  }
  std::vector<std::pair<std::int64_t, std::uint32_t>> late;  // times and rows
  std::int64_t end = head_.empty() ? std::numeric_limits<std::int64_t>::min() : head_.at.back();
  for (std::size_t i = first; i < last;) {
    const std::size_t begin = i;
    for (; i < last && block.at[i] > end; ++i) end = block.at[i];
    append(head_, block, begin, i);
    for (; i < last && block.at[i] <= end; ++i) {
      if (identities == Identities::any && replace(block.row(i, nullptr))) continue;
      late.emplace_back(block.at[i], static_cast<std::uint32_t>(i));
    }
  }
  if (!late.empty()) put_late(block, late);
}

/// Whether the row takes the place of one of its identity in memory.
bool ReadingSeries::replace(const Reading& row) {
  const std::int64_t us = micros(row.at);
  for (ReadingColumns* rows : {&head_, &late_}) {
    const std::size_t i = rows->place_of(us, row.id());
    if (!rows->is(i, us, row.id())) continue;
    rows->replace(i, row);
    return true;
  }
  return false;
}

/// Of rows of identities that are not in memory: of each the last.
void ReadingSeries::put_late(const ReadingBlock& block,
                             std::vector<std::pair<std::int64_t, std::uint32_t>>& rows) {
  std::sort(rows.begin(), rows.end());
  ReadingColumns ordered;
  ordered.reserve(rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (k + 1 < rows.size() && rows[k].first == rows[k + 1].first) continue;
    ordered.push_back(block.row(rows[k].second, nullptr));
  }
  late_.insert(ordered);
  merge_late();
}

void ReadingSeries::merge_late() {
  if (late_.size() <= late_limit(head_.size())) return;
  head_.insert(late_);
  late_ = {};
}

void ReadingSeries::prefetch() const {
  for (std::size_t i = 0; i < sizeof(*this); i += kCacheLine)
    __builtin_prefetch(reinterpret_cast<const char*>(this) + i);
}

void ReadingSeries::prefetch_ends() const {
  const auto end = [](const auto& column) { __builtin_prefetch(column.data() + column.size(), 1); };
  end(head_.at), end(head_.number), end(marks_);
  if (!head_.quality.alike()) __builtin_prefetch(head_.quality.end_of_rows(), 1);
}

const ReadingColumns& ReadingSeries::ordered_head(ReadingColumns& merged) const {
  if (late_.empty()) return head_;
  merged = merge({&head_, &late_}, true);
  return merged;
}

bool ReadingSeries::has_rows_of_day(Timestamp t) const {
  const Timestamp begin = std::chrono::floor<std::chrono::days>(t);
  const TimeRange day{begin, begin + std::chrono::days{1}};
  const auto in_memory = [&](const ReadingColumns& rows) {
    const std::size_t at = rows.lower_bound(micros(day.begin));
    return at < rows.size() && rows.at[at] < micros(day.end);
  };
  const auto in_chunk = [&](const ChunkRef& chunk) { return !intersect(chunk->span(), day).empty(); };
  return in_memory(head_) || in_memory(late_) || std::any_of(chunks_->begin(), chunks_->end(), in_chunk);
}

void ReadingSeries::clear_head() {
  head_ = {};
  late_ = {};
  marks_ = {};
  oldest_unsealed_ = 0;
}

std::optional<HeardRun> ReadingSeries::head_span_before(std::int64_t us) const {
  std::optional<HeardRun> span;
  for (const ReadingColumns* rows : {&head_, &late_}) {
    const std::size_t count = rows->lower_bound(us);
    if (count == 0) continue;
    const HeardRun run{from_micros(rows->at.front()), from_micros(rows->at[count - 1])};
    span = span ? HeardRun{std::min(span->first, run.first), std::max(span->last, run.last)} : run;
  }
  return span;
}

std::size_t ReadingSeries::drop_before(std::int64_t us, std::shared_ptr<const ChunkList> kept,
                                       std::optional<Timestamp> first, std::optional<Timestamp> last) {
  const std::size_t before = head_rows();
  for (ReadingColumns* rows : {&head_, &late_}) {
    const std::size_t gone = rows->lower_bound(us);
    if (gone == 0) continue;
    ReadingColumns rest;
    rest.append(*rows, gone, rows->size());
    *rows = std::move(rest);
  }
  std::erase_if(marks_, [&](const Mark& mark) { return mark.last < us; });
  for (Mark& mark : marks_) mark.first = std::max(mark.first, us);
  if (head_rows() == 0) clear_head();
  chunks_ = std::move(kept);
  first_ = first ? micros(*first) : std::numeric_limits<std::int64_t>::max();
  last_ = last ? micros(*last) : std::numeric_limits<std::int64_t>::min();
  for (const ReadingColumns* rows : {&head_, &late_}) {
    if (rows->empty()) continue;
    first_ = std::min(first_, rows->at.front());
    last_ = std::max(last_, rows->at.back());
  }
  return before - head_rows();
}

void ReadingSeries::replace_chunks(const ChunkList& gone, ChunkList come) {
  auto next = std::make_shared<ChunkList>();
  next->reserve(chunks_->size() + come.size());
  std::set<ChunkKey> left_out;
  for (const ChunkRef& chunk : gone) left_out.insert(chunk->key);
  std::copy_if(chunks_->begin(), chunks_->end(), std::back_inserter(*next),
               [&](const ChunkRef& chunk) { return left_out.empty() || !left_out.contains(chunk->key); });
  for (ChunkRef& chunk : come) {
    longest_chunk_ = std::max(longest_chunk_, chunk->last - chunk->first);
    sealed_through_ = std::max(sealed_through_, chunk->sealed_through);
    first_ = std::min(first_, std::int64_t{micros(chunk->first)});
    last_ = std::max(last_, std::int64_t{micros(chunk->last)});
    next->push_back(std::move(chunk));
  }
  newest_judged_ = std::max(newest_judged_, last_);
  if (!std::is_sorted(next->begin(), next->end(), in_order)) std::sort(next->begin(), next->end(), in_order);
  chunks_ = std::move(next);
}

bool ReadingSeries::has_chunk(const SealedChunk& chunk) const {
  auto at = std::partition_point(chunks_->begin(), chunks_->end(),
                                 [&](const ChunkRef& c) { return c->first < chunk.first; });
  for (; at != chunks_->end() && (*at)->first == chunk.first; ++at) {
    if ((*at)->key == chunk.key) return true;
  }
  return false;
}

std::optional<Timestamp> ReadingSeries::first() const {
  return first_ > last_ ? std::nullopt : std::optional{from_micros(first_)};
}

std::optional<Timestamp> ReadingSeries::last() const {
  return first_ > last_ ? std::nullopt : std::optional{from_micros(last_)};
}

std::vector<TimeRange> ReadingSeries::changed_since(Sequence since) const {
  std::vector<TimeRange> spans;
  for (const ChunkRef& chunk : *chunks_) {
    if (chunk->changed > since) spans.push_back(chunk->span());
  }
  for (const Mark& mark : marks_) {
    if (mark.commit > since) spans.push_back({from_micros(mark.first), from_micros(mark.last + 1)});
  }
  return spans;
}

SeriesSnapshot ReadingSeries::snapshot(TimeRange range) const {
  const auto part = [&](const ReadingColumns& rows) {
    ReadingColumns out;
    out.append(rows, rows.lower_bound(micros(range.begin)), rows.lower_bound(micros(range.end)));
    return out;
  };
  if (range.empty()) return {group_, range, chunks_, {}};
  ReadingColumns head = part(head_);
  if (!late_.empty()) {
    const ReadingColumns late = part(late_);
    head = merge({&head, &late}, true);
  }
  return {group_, range, chunks_, std::move(head)};
}

}  // namespace takt
