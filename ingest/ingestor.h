// The only way in: bytes or events of any transport, decoded, judged and made durable.
#pragma once

#include "engine/store.h"
#include "ingest/data_quality.h"
#include "ingest/decode.h"
#include "ingest/line_protocol.h"
#include "ingest/plain_readings.h"
#include "ingest/sources.h"
#include "ingest/validate.h"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace takt {

/// What became of a request. The three counts add up to the events that it held.
struct IngestAnswer {
  std::size_t accepted = 0, duplicate = 0, rejected = 0;
  std::vector<RejectedEvent> rejects;  ///< by index, without `raw`; the first kMaxRejects of them
  Sequence sequence = 0;
};
inline constexpr std::size_t kMaxRejects = 10'000;

/// Who sends: a name for the quarantine and sources(), its kind first, and what he may; none: everything.
struct Sender {
  Sender(std::string given, std::shared_ptr<const Permit> may = {})  // NOLINT: most have a name alone
      : name(std::move(given)), permit(std::move(may)) {}
  Sender(const char* given) : Sender(std::string{given}) {}  // NOLINT

  std::string name;
  std::shared_ptr<const Permit> permit;
};

/// Decodes, validates against the newest plant and hands over to the store. Any number of threads.
class Ingestor {
 public:
  explicit Ingestor(Store& store) : store_(store) {}

  /// Takes a body in and waits until all of it is durable and in every figure. invalid_argument: nothing readable;
  /// unavailable: overload or a read-only store. Events of a body that were taken in before it became unavailable
  /// stay: sending it again is harmless.
  Result<IngestAnswer> accept(BodyFormat format, std::string_view body, const Sender& sender);
  /// The same of line protocol; indexes are numbers of lines, from 1. What holds no line at all is fine.
  Result<IngestAnswer> accept(LineDecoder lines, const Sender& sender);
  /// The same with events that are decoded already.
  Result<IngestAnswer> accept(EventBatch batch, const std::string& source);
  using Answered = std::function<void(Result<IngestAnswer>)>;
  /// The same without waiting: `answered` is called on the committer's thread when all of it is durable and in
  /// every figure, or at once where it is refused (unavailable). It must not wait for other answers.
  void submit(EventBatch batch, const std::shared_ptr<Source>& source, Answered answered);

  /// The numbers of tags, (machine, tag); machines that are new are described first where the plant allows it.
  /// Nothing where a machine is not described, or is not one of the permit's, or that is an operator's. May wait
  /// for a change of the plant.
  Result<std::vector<std::optional<SeriesId>>> series(
      const std::vector<std::pair<std::string_view, std::string_view>>& tags, const Permit* permit = nullptr);
  /// Which times of readings are taken in now.
  std::pair<Timestamp, Timestamp> reading_times() const;
  /// Judges the events of a delivery, once, before it is submitted; the answer has what was refused.
  Result<IngestAnswer> check(Delivery& delivery, Source& source, const Permit* permit = nullptr);
  /// Hands over a delivery that was checked. False: overload; nothing has happened, try again later.
  bool submit(Delivery& delivery, const std::shared_ptr<Source>& source,
              const std::shared_ptr<IngestAnswer>& answer, const Answered& answered);
  /// So much is waiting that who fetches data had better fetch no more for a moment; submit() still takes some.
  bool is_busy() const;
  /// Why nothing is taken in at the moment; empty: all is well.
  std::string read_only_reason() const { return store_.read_only_reason(); }
  /// Identifies the store, for names that must outlive a restart.
  const std::string& store_id() const { return store_.id(); }

  const MachineRejects& rejects_by_machine() const { return machine_rejects_; }
  /// Everybody who sends.
  Sources& sources() { return sources_; }
  /// Tries quarantined events again; those that are accepted, or known by now, leave the quarantine. A second call
  /// waits for the first.
  Result<IngestAnswer> replay_quarantine();
  /// Where everything goes, for who keeps a note of how far he has come.
  Store& store() { return store_; }

 private:
  std::shared_ptr<const PlantIndex> plant_index();
  Result<void> prepare(EventBatch& batch, const Permit* permit = nullptr);
  void note(const EventBatch& batch, const ReadingBlock& readings, Source& source);
  template <class Next>
  Result<IngestAnswer> accept_batches(const Sender& sender, Next next);
  using SeriesNumbers = std::vector<std::optional<SeriesId>>;
  Result<void> try_again(const std::string& name, const std::vector<const QuarantineEntry*>& entries,
                         IngestAnswer& answer);
  Result<SeriesNumbers> series_of_all(const std::vector<std::pair<std::string_view, std::string_view>>& tags);
  Result<void> place(PlainReadings& plain, SeriesNumbers& numbers, Delivery& delivery, const Permit* permit);

  /// Numbers that were asked for under one plant, machine and tag with a zero byte between: to ask the store for
  /// them waits for a commit.
  struct KnownSeries {
    std::shared_mutex mutex;
    std::shared_ptr<const Plant> plant;
    std::unordered_map<std::string, SeriesId> numbers;
  };
  bool find_known(const std::vector<std::pair<std::string_view, std::string_view>>& tags, SeriesNumbers& numbers);
  void remember(const std::vector<std::pair<std::string_view, std::string_view>>& tags,
                const SeriesNumbers& numbers, const std::shared_ptr<const Plant>& plant);

  Store& store_;  // borrowed: the owner destroys the ingestor before the store
  Sources sources_;
  MachineRejects machine_rejects_;
  std::mutex replaying_;
  std::mutex mutex_;
  std::shared_ptr<const Plant> indexed_plant_;
  std::shared_ptr<const PlantIndex> index_;
  KnownSeries known_series_;
};

}  // namespace takt
