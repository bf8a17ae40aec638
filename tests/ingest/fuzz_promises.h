// The promises of Decoder that hold for every body, whatever the format.
#pragma once

#include "ingest/decode.h"
#include "schema/event_json.h"
#include "tests/ingest/fuzz.h"
#include "tests/support/fuzz_require.h"

#include <simdjson.h>

#include <string>
#include <string_view>
#include <vector>

namespace takt::fuzz {

/// What became of each event of a body, in order: its canonical JSON, or nothing if it was refused.
struct Outcome {
  bool readable = true;
  std::vector<std::string> events;
};

/// An event that was taken is written as JSON that is taken again, and written alike.
inline std::string written_and_read(const Event& event) {
  std::string json, again;
  append_json(json, event);
  Decoder decoder(BodyFormat::json, json);
  EventBatch batch;
  const Result<bool> more = decoder.next(batch);
  require(more && *more && batch.events.size() == 1 && batch.rejected.empty());
  append_json(again, batch.events[0]);
  require(json == again);
  return json;
}

inline void check_refusal(const RejectedEvent& refused) {
  constexpr std::size_t kMostRaw = std::size_t{64} << 10U, kMostMessage = 1000;
  require(!refused.message.empty() && refused.message.size() <= kMostMessage);
  require(simdjson::validate_utf8(refused.message));
  require(refused.raw.size() <= kMostRaw);
}

/// Under the index that comes next over all batches, each event is either taken or refused.
inline void add_batch(const EventBatch& batch, Outcome& outcome) {
  require(batch.size() > 0 && batch.size() <= kMaxBatchEvents);
  require(batch.events.size() == batch.indexes.size());
  require(batch.raw.empty() || batch.raw.size() == batch.events.size());
  std::size_t taken = 0, refused = 0;
  while (taken < batch.events.size() || refused < batch.rejected.size()) {
    const std::size_t next = outcome.events.size();
    if (taken < batch.events.size() && batch.indexes[taken] == next) {
      outcome.events.push_back(written_and_read(batch.events[taken++]));
      continue;
    }
    require(refused < batch.rejected.size() && batch.rejected[refused].index == next);
    check_refusal(batch.rejected[refused++]);
    outcome.events.emplace_back();
  }
}

/// In a buffer that ends where the data ends, so that AddressSanitizer sees every byte read behind it.
inline Outcome decoded(BodyFormat format, std::string_view data) {
  const std::vector<char> exact(data.begin(), data.end());
  Decoder decoder(format, {exact.data(), exact.size()});
  Outcome outcome;
  while (true) {
    EventBatch batch;
    const Result<bool> more = decoder.next(batch);
    if (!more) {
      require(outcome.events.empty() && more.error().code == ErrorCode::invalid_argument);
      outcome.readable = false;
      return outcome;
    }
    if (!*more) return outcome;
    add_batch(batch, outcome);
  }
}

inline Seen seen(const Outcome& outcome) {
  Seen seen{0, 0, outcome.readable};
  for (const std::string& event : outcome.events) ++(event.empty() ? seen.rejected : seen.accepted);
  return seen;
}

}  // namespace takt::fuzz
