// The promises of BatchReader that hold for every batch that flatbuffers has verified.
#pragma once

#include "client/frame_writer.h"
#include "ingest/tcp/batch_reader.h"
#include "schema/wire_generated.h"
#include "tests/ingest/fuzz_promises.h"
#include "tests/ingest_tcp/fuzz.h"

#include <cmath>
#include <vector>

namespace takt::fuzz {

inline const ReadingLimits kWireLimits{kEarliestTime, from_micros(4'000'000'000'000'000)};

template <class T>
std::size_t size_of(const flatbuffers::Vector<T>* vector) {
  return vector == nullptr ? 0 : vector->size();
}

/// Columns of one length, of tags that are there, and with nothing in them that the store must not see.
inline void check_readings(const ReadingBlock& block, std::size_t tags) {
  require(block.at.size() == block.size() && block.number.size() == block.size() && block.extras.empty());
  require(block.quality.empty() || block.quality.size() == block.size());
  require(block.kind.empty() || block.kind.size() == block.size());
  for (std::size_t i = 0; i < block.size(); ++i) {
    const Reading row = block[i];
    require(index_of(block.series[i]) < tags && std::isfinite(row.number));
    require(row.at >= kWireLimits.oldest && row.at <= kWireLimits.latest);
    require(row.quality >= kNoQuality && row.quality <= 65535);
    require(row.kind == Value::Kind::number ||
            (row.kind == Value::Kind::boolean && std::abs(row.number - 0.5) == 0.5));
  }
}

/// Under the index that comes next, each row is a reading, an event or refused.
inline void check_indexes(const BatchReader& read) {
  require(read.events.indexes.size() == read.events.events.size());
  std::vector<bool> told(read.size());
  const auto tell = [&](std::size_t index) {
    require(index < told.size() && !told[index]);
    told[index] = true;
  };
  for (const std::size_t index : read.events.indexes) tell(index);
  for (const RejectedEvent& refused : read.events.rejected) tell(refused.index);
  require(read.readings.size() + read.events.size() == read.size());
}

/// What was taken is told by our own client, and is taken again alike.
inline void check_written_again(const EventBatch& batch) {
  const std::string body = client::encode_batch(batch);
  const auto* data = reinterpret_cast<const std::uint8_t*>(body.data());
  flatbuffers::Verifier verifier{data, body.size()};
  require(verifier.VerifyBuffer<wire::Batch>(nullptr));
  const auto* again = flatbuffers::GetRoot<wire::Batch>(data);
  std::vector<WireTag> tags;
  if (again->readings() != nullptr && again->readings()->series() != nullptr) {
    for (const wire::Series* series : *again->readings()->series()) tags.push_back(tag_of(*series));
  }
  BatchReader read;
  require(read.add(*again, tags, kWireLimits).has_value());
  require(read.events.events.size() == batch.events.size());
  require(read.events.rejected.size() == batch.rejected.size());
  std::vector<std::string> before, after;  // the client sends readings first
  for (const Event& event : batch.events) append_json(before.emplace_back(), event);
  for (const Event& event : read.events.events) append_json(after.emplace_back(), event);
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  require(before == after);
}

/// All of a batch is read, or nothing. `limits` are kWireLimits.
inline Seen read_batch(const wire::Batch& batch, const std::vector<WireTag>& tags) {
  BatchReader read;
  if (const auto added = read.add(batch, tags, kWireLimits); !added) {
    require(added.error().code == ErrorCode::invalid_argument);
    require(read.size() == 0 && read.readings.empty() && read.events.size() == 0);
    return {0, 0, false};
  }
  const std::size_t rows = batch.readings() == nullptr ? 0 : size_of(batch.readings()->at());
  require(read.size() == rows + size_of(batch.events()) + size_of(batch.refused()));
  check_readings(read.readings, tags.size());
  check_indexes(read);
  for (const RejectedEvent& refused : read.events.rejected) check_refusal(refused);
  for (const Event& event : read.events.events) written_and_read(event);
  check_written_again(read.events);
  return {read.readings.size() + read.events.events.size(), read.events.rejected.size(), true};
}

}  // namespace takt::fuzz
