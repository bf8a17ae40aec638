#include "ingest/ingestor.h"

#include "ingest/decode_body.h"
#include "ingest/decode_json_event.h"
#include "ingest/stray_signal.h"
#include "schema/retention.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>

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

constexpr std::size_t kMostKnownSeries = 200'000;

const std::string& known_name(std::string_view machine, std::string_view tag, std::string& name) {
  name = machine;
  name += '\0';
  name += tag;
  return name;
}

void add_row(const PlainReadings& plain, std::size_t i, SeriesId series, ReadingBlock& block) {
  block.series.push_back(series);
  block.at.push_back(plain.at[i]);
  block.number.push_back(plain.number[i]);
  block.kind.push_back(plain.kind[i]);
}

void add_event(const PlainReadings& plain, std::size_t i, EventBatch& batch) {
  Event event = plain.event(i);
  event.machine = batch.keep(event.machine);  // the names move while more are read
  event.tag = batch.keep(event.tag);
  batch.events.push_back(event);
  batch.indexes.push_back(plain.index[i]);
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
Result<void> Ingestor::prepare(EventBatch& batch, const Permit* permit) {
  std::vector<std::string> new_machines;
  validate(batch, *plant_index(), store_.clock().now(), new_machines, store_.horizon(), permit);
  if (new_machines.empty()) return {};
  return store_.register_machines(new_machines);
}

/// Tells the source what a delivery that is ready holds.
void Ingestor::note(const EventBatch& batch, const ReadingBlock& readings, Source& source) {
  Timestamp newest = kBeginOfTime;
  for (const Event& event : batch.events) newest = std::max(newest, event.at);
  for (const std::int64_t at : readings.at) newest = std::max(newest, from_micros(at));
  source.received(store_.clock().now(), batch.size() + readings.size(), newest);
  source.rejected(batch.rejected);
  machine_rejects_.add(batch.rejected);
}

void Ingestor::submit(EventBatch batch, const std::shared_ptr<Source>& source, Answered answered) {
  if (const auto ready = prepare(batch); !ready) return answered(ready.error());
  IngestAnswer answer;
  note_rejects(batch, answer);
  note(batch, {}, *source);
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
    const std::vector<std::pair<std::string_view, std::string_view>>& tags, const Permit* permit) {
  if (permit != nullptr && permit->role == Role::operating)
    return SeriesNumbers(tags.size());  // he sends no readings
  if (permit == nullptr || !permit->is_limited()) return series_of_all(tags);
  const MachineReach reach{*permit, *store_.plant()};
  std::vector<std::pair<std::string_view, std::string_view>> own;
  for (const auto& tag : tags) {
    if (reach.covers(tag.first)) own.push_back(tag);
  }
  const auto numbers = series_of_all(own);
  if (!numbers) return numbers.error();
  SeriesNumbers all(tags.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (reach.covers(tags[i].first)) all[i] = (*numbers)[next++];
  }
  return all;
}

Result<Ingestor::SeriesNumbers> Ingestor::series_of_all(
    const std::vector<std::pair<std::string_view, std::string_view>>& tags) {
  SeriesNumbers found;
  if (find_known(tags, found)) return found;
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
  const auto plant = store_.plant();
  auto numbers = store_.series(tags);
  if (numbers) remember(tags, *numbers, plant);
  return numbers;
}

bool Ingestor::find_known(const std::vector<std::pair<std::string_view, std::string_view>>& tags,
                          SeriesNumbers& numbers) {
  const auto plant = store_.plant();
  std::string name;
  const std::shared_lock lock{known_series_.mutex};
  if (known_series_.plant != plant) return false;
  for (const auto& [machine, tag] : tags) {
    const auto known = known_series_.numbers.find(known_name(machine, tag, name));
    if (known == known_series_.numbers.end()) return false;
    numbers.emplace_back(known->second);
  }
  return true;
}

void Ingestor::remember(const std::vector<std::pair<std::string_view, std::string_view>>& tags,
                        const SeriesNumbers& numbers, const std::shared_ptr<const Plant>& plant) {
  std::string name;
  const std::lock_guard lock{known_series_.mutex};
  if (known_series_.plant != plant || known_series_.numbers.size() > kMostKnownSeries)
    known_series_.numbers.clear();
  known_series_.plant = plant;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (numbers[i]) known_series_.numbers.emplace(known_name(tags[i].first, tags[i].second, name), *numbers[i]);
  }
}

std::pair<Timestamp, Timestamp> Ingestor::reading_times() const {
  const Timestamp now = store_.clock().now();
  return {std::max(kEarliestTime, retained_from(now, store_.plant()->retention_readings_days)), now + kMostAhead};
}

Result<IngestAnswer> Ingestor::check(Delivery& delivery, Source& source, const Permit* permit) {
  if (const auto ready = prepare(delivery.batch, permit); !ready) return ready.error();
  IngestAnswer answer;
  note_rejects(delivery.batch, answer);
  note(delivery.batch, delivery.readings, source);
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

/// `next` fills a delivery that is empty; false: there are no more.
template <class Next>
Result<IngestAnswer> Ingestor::accept_batches(const Sender& sender, Next next) {
  const auto source = sources_.get(sender.name, kind_of_source(sender.name));
  IngestAnswer answer;
  InFlight in_flight;
  std::optional<Error> failure;
  for (;;) {
    Delivery delivery;
    delivery.source = sender.name;
    const Result<bool> more = next(delivery);
    if (!more) failure = more.error();
    if (!more || !*more || in_flight.failed()) break;
    if (const auto ready = prepare(delivery.batch, sender.permit.get()); !ready) {
      failure = ready.error();
      break;
    }
    note_rejects(delivery.batch, answer);
    note(delivery.batch, delivery.readings, *source);
    in_flight.began();
    if (!store_.submit(delivery, [&](const Result<Receipt>& receipt) { in_flight.ended(receipt); }))
      in_flight.ended(overload());
  }
  const auto finished = in_flight.finish(answer);
  source->answered(answer.accepted, answer.duplicate);
  if (failure) return *failure;
  if (!finished) return finished.error();
  if (answer.sequence == 0) answer.sequence = store_.sequence();
  return answer;
}

Result<IngestAnswer> Ingestor::accept(BodyFormat format, std::string_view body, const Sender& sender) {
  Decoder decoder{format, body};
  return accept_batches(sender, [&](Delivery& delivery) { return decoder.next(delivery.batch); });
}

Result<IngestAnswer> Ingestor::accept(LineDecoder lines, const Sender& sender) {
  PlainReadings plain;
  SeriesNumbers numbers;
  return accept_batches(sender, [&](Delivery& delivery) -> Result<bool> {
    if (!lines.next(delivery.batch, &plain)) return false;
    if (const auto placed = place(plain, numbers, delivery, sender.permit.get()); !placed) return placed.error();
    return true;
  });
}

/// Moves the rows of `plain` into the delivery: into its block, or where the plant or the clock has something to
/// say about them, among its events, to be judged. `numbers` are those of its names so far.
Result<void> Ingestor::place(PlainReadings& plain, SeriesNumbers& numbers, Delivery& delivery,
                             const Permit* permit) {
  if (numbers.size() < plain.names.size()) {
    std::vector<std::pair<std::string_view, std::string_view>> tags;
    for (std::size_t i = numbers.size(); i < plain.names.size(); ++i)
      tags.emplace_back(plain.names[i].machine, plain.names[i].tag);
    const auto named = series(tags, permit);
    if (!named) return named.error();
    numbers.insert(numbers.end(), named->begin(), named->end());
  }
  const auto [oldest, latest] = reading_times();
  for (std::size_t i = 0; i < plain.size(); ++i) {
    const auto& number = numbers[plain.name[i]];
    const bool good = number && plain.at[i] >= micros(oldest) && plain.at[i] <= micros(latest);
    good ? add_row(plain, i, *number, delivery.readings) : add_event(plain, i, delivery.batch);
  }
  if (std::ranges::all_of(delivery.readings.kind, [](auto kind) { return kind == Value::Kind::number; }))
    delivery.readings.kind.clear();
  plain.resize(0);
  return {};
}

Result<IngestAnswer> Ingestor::accept(EventBatch batch, const std::string& source) {
  std::promise<Result<IngestAnswer>> promise;
  submit(std::move(batch), sources_.get(source, kind_of_source(source)),
         [&](Result<IngestAnswer> answer) { promise.set_value(std::move(answer)); });
  return promise.get_future().get();
}

Result<IngestAnswer> Ingestor::replay_quarantine() {
  constexpr std::size_t kPage = 1000;
  const std::lock_guard one_at_a_time{replaying_};
  IngestAnswer answer;
  for (std::uint64_t after = 0;;) {
    const std::vector<QuarantineEntry> page = store_.quarantine(after, kPage);
    if (page.empty()) break;
    after = page.back().number;
    std::map<std::string_view, std::vector<const QuarantineEntry*>> by_source;
    for (const QuarantineEntry& entry : page) by_source[entry.source].push_back(&entry);
    for (const auto& [source, entries] : by_source) {
      if (const auto tried = try_again(std::string{source}, entries, answer); !tried) return tried.error();
    }
  }
  if (answer.sequence == 0) answer.sequence = store_.sequence();
  return answer;
}

/// Entries of one source, in one commit. What is refused once more stays where it is, and is not entered a second
/// time.
Result<void> Ingestor::try_again(const std::string& name, const std::vector<const QuarantineEntry*>& entries,
                                 IngestAnswer& answer) {
  std::deque<std::string> mended;
  EventBatch batch;  // its strings are of the entries, too: they outlive the commit
  JsonEventParser parser;
  StraySignals strays{*store_.plant(), name};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const RejectedEvent& refused = entries[i]->event;
    std::string_view raw = trim(refused.raw);
    if (is_stray(refused)) {
      const auto claimed = strays.claimed(raw);
      if (claimed) raw = mended.emplace_back(*claimed);
    }
    parser.decode(raw, raw.size(), i, batch);
  }
  if (const auto ready = prepare(batch); !ready) return ready.error();
  answer.rejected += batch.rejected.size();
  if (batch.events.empty()) return {};
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> machines;
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    numbers.push_back(entries[batch.indexes[i]]->number);
    machines.emplace_back(batch.events[i].machine);
  }
  batch.rejected.clear();
  const auto receipt = store_.commit(std::move(batch), name);
  if (!receipt) return receipt.error();
  const auto source = sources_.get(name, kind_of_source(name));
  source->answered(receipt->accepted, receipt->duplicate);
  source->add_replayed(numbers.size());
  for (const std::string& machine : machines) machine_rejects_.replayed(machine);
  answer.accepted += receipt->accepted;
  answer.duplicate += receipt->duplicate;
  answer.sequence = std::max(answer.sequence, receipt->sequence);
  return store_.discard_quarantine(numbers);
}

}  // namespace takt
