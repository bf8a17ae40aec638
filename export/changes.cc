#include "export/changes.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <boost/json.hpp>

#include "export/rows.h"

namespace takt {
namespace {

constexpr Duration kTick{1};

std::string digest(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

/// What every machine's figures depend on: names, and what only answers show, left out.
std::string common_settings(const PlantVersion& version) {
  boost::json::object all = to_json(version.plant());
  boost::json::object& plant = all.at("plant").as_object();
  for (const char* key : {"id", "name", "auto_register"}) plant.erase(key);
  for (const char* key : {"retention", "area", "line", "machine", "product", "tag", "alert", "characteristic",
                          "recipe", "ideal_cycle", "defect"}) {
    all.erase(key);
  }
  for (boost::json::value& reason : all.at("reason").as_array()) reason.as_object().erase("name");
  return fmt::format("{}{}{}", micros(version.valid().begin), micros(version.valid().end),
                     boost::json::serialize(all));
}

/// Spans of cells that changed after `commit`.
void add_changed(const CellTable& cells, Sequence commit, Intervals& out) {
  for (const Cell& cell : cells) {
    if (cell.revision > commit) out.add(cell.range);
  }
}

/// Where the timeline may have changed with a moment of it: from the stretch that it lies in on. How far on is
/// not known here: silences go on with the state before them, and a classification without an end reaches to the
/// end of its stretch, of which there may be two now where there was one. Live events are near now, so this is
/// little.
TimeRange affected_from(const MachineRecord& record, TimeRange touched, Timestamp now) {
  const std::vector<Segment> segments =
      record.timeline().segments({touched.begin - kTick, touched.begin + kTick}, now);
  return {segments.empty() ? touched.begin : std::min(segments.front().range.begin, touched.begin), now};
}

/// When one of the orders was first spoken of. Pieces from then on may take product and order from it: a start
/// knows its product from the plan, and where another order ran meanwhile is not known here.
Timestamp first_mention(const StoreView& view, const MachineRecord& record,
                        const std::set<std::string, std::less<>>& orders) {
  for (const OrderRecord& order : record.pieces().orders()) {
    if (orders.contains(view.names().text(order.order))) return order.at;
  }
  return kEndOfTime;
}

/// Where silence may have changed: for the time-out after a moment at which something was heard, or is no more.
Intervals silences(const StoreView& view, MachineId machine, Duration timeout, Sequence commit, Touches& touches) {
  Intervals out;
  for (const TimeRange& heard : touches.heard.ranges()) out.add({heard.begin, heard.end + timeout});
  for (const ReadingSeries* series : view.series_of(machine)) {
    for (const TimeRange& read : series->changed_since(commit)) out.add({read.begin, read.end + timeout});
  }
  return out;
}

}  // namespace

void Touches::add(const Event& event) {
  const TimeRange moment{event.at, event.at + kTick};
  if (event.type != EventType::classify) heard.add(moment);
  // A cycle is heard at its end, and which end a correction has replaced is not known here.
  if (event.type == EventType::cycle) heard.add({event.at, kEndOfTime});
  switch (event.type) {
    case EventType::state:
      timeline.add(moment);
      break;
    case EventType::classify:
      timeline.add({event.at, std::max(event.end, event.at + kTick)});
      break;
    case EventType::count:
      pieces.add(moment);
      break;
    case EventType::cycle:
      pieces.add(event.end == kBeginOfTime ? moment : TimeRange{event.end, event.end + kTick});
      break;
    case EventType::order:
      orders.emplace(event.order);
      break;
    case EventType::reading:
    case EventType::quality:
    case EventType::energy:
      break;
  }
}

const std::string& PlantDigests::machine(std::string_view id) const {
  static const std::string kNone = "none";
  const auto found = machines.find(id);
  return found == machines.end() ? kNone : found->second;
}

PlantDigests digests_of(const std::vector<std::shared_ptr<PlantVersion>>& versions) {
  std::string whole, common;
  std::map<std::string, std::string, std::less<>> own;
  for (const auto& version : versions) {
    const Plant& plant = version->plant();
    const boost::json::object all = to_json(plant);
    whole += fmt::format("{}{}", micros(version->valid().begin), boost::json::serialize(all));
    common += common_settings(*version);
    for (std::size_t i = 0; i < plant.machines.size(); ++i) {
      boost::json::object machine = all.at("machine").as_array()[i].as_object();
      machine.erase("name");
      const Line* line = plant.line(plant.machines[i].line);
      own[plant.machines[i].id] +=
          boost::json::serialize(machine) + '@' + (line == nullptr ? "" : line->area) + '\n';
    }
    for (const boost::json::value& cycle : all.at("ideal_cycle").as_array()) {
      own[std::string{cycle.at("machine").as_string()}] += boost::json::serialize(cycle) + '\n';
    }
  }
  PlantDigests digests{digest(whole), {}};
  for (const auto& [id, settings] : own) digests.machines[id] = digest(common + settings);
  return digests;
}

MachineChanges changes_of(const StoreView& view, MachineId machine, const ExportedMachine& previous,
                          const LastFlush& last, Touches& touches, Timestamp now) {
  MachineChanges changes;
  const MachineRecord& record = view.machine(machine);
  const auto span = exported_span(view, machine, now);
  // A machine that is switched off has less time than before: its last event was withdrawn.
  changes.everything = previous.last_event && record.end_of_time() < *previous.last_event;
  if (!span || changes.everything) return changes;
  if (!previous.from || span->begin > *previous.from) {
    changes.everything = true;
    return changes;
  }
  // New first days: an event came in from before all others.
  changes.figures.add({span->begin, *previous.from});
  // The tick before: what ended with the last flush may turn out to have ended there indeed.
  changes.figures.add({std::min(last.at, now) - kTick, std::max(last.at, now) + kTick});
  add_changed(record.cells(Grain::hour), last.commit, changes.figures);
  add_changed(record.cells(Grain::shift), last.commit, changes.shifts);
  add_changed(record.cells(Grain::day), last.commit, changes.days);
  // What followed from the last state may have been settled since then, and differently.
  if (record.tail_revision() > last.commit) {
    changes.figures.add({std::min(record.settled_until(), previous.settled.value_or(kBeginOfTime)), now});
  }
  // Silence, and the end of a machine that is switched off, follow from the last time it was heard, without a
  // commit in the buckets that they reach into.
  const MachineSettings& settings = view.master().latest().settings(machine);
  if (previous.last_event && !settings.active) changes.figures.add({*previous.last_event, now});
  if (settings.silence_timeout > Duration{0}) {
    touches.timeline.add(silences(view, machine, settings.silence_timeout, last.commit, touches));
    if (previous.last_event) touches.timeline.add({*previous.last_event, now});
  }
  changes.stops.add(changes.figures);
  if (!touches.timeline.empty()) {
    const TimeRange affected = affected_from(record, touches.timeline.ranges().front(), now);
    changes.figures.add(affected);
    changes.stops.add(affected);
  }
  for (const TimeRange& touched : touches.pieces.ranges()) changes.figures.add(touched);
  if (!touches.orders.empty()) changes.figures.add({first_mention(view, record, touches.orders), now});
  changes.orders = !touches.orders.empty();
  return changes;
}

}  // namespace takt
