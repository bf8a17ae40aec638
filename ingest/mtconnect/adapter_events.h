// What a live adapter says, held for a moment and made into events.
#pragma once

#include "ingest/mtconnect/mapping.h"
#include "ingest/mtconnect/shdr.h"
#include "ingest/signal_mapper.h"

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace takt::mtconnect {

/// Values of one instant belong together though they come in several lines, so the newest instant is held back
/// until another comes or the adapter pauses. One thread. Memory: kMostHeld values and their text.
class AdapterEvents {
 public:
  static constexpr std::size_t kMostHeld = 4000;

  /// With a mapping its events, else those of the plant's rules.
  AdapterEvents(const Plant& plant, const DataSource& source, std::optional<Mapping> mapping, ShdrKeys keys);

  /// Takes note of whole records, see ShdrStream; lines that cannot be read become rejected events (bad_value).
  void take(std::string_view records);
  /// So many lines were longer than a line may be.
  void too_long(std::uint64_t lines) { too_long_ += lines; }
  bool is_full() const { return samples_.size() >= kMostHeld; }
  bool is_empty() const { return samples_.empty() && faults_.empty() && too_long_ == 0; }

  enum class Hold : std::uint8_t { nothing, newest_instant };
  /// The events of what is held, which is not forgotten before taken(): the same again if asked again.
  EventBatch events(Hold hold);
  void taken();

  /// The connection was lost at `now`: the states that this adapter tells are `unavailable` from then on, or from
  /// the newest instant it told of, if its clock is ahead.
  void lost(Timestamp now);
  /// It is there again: what it says once more holds from now on though it is stamped as before.
  void reconnected(Timestamp now);

 private:
  struct Text {
    std::string key, value;
  };
  void add(const Sample& sample);
  void add_own(Timestamp at, std::string_view key, std::string_view value);
  bool is_state(std::string_view key);
  std::size_t ready(Hold hold);
  EventBatch by_mapping(std::span<const Sample> samples);
  EventBatch by_rules(std::span<const Sample> samples);

  ShdrKeys keys_;
  std::optional<EventStream> stream_, stream_after_;
  std::string execution_;
  SignalMapper mapper_;
  std::deque<Text> texts_;       // of samples_, one by one
  std::vector<Sample> samples_;  // in the order they came
  std::size_t events_of_ = 0;    // so many of them were made events
  std::vector<Fault> faults_;
  std::uint64_t too_long_ = 0;
  std::set<std::string, std::less<>> states_;  // keys that tell a state
  std::map<std::string, std::string, std::less<>> said_again_;
  Timestamp newest_ = kBeginOfTime;
  std::optional<Timestamp> lost_, again_;
};

}  // namespace takt::mtconnect
