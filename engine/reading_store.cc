#include "engine/reading_store.h"

#include <algorithm>

namespace takt {
namespace {

bool before(const ReadingRow& a, const ReadingRow& b) { return a.at != b.at ? a.at < b.at : a.id < b.id; }

/// Orders rows of several sources and keeps the best of each identity.
ReadingRows winners(ReadingRows all) {
  if (!std::is_sorted(all.rows.begin(), all.rows.end(), before)) {
    std::stable_sort(all.rows.begin(), all.rows.end(), before);
  }
  ReadingRows out;
  out.rows.reserve(all.rows.size());
  for (std::size_t i = 0; i < all.rows.size();) {
    std::size_t best = i, next = i + 1;
    for (; next < all.rows.size() && !before(all.rows[i], all.rows[next]); ++next) {
      if (all.rows[best].rank < all.rows[next].rank) best = next;
    }
    if (!all.rows[best].rank.withdrawn()) out.append(all.rows[best], all);
    i = next;
  }
  return out;
}

}  // namespace

Result<std::optional<Rank>> ReadingGroup::known(Timestamp at, std::uint64_t id, const ChunkSource& chunks) const {
  std::optional<Rank> best;
  const auto consider = [&](const ReadingRow& row) {
    if (!best || *best < row.rank) best = row.rank;
  };
  ReadingRow wanted;
  wanted.at = at;
  wanted.id = id;
  const auto same = [&](const std::vector<ReadingRow>& rows) {
    const auto found = std::lower_bound(rows.begin(), rows.end(), wanted, before);
    if (found != rows.end() && found->at == at && found->id == id) consider(*found);
  };
  if (!last_ || at > *last_) return best;
  same(head_.rows);
  auto chunk = std::partition_point(chunks_.begin(), chunks_.end(),
                                    [&](const ChunkInfo& c) { return c.first < at - longest_chunk_; });
  for (; chunk != chunks_.end() && chunk->first <= at; ++chunk) {
    if (at > chunk->last) continue;
    const auto rows = chunks.load(*chunk);
    if (!rows) return rows.error();
    same((*rows)->rows);
  }
  return best;
}

void ReadingGroup::put(const ReadingRow& row, ReadingRows::Texts texts, Sequence commit) {
  if (head_.rows.empty()) oldest_unsealed_ = commit;
  first_ = std::min(first_.value_or(row.at), row.at);
  last_ = std::max(last_.value_or(row.at), row.at);
  const auto at = std::lower_bound(head_.rows.begin(), head_.rows.end(), row, before);
  const auto index = at - head_.rows.begin();
  const bool replaces = at != head_.rows.end() && !before(row, *at);
  if (replaces) {
    *at = row;
    head_commits_[static_cast<std::size_t>(index)] = commit;
  } else {
    head_.rows.insert(at, row);
    head_commits_.insert(head_commits_.begin() + index, commit);
  }
  ReadingRow& placed = head_.rows[static_cast<std::size_t>(index)];
  placed.extra = 0;
  if (texts != ReadingRows::Texts{}) {
    head_.texts.push_back(std::move(texts));
    placed.extra = static_cast<std::uint32_t>(head_.texts.size());
  }
}

void ReadingGroup::add_chunk(const ChunkInfo& info) {
  const auto at = std::partition_point(chunks_.begin(), chunks_.end(), [&](const ChunkInfo& c) {
    return c.first != info.first ? c.first < info.first : c.sequence < info.sequence;
  });
  chunks_.insert(at, info);
  longest_chunk_ = std::max(longest_chunk_, info.last - info.first);
  next_sequence_ = std::max(next_sequence_, info.sequence + 1);
  sealed_through_ = std::max(sealed_through_, info.sealed_through);
  first_ = std::min(first_.value_or(info.first), info.first);
  last_ = std::max(last_.value_or(info.last), info.last);
}

std::vector<std::pair<ChunkInfo, std::string>> ReadingGroup::encode_head(Sequence through) const {
  std::vector<std::pair<ChunkInfo, std::string>> chunks;
  std::uint32_t sequence = next_sequence_;
  for (std::size_t i = 0; i < head_.rows.size();) {
    ReadingRows part;
    const std::uint32_t day = chunk_day(head_.rows[i].at);
    for (; i < head_.rows.size() && part.rows.size() < kChunkRows && chunk_day(head_.rows[i].at) == day; ++i) {
      part.append(head_.rows[i], head_);
    }
    ChunkInfo info;
    info.machine = machine_;
    info.group = group_;
    info.sealed_through = through;
    info.sequence = sequence++;
    std::string bytes = encode_chunk(part, info);
    chunks.emplace_back(info, std::move(bytes));
  }
  return chunks;
}

void ReadingGroup::clear_head() {
  head_ = {};
  head_commits_.clear();
  oldest_unsealed_ = 0;
}

Result<ReadingRows> ReadingGroup::scan(TimeRange range, const ChunkSource& chunks) const {
  ReadingRows all;
  const auto take = [&](const ReadingRows& from) {
    auto row =
        std::partition_point(from.rows.begin(), from.rows.end(), [&](auto& r) { return r.at < range.begin; });
    for (; row != from.rows.end() && row->at < range.end; ++row) all.append(*row, from);
  };
  auto chunk = std::partition_point(chunks_.begin(), chunks_.end(),
                                    [&](const ChunkInfo& c) { return c.first < range.begin - longest_chunk_; });
  for (; chunk != chunks_.end() && chunk->first < range.end; ++chunk) {
    if (chunk->last < range.begin) continue;
    const auto rows = chunks.load(*chunk);
    if (!rows) return rows.error();
    take(**rows);
  }
  take(head_);
  return winners(std::move(all));
}

Result<void> ReadingGroup::collect_times(const ChunkSource& chunks, std::vector<Timestamp>& times) const {
  const auto rows = scan({kBeginOfTime + longest_chunk_, kEndOfTime}, chunks);
  if (!rows) return rows.error();
  for (const ReadingRow& row : rows->rows) times.push_back(row.at);
  return {};
}

std::vector<TimeRange> ReadingGroup::changed_since(Sequence since) const {
  std::vector<TimeRange> spans;
  for (const ChunkInfo& chunk : chunks_) {
    if (chunk.sealed_through > since) spans.push_back({chunk.first, chunk.last + Duration{1}});
  }
  for (std::size_t i = 0; i < head_.rows.size(); ++i) {
    if (head_commits_[i] > since) spans.push_back({head_.rows[i].at, head_.rows[i].at + Duration{1}});
  }
  return spans;
}

}  // namespace takt
