// What the decoder tests share: a whole body decoded into one list, and events compared field by field.
#pragma once

#include "ingest/decode.h"
#include "schema/event_json.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Every batch of a body, in order; the batches keep the strings.
struct Decoded {
  std::vector<EventBatch> batches;
  std::vector<Event> events;
  std::vector<std::size_t> indexes;
  std::vector<RejectedEvent> rejected;
  std::string error;  ///< of a body in which nothing is readable

  std::size_t size() const { return events.size() + rejected.size(); }
};

/// `body` must outlive the answer.
inline Decoded decode_all(BodyFormat format, std::string_view body) {
  Decoded all;
  Decoder decoder(format, body);
  while (true) {
    EventBatch batch;
    const Result<bool> more = decoder.next(batch);
    if (!more) {
      all.error = more.error().context;
      EXPECT_EQ(more.error().code, ErrorCode::invalid_argument);
      return all;
    }
    if (!*more) return all;
    EXPECT_LE(batch.size(), kMaxBatchEvents);
    EXPECT_EQ(batch.events.size(), batch.indexes.size());
    all.events.insert(all.events.end(), batch.events.begin(), batch.events.end());
    all.indexes.insert(all.indexes.end(), batch.indexes.begin(), batch.indexes.end());
    all.rejected.insert(all.rejected.end(), batch.rejected.begin(), batch.rejected.end());
    all.batches.push_back(std::move(batch));
  }
}

inline std::string json_of(const Event& event) {
  std::string json;
  append_json(json, event);
  return json;
}

/// Equal in every field, NaN and -0 by their bits.
inline bool same(const Event& a, const Event& b) {
  const auto bits = [](double number) { return std::bit_cast<std::uint64_t>(number); };
  return a.type == b.type && a.deleted == b.deleted && a.startup == b.startup && a.action == b.action &&
         a.revision == b.revision && a.machine == b.machine && a.at == b.at && a.end == b.end && a.id == b.id &&
         a.state == b.state && a.reason == b.reason && a.product == b.product && a.order == b.order &&
         a.defect == b.defect && a.tag == b.tag && a.characteristic == b.characteristic && a.serial == b.serial &&
         a.subgroup == b.subgroup && a.result == b.result && a.by == b.by && a.attributes == b.attributes &&
         a.recorded_at == b.recorded_at && a.planned_start == b.planned_start && a.planned_end == b.planned_end &&
         a.good == b.good && a.scrap == b.scrap && a.rework == b.rework && a.good_total == b.good_total &&
         a.scrap_total == b.scrap_total && a.rework_total == b.rework_total && a.quantity == b.quantity &&
         a.value.kind == b.value.kind && a.value.text == b.value.text &&
         bits(a.value.number) == bits(b.value.number) && a.value_quality == b.value_quality &&
         bits(a.kwh_total) == bits(b.kwh_total);
}

}  // namespace takt
