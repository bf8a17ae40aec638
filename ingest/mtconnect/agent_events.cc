#include "ingest/mtconnect/agent_events.h"

#include "ingest/mtconnect/observed_value.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace takt::mtconnect {
namespace {

/// Names may hold what addresses and patterns mean something by.
std::string level(std::string_view name) {
  std::string out{name};
  for (char& c : out) {
    if (c == '/' || c == '*' || c == '#' || c == '{' || c == '}') c = '_';
  }
  return out;
}

/// By the item's id. Of items of one name in one device none is called by it.
std::unordered_map<std::string, std::string> addresses_of(const std::vector<DataItem>& items) {
  std::map<std::pair<std::string, std::string>, int> named;
  for (const DataItem& item : items) ++named[{item.device, item.name}];
  std::unordered_map<std::string, std::string> addresses;
  for (const DataItem& item : items) {
    if (item.device.empty()) continue;
    const bool has_name = !item.name.empty() && named[{item.device, item.name}] == 1;
    addresses[item.id] = level(item.device) + "/" + level(has_name ? item.name : item.id);
  }
  return addresses;
}

std::optional<SignalUse> use_of(const DataItem& item, bool counts_good) {
  if (item.type == "EXECUTION") return SignalUse::state;
  if (item.type != "PART_COUNT") return std::nullopt;
  if (item.sub_type == "GOOD") return SignalUse::good_total;
  if (item.sub_type == "BAD") return SignalUse::scrap_total;
  const bool is_all = item.sub_type.empty() || item.sub_type == "ALL";
  return is_all && !counts_good ? SignalUse::good_total : SignalUse::reading;
}

/// The plant with a rule, after its own, for each data item whose type says what it is.
Plant with_types(Plant plant, const DataSource& source, const std::vector<DataItem>& items) {
  const auto addresses = addresses_of(items);
  std::set<std::string> count_good;
  for (const DataItem& item : items) {
    if (item.type == "PART_COUNT" && item.sub_type == "GOOD") count_good.insert(item.device);
  }
  std::set<std::pair<std::string, SignalUse>> taken;
  for (const DataItem& item : items) {
    auto use = use_of(item, count_good.contains(item.device));
    if (!use || item.device.empty()) continue;
    // A second path's execution is not the machine's state, and two counters are not one.
    if (*use != SignalUse::reading && !taken.insert({item.device, *use}).second) use = SignalUse::reading;
    SignalRule rule;
    rule.source = source.id, rule.match = addresses.at(item.id), rule.as = *use;
    plant.signals.push_back(std::move(rule));
  }
  return plant;
}

}  // namespace

AgentEvents::AgentEvents(const Plant& plant, const DataSource& source, const std::vector<DataItem>& items)
    : mapper_(with_types(plant, source, items), source) {
  const auto addresses = addresses_of(items);
  for (const DataItem& item : items) {
    if (item.device.empty()) continue;
    const std::string& address = addresses.at(item.id);
    items_[item.id] = {item.device, address, mapper_.use_of(address) >= SignalUse::good_total};
  }
}

EventBatch AgentEvents::events(const std::vector<Observation>& observations, Observed observed) {
  EventBatch batch;
  std::vector<std::pair<const Observation*, const Item*>> known;
  for (const Observation& each : observations) {
    if (const auto item = items_.find(each.item); item != items_.end()) known.emplace_back(&each, &item->second);
  }
  const auto moment = [](const auto& each) { return std::tie(each.first->at, each.second->device); };
  std::stable_sort(known.begin(), known.end(),
                   [&](const auto& a, const auto& b) { return moment(a) < moment(b); });
  std::vector<Signal> message;
  for (std::size_t i = 0; i < known.size(); ++i) {
    const auto& [observation, item] = known[i];
    Signal& signal = message.emplace_back();
    signal.address = item->address, signal.at = observation->at;
    signal.republished = observed == Observed::holds;
    set_value(signal, observation->value, item->is_amount);
    if (i + 1 < known.size() && moment(known[i + 1]) == moment(known[i])) continue;
    mapper_.map(message, item->device, batch);
    message.clear();
  }
  return batch;
}

}  // namespace takt::mtconnect
