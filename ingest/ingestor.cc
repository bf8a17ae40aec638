#include "ingest/ingestor.h"

#include "schema/retention.h"

#include <algorithm>
#include <condition_variable>
#include <future>

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

/// "http" of "http 10.0.0.5".
std::string_view kind_of_source(std::string_view name) { return name.substr(0, name.find(' ')); }

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

/// Tells the source what a batch that is ready holds.
void Ingestor::note(const EventBatch& batch, Source& source) const {
  Timestamp newest = kBeginOfTime;
  for (const Event& event : batch.events) newest = std::max(newest, event.at);
  source.received(store_.clock().now(), batch.size(), newest);
  source.rejected(batch.rejected);
}

void Ingestor::submit(EventBatch batch, const std::shared_ptr<Source>& source, Answered answered) {
  if (const auto ready = prepare(batch); !ready) return answered(ready.error());
  IngestAnswer answer;
  note_rejects(batch, answer);
  note(batch, *source);
  // Of what the queue refuses nobody else calls.
  const auto shared = std::make_shared<Answered>(std::move(answered));
  const bool queued =
      store_.submit(std::move(batch), source->name(),
                    [source, shared, answer = std::move(answer)](const Result<Receipt>& receipt) mutable {
                      if (!receipt) return (*shared)(receipt.error());
                      source->answered(receipt->accepted, receipt->duplicate);
                      answer.accepted = receipt->accepted, answer.duplicate = receipt->duplicate;
                      answer.sequence = receipt->sequence;
                      (*shared)(std::move(answer));
                    });
  if (!queued) (*shared)(overload());
}

Result<std::vector<std::optional<SeriesId>>> Ingestor::series(
    const std::vector<std::pair<std::string_view, std::string_view>>& tags) {
  if (store_.plant()->auto_register) {
    const auto index = plant_index();
    std::vector<std::string> unknown;
    for (const auto& [machine, tag] : tags) {
      const bool known = index->has_machine(machine) || std::ranges::find(unknown, machine) != unknown.end();
      if (!known) unknown.emplace_back(machine);
    }
    if (!unknown.empty()) {
      if (const auto registered = store_.register_machines(unknown); !registered) return registered.error();
    }
  }
  return store_.series(tags);
}

std::pair<Timestamp, Timestamp> Ingestor::reading_times() const {
  const Timestamp now = store_.clock().now();
  return {std::max(kEarliestTime, retained_from(now, store_.plant()->retention_readings_days)), now + kMostAhead};
}

Result<IngestAnswer> Ingestor::check(Delivery& delivery, Source& source) {
  if (const auto ready = prepare(delivery.batch); !ready) return ready.error();
  IngestAnswer answer;
  note_rejects(delivery.batch, answer);
  Timestamp newest = kBeginOfTime;
  for (const Event& event : delivery.batch.events) newest = std::max(newest, event.at);
  for (const std::int64_t at : delivery.readings.at) newest = std::max(newest, from_micros(at));
  source.received(store_.clock().now(), delivery.batch.size() + delivery.readings.size(), newest);
  source.rejected(delivery.batch.rejected);
  return answer;
}

bool Ingestor::submit(Delivery& delivery, const std::shared_ptr<Source>& source,
                      const std::shared_ptr<IngestAnswer>& answer, const Answered& answered) {
  return store_.submit(delivery, [source, answer, answered](const Result<Receipt>& receipt) {
    if (!receipt) return answered(receipt.error());
    source->answered(receipt->accepted, receipt->duplicate);
    answer->accepted = receipt->accepted, answer->duplicate = receipt->duplicate;
    answer->sequence = receipt->sequence;
    answered(std::move(*answer));
  });
}

bool Ingestor::is_busy() const {
  return store_.statistics().queue_events.load(std::memory_order_relaxed) > StoreOptions{}.queue_events / 2;
}

/// `next` fills a batch that is empty; false: there are no more.
template <class Next>
Result<IngestAnswer> Ingestor::accept_batches(const std::string& name, Next next) {
  const auto source = sources_.get(name, kind_of_source(name));
  IngestAnswer answer;
  InFlight in_flight;
  std::optional<Error> failure;
  for (;;) {
    EventBatch batch;
    const Result<bool> more = next(batch);
    if (!more) failure = more.error();
    if (!more || !*more || in_flight.failed()) break;
    if (const auto ready = prepare(batch); !ready) {
      failure = ready.error();
      break;
    }
    note_rejects(batch, answer);
    note(batch, *source);
    in_flight.began();
    if (!store_.submit(std::move(batch), name,
                       [&](const Result<Receipt>& receipt) { in_flight.ended(receipt); })) {
      in_flight.ended(overload());
    }
  }
  const auto finished = in_flight.finish(answer);
  source->answered(answer.accepted, answer.duplicate);
  if (failure) return *failure;
  if (!finished) return finished.error();
  if (answer.sequence == 0) answer.sequence = store_.sequence();
  return answer;
}

Result<IngestAnswer> Ingestor::accept(BodyFormat format, std::string_view body, const std::string& name) {
  Decoder decoder{format, body};
  return accept_batches(name, [&](EventBatch& batch) { return decoder.next(batch); });
}

Result<IngestAnswer> Ingestor::accept(LineDecoder lines, const std::string& name) {
  return accept_batches(name, [&](EventBatch& batch) -> Result<bool> { return lines.next(batch); });
}

Result<IngestAnswer> Ingestor::accept(EventBatch batch, const std::string& source) {
  std::promise<Result<IngestAnswer>> promise;
  submit(std::move(batch), sources_.get(source, kind_of_source(source)),
         [&](Result<IngestAnswer> answer) { promise.set_value(std::move(answer)); });
  return promise.get_future().get();
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
