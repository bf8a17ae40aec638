// The only way in: bytes or events of any transport, decoded, judged and made durable.
#pragma once

#include "engine/store.h"
#include "ingest/decode.h"
#include "ingest/validate.h"

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// What became of a request. The three counts add up to the events that it held.
struct IngestAnswer {
  std::size_t accepted = 0, duplicate = 0, rejected = 0;
  std::vector<RejectedEvent> rejects;  ///< by index, without `raw`; the first kMaxRejects of them
  Sequence sequence = 0;
};
inline constexpr std::size_t kMaxRejects = 10'000;

/// Decodes, validates against the newest plant and hands over to the store. Any number of threads.
class Ingestor {
 public:
  explicit Ingestor(Store& store) : store_(store) {}

  /// Takes a body in and waits until all of it is durable and in every figure. `source` names the sender in the
  /// quarantine. invalid_argument: nothing readable; unavailable: overload or a read-only store. Events of a body
  /// that were taken in before it became unavailable stay: sending it again is harmless.
  Result<IngestAnswer> accept(BodyFormat format, std::string_view body, const std::string& source);
  /// The same with events that are decoded already.
  Result<IngestAnswer> accept(EventBatch batch, const std::string& source);
  /// Tries quarantined events again; those that are accepted, or known by now, leave the quarantine.
  Result<IngestAnswer> replay_quarantine();

 private:
  std::shared_ptr<const PlantIndex> plant_index();
  Result<void> prepare(EventBatch& batch);

  Store& store_;  // borrowed: the owner destroys the ingestor before the store
  std::mutex mutex_;
  std::shared_ptr<const Plant> indexed_plant_;
  std::shared_ptr<const PlantIndex> index_;
};

}  // namespace takt
