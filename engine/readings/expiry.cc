#include "engine/readings/expiry.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace takt {
namespace {

// Between readings of one chunk, or of neighbouring ones, where nothing depends on how far they are apart.
constexpr Duration kUsualGap = std::chrono::minutes{1};

void prepare_part(Expiry::Part& part) {
  const ChunkList& all = *part.before;
  auto kept = std::make_shared<ChunkList>(all.begin() + static_cast<std::ptrdiff_t>(part.gone), all.end());
  if (!kept->empty()) part.first = part.last = kept->front()->first;
  for (const ChunkRef& chunk : *kept) part.last = std::max(*part.last, chunk->last);
  part.kept = std::move(kept);
}

}  // namespace

void Expiry::prepare() {
  for (Part& part : parts) {
    if (!part.kept) prepare_part(part);
  }
}

void Expiry::take_prepared(Expiry& other) {
  auto at = other.parts.begin();
  for (Part& part : parts) {
    while (at != other.parts.end() && at->series < part.series) ++at;
    if (at == other.parts.end() || at->series != part.series || at->before != part.before) continue;
    part.kept = at->kept;
    part.first = at->first, part.last = at->last;
  }
}

bool Expiry::has_same(const Part& part) const {
  const auto at = std::lower_bound(parts.begin(), parts.end(), part.series,
                                   [](const Part& p, SeriesId id) { return p.series < id; });
  if (at == parts.end() || at->series != part.series) return false;
  const auto end = part.before->begin() + static_cast<std::ptrdiff_t>(part.gone);
  return at->gone == part.gone && at->head_rows == part.head_rows &&
         std::equal(part.before->begin(), end, at->before->begin());
}

std::vector<std::shared_ptr<const StoredChunk>> Expiry::chunks() const {
  std::set<const StoredChunk*> seen;
  std::vector<std::shared_ptr<const StoredChunk>> list;
  for (const Part& part : parts) {
    for (std::size_t i = 0; i < part.gone; ++i) {
      const auto& stored = (*part.before)[i]->stored;
      if (seen.insert(stored.get()).second) list.push_back(stored);
    }
  }
  return list;
}

std::set<std::uint32_t> Expiry::days() const {
  std::set<std::uint32_t> list;
  for (const Part& part : parts) {
    for (std::size_t i = 0; i < part.gone; ++i) list.insert(chunk_day((*part.before)[i]->first));
  }
  return list;
}

std::uint64_t Expiry::rows() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts) {
    sum += part.head_rows;
    for (std::size_t i = 0; i < part.gone; ++i) sum += (*part.before)[i]->rows;
  }
  return sum;
}

std::vector<HeardRun> Expiry::heard(MachineId machine, Duration gap, const ChunkSource& source,
                                    const std::atomic<bool>& given_up) const {
  std::vector<HeardRun> runs;
  const auto add_spans = [&](const Part& part) {
    for (std::size_t i = 0; i < part.gone; ++i)
      runs.push_back({(*part.before)[i]->first, (*part.before)[i]->last});
    if (part.head) runs.push_back(*part.head);
  };
  for (const Part& part : parts) {
    if (part.machine != machine) continue;
    if (gap <= Duration{0}) {
      add_spans(part);
      continue;
    }
    std::vector<HeardRun> of_part;
    const auto read =
        part.readings.scan(source, [&](const ReadingColumns& rows, std::size_t first, std::size_t last) {
          for (std::size_t i = first; i < last; ++i)
            append_run(of_part, {from_micros(rows.at[i]), from_micros(rows.at[i])}, gap);
          return !given_up;
        });
    if (!read) {
      // As in Store::heard_of(): what cannot be read counts as heard throughout, and goes like the rest.
      spdlog::error("readings that go cannot be read for when they were taken: {}", read.error().context);
      add_spans(part);
      continue;
    }
    runs.insert(runs.end(), of_part.begin(), of_part.end());
  }
  return joined_runs(std::move(runs), gap > Duration{0} ? gap : kUsualGap);
}

}  // namespace takt
