#include "ingest/ingestor.h"

#include <condition_variable>

namespace takt {
namespace {

/// Batches of one request on their way: a few at a time, so that memory stays bounded and the committer busy.
class InFlight {
 public:
  static constexpr std::size_t kBatches = 3;

  void began() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return running_ < kBatches; });
    ++running_;
  }
  void ended(const Result<Receipt>& receipt) {
    const std::lock_guard lock{mutex_};
    if (receipt) {
      accepted_ += receipt->accepted;
      duplicate_ += receipt->duplicate;
      sequence_ = std::max(sequence_, receipt->sequence);
    } else if (!failure_) {
      failure_ = receipt.error();
    }
    --running_;
    changed_.notify_all();
  }
  /// Waits for all and adds their counts to `answer`.
  Result<void> finish(IngestAnswer& answer) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return running_ == 0; });
    answer.accepted += accepted_;
    answer.duplicate += duplicate_;
    answer.sequence = std::max(answer.sequence, sequence_);
    if (failure_) return *failure_;
    return {};
  }
  bool failed() {
    const std::lock_guard lock{mutex_};
    return failure_.has_value();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_ = 0, accepted_ = 0, duplicate_ = 0;
  Sequence sequence_ = 0;
  std::optional<Error> failure_;
};

void note_rejects(const EventBatch& batch, IngestAnswer& answer) {
  answer.rejected += batch.rejected.size();
  for (const RejectedEvent& rejected : batch.rejected) {
    if (answer.rejects.size() >= kMaxRejects) return;
    answer.rejects.push_back({rejected.index, rejected.code, rejected.message, {}});
  }
}

Error overload() {
  return unavailable("overload: more events are waiting than can be taken in; try again in a second");
}

}  // namespace

std::shared_ptr<const PlantIndex> Ingestor::plant_index() {
  const auto plant = store_.plant();
  const std::lock_guard lock{mutex_};
  if (plant != indexed_plant_) {
    indexed_plant_ = plant;
    index_ = std::make_shared<const PlantIndex>(*plant);
  }
  return index_;
}

/// Moves what the plant refuses to the rejected, and describes machines that are new where the plant allows it.
Result<void> Ingestor::prepare(EventBatch& batch) {
  std::vector<std::string> new_machines;
  validate(batch, *plant_index(), store_.clock().now(), new_machines, store_.horizon());
  if (new_machines.empty()) return {};
  return store_.register_machines(new_machines);
}

Result<IngestAnswer> Ingestor::accept(BodyFormat format, std::string_view body, const std::string& source) {
  IngestAnswer answer;
  InFlight in_flight;
  Decoder decoder{format, body};
  std::optional<Error> failure;
  for (;;) {
    EventBatch batch;
    const auto more = decoder.next(batch);
    if (!more) failure = more.error();
    if (!more || !*more || in_flight.failed()) break;
    if (const auto ready = prepare(batch); !ready) {
      failure = ready.error();
      break;
    }
    note_rejects(batch, answer);
    in_flight.began();
    if (!store_.submit(std::move(batch), source,
                       [&](const Result<Receipt>& receipt) { in_flight.ended(receipt); })) {
      in_flight.ended(overload());
    }
  }
  const auto finished = in_flight.finish(answer);
  if (failure) return *failure;
  if (!finished) return finished.error();
  if (answer.sequence == 0) answer.sequence = store_.sequence();
  return answer;
}

Result<IngestAnswer> Ingestor::accept(EventBatch batch, const std::string& source) {
  if (const auto ready = prepare(batch); !ready) return ready.error();
  IngestAnswer answer;
  note_rejects(batch, answer);
  InFlight in_flight;
  in_flight.began();
  if (!store_.submit(std::move(batch), source,
                     [&](const Result<Receipt>& receipt) { in_flight.ended(receipt); })) {
    in_flight.ended(overload());
  }
  if (const auto finished = in_flight.finish(answer); !finished) return finished.error();
  return answer;
}

Result<IngestAnswer> Ingestor::replay_quarantine() {
  constexpr std::size_t kPage = 1000;
  IngestAnswer answer;
  std::uint64_t after = 0;
  for (;;) {
    const std::vector<QuarantineEntry> page = store_.quarantine(after, kPage);
    if (page.empty()) break;
    std::vector<std::uint64_t> accepted;
    for (const QuarantineEntry& entry : page) {
      after = entry.number;
      Decoder decoder{BodyFormat::json, entry.event.raw};
      EventBatch batch;
      const auto decoded = decoder.next(batch);
      if (decoded && *decoded && batch.rejected.empty()) {
        if (const auto ready = prepare(batch); !ready) return ready.error();
      }
      // What is refused once more stays where it is, and is not entered a second time.
      if (!decoded || !*decoded || !batch.rejected.empty() || batch.events.size() != 1) {
        ++answer.rejected;
        continue;
      }
      const auto receipt = store_.commit(std::move(batch), entry.source);
      if (!receipt) return receipt.error();
      answer.accepted += receipt->accepted;
      answer.duplicate += receipt->duplicate;
      answer.sequence = receipt->sequence;
      accepted.push_back(entry.number);
    }
    if (accepted.empty()) continue;
    if (const auto discarded = store_.discard_quarantine(accepted); !discarded) return discarded.error();
  }
  if (answer.sequence == 0) answer.sequence = store_.sequence();
  return answer;
}

}  // namespace takt
