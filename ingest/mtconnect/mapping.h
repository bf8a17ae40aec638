// What the keys of an adapter log mean: a small TOML file, and the events made with it.
#pragma once

#include "ingest/mtconnect/shdr.h"
#include "ingest/steps.h"
#include "schema/event.h"
#include "schema/result.h"

#include <boost/json/object.hpp>

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace takt::mtconnect {

/// The file, every key but `machine` optional:
/// ```toml
/// machine = "OKUMA"                 # the machine all events belong to
/// execution = "pexecution"          # its values become states; MTConnect's Execution names are built in
/// availability = "avail"            # while it is UNAVAILABLE the state is `unavailable`
/// good_total = "ppartcount"         # a counter: its resets are the engine's business; also scrap_total
/// product = "pprogram"              # the counts' product: the latest value at their time
/// attributes = ["pmode", "fmode"]   # their latest values go along with each state
/// readings = "numeric"              # every number of any key not named above; or a list of keys
/// without = ["ApplicationVersion"]  # but not these
/// conditions = []                   # keys of conditions and messages, see ShdrKeys
/// messages = []
/// [tags]                            # other names for the tags of readings
/// S1load = "spindle1.load"
/// [states]                          # other names for execution values
/// ACTIVE = "running"
/// ```
struct Mapping {
  std::string machine;
  std::string execution, availability, good_total, scrap_total, product;
  std::vector<std::string> attributes;
  bool numeric_readings = false;
  std::vector<std::string> readings, without;
  ShdrKeys keys;
  std::map<std::string, std::string, std::less<>> tags, states;
};

/// Errors name file, key and remedy.
Result<Mapping> parse_mapping(std::string_view toml, std::string_view file_name);
/// The same keys but `machine`, as the options of a [[source]] hold them.
Result<Mapping> mapping_of(const boost::json::object& options, const std::string& machine, std::string_view where);

/// Samples to events, a few at a time: what a live stream tells becomes the same events as its log does.
///
/// Values of one instant: a program or attribute is known before the state or count beside it. Of several readings
/// of one key the last wins, as it would in the adapter. Several states or counter values are all true, one after
/// the other, and two true events of one instant need different identities: from the second on they carry `id`
/// "0001", "0002" ... in the order they came in. UNAVAILABLE and empty values end a state (`unavailable`), and are
/// no count and no reading.
///
/// One thread at a time; copies are independent. Memory: the last changes of each key that is named, and the
/// kMostInstants newest instants.
class EventStream {
 public:
  static constexpr std::size_t kMostInstants = 4096;

  explicit EventStream(Mapping mapping) : mapping_(std::move(mapping)) {}

  /// Adds the events of `samples`, in order of time (which sorts them), to `batch`, which owns their strings;
  /// `indexes` holds their lines. Counter values that are no whole number from 0 become faults. For ids as those
  /// of the log an instant's samples may come in several calls; for contents as those of the log they should not.
  void add(std::span<Sample> samples, EventBatch& batch, std::vector<Fault>& faults);
  /// The adapter was connected anew and says again what it said last: a state or count that is the last of its
  /// instant, up to the newest instant so far, is no second one.
  void reconnected() { repeated_until_ = newest_; }

 private:
  /// What an instant had of one type of events.
  struct Told {
    unsigned events = 0;
    std::string last;
  };
  using Instant = std::array<Told, 2>;  // states, counts

  void add_instant(std::span<const Sample> samples);
  void take_context(const Sample& sample);
  bool add(const Sample& sample);
  bool is_reading(const Sample& sample) const;
  bool is_unavailable(Timestamp t) const;
  void add_state(const Sample& sample);
  void add_count(const Sample& sample);
  void add_reading(const Sample& sample);
  Event event(EventType type, const Sample& sample);
  std::optional<std::string_view> next_id(EventType type, const Sample& sample, std::string content);
  std::string_view attributes_json(Timestamp t);
  void push(const Event& event, const Sample& sample);

  Mapping mapping_;
  Steps product_, execution_, availability_;
  std::map<std::string, Steps, std::less<>> attributes_;
  std::map<Timestamp, Instant> instants_;
  Timestamp newest_ = kBeginOfTime, repeated_until_ = kBeginOfTime;
  EventBatch* batch_ = nullptr;           // during add()
  std::vector<Fault>* faults_ = nullptr;  // during add()
  std::map<std::string_view, const Sample*> last_reading_;
};

/// The events of a log in order of time, whatever the order of its lines. `indexes` of the batch holds the line
/// each event comes from; the batch owns all strings. Counter values that are no whole number from 0 become
/// faults. See EventStream.
void append_events(Log& log, const Mapping& mapping, EventBatch& batch);

}  // namespace takt::mtconnect
