#include <algorithm>
#include <limits>

#include "engine/readings/series.h"

namespace takt {
Timestamp step_start(Timestamp t, Duration step) {
  const std::int64_t us = micros(t);
  const std::int64_t size = step.count();
  std::int64_t index = us / size;
  if (us % size < 0) --index;
  return from_micros(index * size);
}

Result<std::shared_ptr<const ReadingColumns>> ChunkSource::decode_rows(const ChunkKey& key, GroupId group) const {
  std::shared_ptr<const ReadingColumns> shared;
  const auto read = load(key, [&](std::string_view bytes) -> Result<void> {
    auto rows = decode_chunk(bytes, group);
    if (!rows) return rows.error();
    shared = std::make_shared<const ReadingColumns>(std::move(*rows));
    return {};
  });
  if (!read) return read.error();
  return shared;
}

SeriesSnapshot::SeriesSnapshot(GroupId group, TimeRange range, std::shared_ptr<const ChunkList> chunks,
                               ReadingColumns head)
    : group_(group), range_(range), chunks_(std::move(chunks)), head_(std::move(head)) {}

std::vector<SeriesSnapshot::Cluster> SeriesSnapshot::clusters() const {
  std::vector<Cluster> list;
  const auto join = [&](TimeRange span) -> Cluster& {
    if (list.empty() || span.begin >= list.back().span.end) list.push_back({{}, false, span});
    list.back().span.end = std::max(list.back().span.end, span.end);
    return list.back();
  };
  const TimeRange head =
      head_.empty() ? TimeRange{kEndOfTime, kEndOfTime}
                    : TimeRange{from_micros(head_.at.front()), from_micros(head_.at.back()) + Duration{1}};
  bool head_in = head_.empty();
  if (chunks_) {
    for (const ChunkRef& chunk : *chunks_) {
      if (chunk->last < range_.begin || chunk->first >= range_.end) continue;
      if (!head_in && head.begin <= chunk->first) head_in = join(head).with_head = true;
      join(chunk->span()).chunks.push_back(chunk);
    }
  }
  if (!head_in) join(head).with_head = true;
  return list;
}

Result<ReadingColumns> SeriesSnapshot::merged(const Cluster& cluster, const ChunkSource& source) const {
  std::vector<ReadingColumns> loaded;
  std::vector<const ReadingColumns*> sources;
  loaded.reserve(cluster.chunks.size());
  for (const ChunkRef& chunk : cluster.chunks) {
    const auto read = source.load(chunk->key, [&](std::string_view bytes) -> Result<void> {
      auto rows = decode_chunk(bytes, group_);
      if (!rows) return rows.error();
      loaded.push_back(std::move(*rows));
      return {};
    });
    if (!read) return read.error();
  }
  for (const ReadingColumns& rows : loaded) sources.push_back(&rows);
  if (cluster.with_head) sources.push_back(&head_);
  const bool as_it_is = loaded.size() == 1 && sources.size() == 1 && loaded.front().extras.empty();
  return as_it_is ? std::move(loaded.front()) : merge(sources, false);
}

bool SeriesSnapshot::may_hold_withdrawn() const {
  const auto is_plain = [](const ChunkRef& chunk) { return chunk->plain; };
  for (const Cluster& cluster : clusters()) {
    if (!std::all_of(cluster.chunks.begin(), cluster.chunks.end(), is_plain)) return true;
  }
  return std::any_of(head_.extras.begin(), head_.extras.end(),
                     [](const ReadingExtra& extra) { return (extra.order & 1U) != 0; });
}

Result<void> SeriesSnapshot::scan(const ChunkSource& source, const Visit& visit) const {
  for (const Cluster& cluster : clusters()) {
    const auto rows = merged(cluster, source);
    if (!rows) return rows.error();
    const std::size_t first = rows->lower_bound(micros(range_.begin));
    const std::size_t last = rows->lower_bound(micros(range_.end));
    if (first < last && !visit(*rows, first, last)) break;
  }
  return {};
}

Result<ReadingColumns> SeriesSnapshot::rows(const ChunkSource& source) const {
  ReadingColumns all;
  const auto scanned = scan(source, [&](const ReadingColumns& rows, std::size_t first, std::size_t last) {
    all.append(rows, first, last);
    return true;
  });
  if (!scanned) return scanned.error();
  return all;
}

// ---------------------------------------- steps

/// Steps in the making; rows come in order of time.
class SeriesSnapshot::Steps {
 public:
  /// Of a step without an end there is one, whatever the time.
  explicit Steps(std::int64_t length) : length_(length) {}

  /// Whether all of the span lies in one step.
  bool is_one(std::int64_t first, std::int64_t last) const {
    return length_ == 0 || start_of(first) == start_of(last);
  }
  Step& at(std::int64_t us) {
    if (us >= end_ || list_.empty()) {
      const std::int64_t start = length_ == 0 ? us : start_of(us);
      end_ = length_ == 0 ? std::numeric_limits<std::int64_t>::max() : start + length_;
      list_.push_back({from_micros(start), 0, {}});
    }
    return list_.back();
  }
  /// The end of the step that was asked for last.
  std::int64_t end() const { return end_; }
  std::vector<Step>& list() { return list_; }

 private:
  std::int64_t start_of(std::int64_t us) const { return micros(step_start(from_micros(us), Duration{length_})); }

  std::int64_t length_;
  std::int64_t end_ = std::numeric_limits<std::int64_t>::min();
  std::vector<Step> list_;
};

Result<void> SeriesSnapshot::add_steps(const ChunkSource& source, bool good_only, std::size_t limit,
                                       Steps& steps) const {
  const std::int64_t begin = micros(range_.begin), end = micros(range_.end);
  PlainRows plain;
  for (const Cluster& cluster : clusters()) {
    if (steps.list().size() > limit) break;
    const bool alone = cluster.chunks.size() == 1 && !cluster.with_head && cluster.chunks.front()->plain;
    const SealedChunk* chunk = alone ? cluster.chunks.front().get() : nullptr;
    const bool all_good = alone && (!good_only || chunk->statistics.good == chunk->rows);
    if (all_good && range_.begin <= chunk->first && chunk->last < range_.end &&
        steps.is_one(micros(chunk->first), micros(chunk->last))) {
      Step& step = steps.at(micros(chunk->first));
      step.rows += chunk->rows;
      step.numbers.append(chunk->statistics);
      continue;
    }
    if (all_good) {
      const auto read =
          source.load(chunk->key, [&](std::string_view bytes) { return decode_plain(bytes, group_, plain); });
      if (!read) return read.error();
      const auto place = [&](std::int64_t us) {
        return static_cast<std::size_t>(std::lower_bound(plain.at.begin(), plain.at.end(), us) - plain.at.begin());
      };
      const std::size_t last = place(end);
      for (std::size_t i = place(begin); i < last;) {
        Step& step = steps.at(plain.at[i]);
        const std::size_t next = std::min(last, place(steps.end()));
        step.rows += next - i;
        step.numbers.add({&plain.number[i], next - i});
        i = next;
      }
      continue;
    }
    const auto rows = merged(cluster, source);
    if (!rows) return rows.error();
    const std::size_t last = rows->lower_bound(end);
    for (std::size_t i = rows->lower_bound(begin); i < last; ++i) {
      const Reading row = (*rows)[i];
      if (good_only && !is_good(row.quality)) continue;
      Step& step = steps.at(rows->at[i]);
      ++step.rows;
      if (row.kind != Value::Kind::text) step.numbers.add(row.number, is_good(row.quality));
    }
  }
  return {};
}

Result<std::vector<SeriesSnapshot::Step>> SeriesSnapshot::steps(const ChunkSource& source, Duration step,
                                                                bool good_only, std::size_t limit) const {
  Steps steps{step.count()};
  if (const auto done = add_steps(source, good_only, limit, steps); !done) return done.error();
  return std::move(steps.list());
}

Result<SeriesSnapshot::Step> SeriesSnapshot::total(const ChunkSource& source, bool good_only) const {
  Steps steps{0};
  if (const auto done = add_steps(source, good_only, 1, steps); !done) return done.error();
  if (steps.list().empty()) return Step{range_.begin, 0, {}};
  steps.list().front().start = range_.begin;
  return steps.list().front();
}

}  // namespace takt
