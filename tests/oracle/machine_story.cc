#include "tests/oracle/machine_story.h"

#include <algorithm>
#include <tuple>

namespace takt::oracle {
namespace {

/// When an event takes effect: a cycle at its end.
Timestamp happens_at(const Json& event) {
  return event.at("type") == "cycle" ? *time_of(event, "end") : identity_time(event);
}

/// The machine's events of one type up to now; by their times, then by the rest of their identities.
std::vector<Occurrence> chosen(const std::vector<Json>& live, const std::string& machine, const char* type,
                               Timestamp now) {
  std::vector<Occurrence> events;
  for (const Json& event : live) {
    if (event.at("machine") != machine || event.at("type") != type) continue;
    if (happens_at(event) <= now) events.push_back({happens_at(event), event});
  }
  // live_events() has those of one instant in the order of their identities already.
  std::stable_sort(events.begin(), events.end(),
                   [](const Occurrence& a, const Occurrence& b) { return a.at < b.at; });
  return events;
}

std::vector<Timestamp> heard_times(const std::vector<Json>& live, const std::string& machine, Timestamp now) {
  std::vector<Timestamp> heard;
  for (const Json& event : live) {
    if (event.at("machine") != machine || event.at("type") == "classify") continue;
    if (happens_at(event) <= now) heard.push_back(happens_at(event));
  }
  std::sort(heard.begin(), heard.end());
  return heard;
}

/// The last thing that it did or that was made of it, whenever that is.
Timestamp last_event(const std::vector<Json>& live, const std::string& machine) {
  Timestamp last = kBeginOfTime;
  for (const Json& event : live) {
    if (event.at("machine") != machine || event.at("type") == "classify" || event.at("type") == "reading")
      continue;
    last = std::max(last, happens_at(event));
  }
  return last;
}

Timestamp first_of(const std::vector<Timestamp>& heard, Timestamp needed_from) {
  return heard.empty() ? needed_from : std::min(heard.front(), needed_from);
}

}  // namespace

MachineStory::MachineStory(const Descriptions& descriptions, const std::string& machine,
                           const std::vector<Json>& live, Timestamp now, Timestamp needed_from)
    : descriptions_(descriptions),
      machine_(machine),
      silence_timeout_(machine_of(descriptions.newest(), machine).silence_timeout),
      now_(now),
      end_of_time_(machine_of(descriptions.newest(), machine).active ? kEndOfTime : last_event(live, machine)),
      states_(chosen(live, machine, "state", now)),
      orders_(chosen(live, machine, "order", now)),
      counts_(chosen(live, machine, "count", now)),
      cycles_(chosen(live, machine, "cycle", now)),
      heard_(heard_times(live, machine, now)),
      calendar_(descriptions, machine, {first_of(heard_, needed_from), std::max(now, needed_from)}) {
  for (const Occurrence& classify : chosen(live, machine, "classify", now)) {
    classifications_.push_back({time_of_classification(classify), classify.event});
  }
  const std::vector<Timestamp> cuts = all_cuts();
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) pieces_.push_back(piece({cuts[i], cuts[i + 1]}));
  tell_stops();
  tell_outputs();
}

// --- state, reason and category of an instant

bool MachineStory::silent_at(Timestamp t) const {
  if (silence_timeout_ == Duration{0}) return false;
  std::optional<Timestamp> last;
  for (const Timestamp heard : heard_) {
    if (heard <= t) last = heard;
  }
  return last && t >= *last + silence_timeout_;
}

const Occurrence* MachineStory::state_event_at(Timestamp t) const {
  const Occurrence* last = nullptr;
  for (const Occurrence& state : states_) {
    if (state.at <= t) last = &state;
  }
  return last;
}

State MachineStory::state_at(Timestamp t) const {
  const Occurrence* state = state_event_at(t);
  if (state == nullptr || silent_at(t)) return {};
  return state_named(plant_at(t), state->event.at("state"));
}

bool MachineStory::can_have_reason_at(Timestamp t) const {
  const std::string category = state_at(t).category;
  return category != "production" && category != "unknown";
}

/// Without an end: to the end of the unbroken stretch of explainable time that holds the start.
TimeRange MachineStory::time_of_classification(const Occurrence& classify) const {
  const Timestamp start = classify.at;
  if (const std::optional<Timestamp> end = time_of(classify.event, "end")) return {start, *end};
  if (!can_have_reason_at(start)) return {start, start};
  for (const Timestamp cut : cuts_of_states()) {
    if (cut > start && cut < kEndOfTime && !can_have_reason_at(cut)) return {start, cut};
  }
  return {start, kEndOfTime};
}

const Classification* MachineStory::classification_at(Timestamp t) const {
  auto rank = [](const Classification& classification) {
    const Json& event = classification.event;
    return std::tuple(time_of(event, "recorded_at").value_or(kBeginOfTime), classification.time.begin,
                      event.dump());
  };
  const Classification* best = nullptr;
  for (const Classification& classification : classifications_) {
    if (!classification.time.contains(t)) continue;
    if (best == nullptr || rank(*best) < rank(classification)) best = &classification;
  }
  return best;
}

std::optional<std::string> MachineStory::reason_at(Timestamp t) const {
  if (!can_have_reason_at(t)) return std::nullopt;
  if (const Classification* classification = classification_at(t)) return text_of(classification->event, "reason");
  return text_of(state_event_at(t)->event, "reason");
}

std::string MachineStory::category_at(Timestamp t) const {
  const std::optional<std::string> reason = reason_at(t);
  return reason ? time_category_under(reason_category(plant_at(t), *reason)) : state_at(t).category;
}

// --- pieces

/// Every instant at which the state may change, sorted.
std::vector<Timestamp> MachineStory::cuts_of_states() const {
  std::vector<Timestamp> cuts{kBeginOfTime, kEndOfTime};
  for (const Occurrence& state : states_) cuts.push_back(state.at);
  for (const Description& description : descriptions_.list()) cuts.push_back(description.valid.begin);
  for (const Timestamp heard : heard_) {
    if (silence_timeout_ == Duration{0}) break;
    cuts.push_back(heard);
    cuts.push_back(heard + silence_timeout_);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

/// Every instant at which anything may change, sorted.
std::vector<Timestamp> MachineStory::all_cuts() const {
  std::vector<Timestamp> cuts = cuts_of_states();
  cuts.push_back(now_);
  for (const Classification& classification : classifications_) {
    cuts.push_back(classification.time.begin);
    cuts.push_back(classification.time.end);
  }
  for (const Timestamp edge : calendar_.edges()) cuts.push_back(edge);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

Piece MachineStory::piece(TimeRange time) const {
  const Timestamp t = time.begin;
  const bool planned = t < now_ && calendar_.planned_at(t);
  return {time, state_at(t).name, category_at(t), reason_at(t), false, planned};
}

// --- stops

/// Unbroken runs of pieces with one key; pieces without a key are in none.
std::vector<Stop> MachineStory::stretches(const KeyOf& key_of) const {
  std::vector<Stop> found;
  std::optional<std::string> running;
  for (const Piece& piece : pieces_) {
    const std::optional<std::string> key = key_of(piece);
    if (key && key != running)
      found.push_back({{piece.time.begin, piece.time.end}, piece.reason, false, std::nullopt});
    if (key) found.back().time.end = piece.time.end;
    if (key && piece.planned && !found.back().counted_at) found.back().counted_at = piece.time.begin;
    running = key;
  }
  return found;
}

bool MachineStory::is_minor(const Stop& stop) const {
  const bool has_ended = stop.time.end <= now_;
  return has_ended && !stop.reason && stop.time.length() <= machine_at(stop.time.begin).minor_stop;
}

void MachineStory::tell_stops() {
  stops_ = stretches([](const Piece& piece) -> std::optional<std::string> {
    if (piece.category != "stop") return std::nullopt;
    return piece.reason ? "because of " + *piece.reason : "without a reason";
  });
  failures_ = stretches([this](const Piece& piece) -> std::optional<std::string> {
    const bool failed = piece.category == "stop" && piece.reason &&
                        reason_category(plant_at(piece.time.begin), *piece.reason) == "failure";
    if (!failed) return std::nullopt;
    return "failure";
  });
  for (Stop& stop : stops_) {
    stop.minor = is_minor(stop);
    for (Piece& piece : pieces_)
      piece.minor_stop = piece.minor_stop || (stop.minor && stop.time.contains(piece.time.begin));
  }
}

// --- output

/// The last start at or before `t` without a later stop or complete of its order up to `t`.
const Json* MachineStory::running_order_at(Timestamp t) const {
  auto has_ended = [&](const Occurrence& start) {
    return std::any_of(orders_.begin(), orders_.end(), [&](const Occurrence& other) {
      const bool ends = other.event.at("action") == "stop" || other.event.at("action") == "complete";
      return ends && other.event.at("order") == start.event.at("order") && start.at < other.at && other.at <= t;
    });
  };
  const Json* running = nullptr;
  for (const Occurrence& order : orders_) {
    if (order.event.at("action") == "start" && order.at <= t && !has_ended(order)) running = &order.event;
  }
  return running;
}

std::vector<OrderStretch> MachineStory::order_stretches() const {
  std::vector<OrderStretch> found;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    const TimeRange time{orders_[i].at, i + 1 < orders_.size() ? orders_[i + 1].at : now_};
    if (const Json* running = running_order_at(time.begin); running != nullptr && !time.empty())
      found.push_back({running->at("order"), time});
  }
  return found;
}

/// The product of a start, else of its order's latest plan.
std::optional<std::string> MachineStory::product_of(const Json& start) const {
  std::optional<std::string> product = text_of(start, "product");
  if (product) return product;
  for (const auto& [at, order] : orders_) {
    if (order.at("action") == "plan" && order.at("order") == start.at("order"))
      product = text_of(order, "product");
  }
  return product;
}

std::optional<std::string> MachineStory::product_at(const Json& counting, Timestamp t) const {
  if (const std::optional<std::string> product = text_of(counting, "product")) return product;
  const Json* order = running_order_at(t);
  return order == nullptr ? std::nullopt : product_of(*order);
}

Output MachineStory::output(const Occurrence& occurrence) const {
  const auto& [at, counting] = occurrence;
  Output output;
  output.at = at;
  output.planned = calendar_.planned_at(at);
  output.startup = counting.value("startup", false);
  output.good = integer_of(counting, "good").value_or(0);
  output.scrap = integer_of(counting, "scrap").value_or(0);
  output.rework = integer_of(counting, "rework").value_or(0);
  output.cycle = ideal_cycle(plant_at(at), machine_at(at), product_at(counting, at), at);
  return output;
}

/// What a counter reading adds to the one before it of the same field.
std::int64_t MachineStory::increase(const Occurrence& reading, const std::string& field) const {
  const std::optional<std::int64_t> value = integer_of(reading.event, field.c_str());
  std::optional<std::int64_t> before;
  for (const Occurrence& count : counts_) {
    if (&count == &reading) break;
    if (const auto earlier = integer_of(count.event, field.c_str())) before = earlier;
  }
  if (!value || !before) return 0;
  if (*value >= *before) return *value - *before;
  const std::int64_t modulus = machine_at(reading.at).counter_modulus;
  const std::int64_t around = *value - *before + modulus;
  const bool wrapped = modulus > 0 && around >= 0 && 2 * around < modulus;
  return wrapped ? around : *value;
}

void MachineStory::tell_outputs() {
  for (const Occurrence& count : counts_) {
    Output made = output(count);
    made.good += increase(count, "good_total");
    made.scrap += increase(count, "scrap_total");
    made.rework += increase(count, "rework_total");
    outputs_.push_back(made);
  }
  for (const Occurrence& cycle : cycles_) {
    Output made = output(cycle);
    const Json& event = cycle.event;
    const bool says = integer_of(event, "good") || integer_of(event, "scrap") || integer_of(event, "rework");
    if (!says) made.good = 1;
    outputs_.push_back(made);
  }
}

}  // namespace takt::oracle
