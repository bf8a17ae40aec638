// Chunks that are read only as long as somebody waits for what they are read for.
#pragma once

#include "engine/readings/series.h"
#include "query/read_tally.h"

#include <stop_token>
#include <utility>

namespace takt {

/// Gives up with `cancelled` before the next chunk once stop is requested, so that a scan ends within one. Any
/// thread.
class StoppableSource final : public ChunkSource {
 public:
  StoppableSource(const ChunkSource& source, std::stop_token stop) : source_(source), stop_(std::move(stop)) {}

  Result<void> load(const ChunkKey& key,
                    const std::function<Result<void>(std::string_view)>& read) const override {
    if (stop_.stop_requested()) return cancelled();
    ++ReadTally::of_this_thread().chunks;
    return source_.load(key, read);
  }
  Result<std::shared_ptr<const ReadingColumns>> rows(const ChunkKey& key, GroupId group) const override {
    if (stop_.stop_requested()) return cancelled();
    ++ReadTally::of_this_thread().chunks;
    return source_.rows(key, group);
  }

 private:
  const ChunkSource& source_;  // borrowed: the store's
  std::stop_token stop_;
};

}  // namespace takt
