#include "tests/oracle/oracle.h"

#include "tests/oracle/figures.h"
#include "tests/oracle/machine_story.h"
#include "tests/oracle/wall_clock.h"
#include "tests/oracle/work_calendar.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace takt {
namespace {

using namespace oracle;

bool in_scope(const Plant& plant, const Machine& machine, const std::string& scope) {
  if (scope == "plant" || scope == "machine:" + machine.id || scope == "line:" + machine.line) return true;
  return std::any_of(plant.lines.begin(), plant.lines.end(),
                     [&](const Line& line) { return line.id == machine.line && scope == "area:" + line.area; });
}

/// The stories of the scope's machines.
struct Member {
  const Machine* machine;
  MachineStory story;
};

std::vector<Member> members(const Descriptions& descriptions, const std::vector<Json>& live, Timestamp now,
                            const std::string& scope, TimeRange range) {
  std::vector<Member> found;
  const Plant& plant = descriptions.newest();
  for (const Machine& machine : plant.machines) {
    if (in_scope(plant, machine, scope))
      found.push_back({&machine, {descriptions, machine.id, live, now, range.begin}});
  }
  return found;
}

Json or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(); }

// --- buckets

/// Cut to the range and to now; empty where nothing of it has begun.
TimeRange lived(TimeRange bucket, TimeRange range, Timestamp now) {
  return intersect(intersect(bucket, range), {kBeginOfTime, now});
}

Json head(const Bucket& bucket, TimeRange range, Timestamp now) {
  const TimeRange cut = intersect(bucket.time, range);
  return {{"start", time_text(cut.begin)},
          {"end", time_text(cut.end)},
          {"shift", or_null(bucket.shift)},
          {"business_date", bucket.date ? Json(date_text(*bucket.date)) : Json()},
          {"open", bucket.time.end > now && cut.end >= now},
          {"partial", cut != bucket.time}};
}

/// A bucket and who adds to it: not all machines work every shift.
struct Occupied {
  Bucket bucket;
  std::vector<const MachineStory*> stories;
};

std::vector<Occupied> shift_buckets(const std::vector<Member>& machines, const WallClock& clock, TimeRange range) {
  std::map<std::tuple<Timestamp, Timestamp, std::optional<std::string>>, Occupied> found;
  for (const auto& [machine, story] : machines) {
    for (const Bucket& bucket : story.calendar().shifts(clock, range)) {
      Occupied& occupied = found[{bucket.time.begin, bucket.time.end, bucket.shift}];
      occupied.bucket = bucket;
      occupied.stories.push_back(&story);
    }
  }
  std::vector<Occupied> sorted;
  for (const auto& [key, occupied] : found) sorted.push_back(occupied);
  return sorted;
}

std::vector<Occupied> gapless_buckets(const std::vector<Member>& machines, const WallClock& clock,
                                      const std::string& grain, TimeRange range) {
  std::vector<Occupied> found;
  for (const Bucket& bucket : buckets_of(clock, grain, range)) {
    found.push_back({bucket, {}});
    for (const auto& [machine, story] : machines) found.back().stories.push_back(&story);
  }
  return found;
}

// --- Pareto

/// Stop time and stops of one key; no key: no reason.
struct Share {
  Duration time{0};
  std::int64_t count = 0;
};
using Shares = std::map<std::optional<std::string>, Share>;

std::optional<std::string> key_of(const Plant& plant, const Machine& machine,
                                  const std::optional<std::string>& reason, const std::string& by) {
  if (by == "machine") return machine.id;
  if (by == "category" && reason) return reason_category(plant, *reason);
  return reason;
}

/// A stop is judged whole, so that it is of one category, too: by the description at its beginning.
Timestamp judged_at(const MachineStory& story, const Piece& piece) {
  for (const Stop& stop : story.stops()) {
    if (stop.time.contains(piece.time.begin)) return stop.time.begin;
  }
  return piece.time.begin;
}

void add_stops(Shares& shares, const Descriptions& descriptions, const Member& member, TimeRange time,
               const std::string& by) {
  const Plant& newest = descriptions.newest();
  const auto key = [&](const std::optional<std::string>& reason, Timestamp t) {
    return key_of(descriptions.at(t).plant, *member.machine, reason, by);
  };
  time = intersect(time, {kBeginOfTime, member.story.end_of_time()});
  for (const Piece& piece : member.story.pieces()) {
    const bool unknown_stop = piece.category == "unknown" && newest.unknown_time == UnknownTimePolicy::stop;
    const Duration length = intersect(piece.time, time).length();
    if (!piece.planned || length == Duration{0} || (piece.category != "stop" && !unknown_stop)) continue;
    shares[key(piece.reason, judged_at(member.story, piece))].time += length;
  }
  for (const Stop& stop : member.story.stops()) {
    if (!stop.counted_at || !time.contains(*stop.counted_at)) continue;
    ++shares[key(stop.reason, stop.time.begin)].count;
  }
}

/// As described; the id where the description names none.
Json name_of(const Plant& plant, const std::optional<std::string>& key, const std::string& by) {
  if (!key) return nullptr;
  for (const Reason& reason : plant.reasons) {
    if (by == "reason" && reason.code == *key && !reason.name.empty()) return reason.name;
  }
  for (const Machine& machine : plant.machines) {
    if (by == "machine" && machine.id == *key && !machine.name.empty()) return machine.name;
  }
  return *key;
}

// --- elements of KPIs

Duration delay_of(const Piece& piece, const Plant& plant) {
  const bool minor_is_production = plant.minor_stops == MinorStopPolicy::performance && piece.minor_stop;
  const bool unknown_is_stop = plant.unknown_time == UnknownTimePolicy::stop && piece.category == "unknown";
  const bool delay = (piece.category == "stop" && !minor_is_production) || unknown_is_stop;
  return piece.planned && delay ? piece.time.length() : Duration{0};
}

/// The live events of a machine and type before `end`, by time.
std::vector<Json> events_until(const std::vector<Json>& live, const std::string& machine, const char* type,
                               Timestamp end) {
  std::vector<Json> found;
  for (const Json& event : live) {
    if (event.at("machine") == machine && event.at("type") == type && identity_time(event) < end)
      found.push_back(event);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Json& a, const Json& b) { return identity_time(a) < identity_time(b); });
  return found;
}

}  // namespace

Oracle::Oracle(Descriptions descriptions, const std::vector<nlohmann::json>& events, Timestamp now)
    : descriptions_(std::move(descriptions)), live_(live_events(events)), now_(now) {}

Json Oracle::timeline(const std::string& machine, TimeRange range) const {
  const std::vector<Member> found = members(descriptions_, live_, now_, "machine:" + machine, range);
  std::vector<Piece> intervals;
  auto looks = [](const Piece& piece) {
    return std::tuple(piece.state, piece.category, piece.reason, piece.minor_stop);
  };
  for (const Piece& piece : found.at(0).story.pieces()) {
    const bool continues = !intervals.empty() && looks(intervals.back()) == looks(piece);
    if (continues) intervals.back().time.end = piece.time.end;
    if (!continues) intervals.push_back(piece);
  }
  Json shown = Json::array();
  for (const Piece& interval : intervals) {
    const TimeRange cut = lived(interval.time, range, now_);
    if (cut.empty()) continue;
    shown.push_back({{"start", time_text(cut.begin)},
                     {"end", time_text(cut.end)},
                     {"state", interval.state},
                     {"category", interval.category},
                     {"reason", or_null(interval.reason)},
                     {"minor_stop", interval.minor_stop},
                     {"open", interval.time.end > now_ && cut.end == now_}});
  }
  return shown;
}

Json Oracle::oee(const std::string& scope, TimeRange range, const std::string& grain) const {
  const WallClock clock{descriptions_.newest().timezone};
  const std::vector<Member> machines = members(descriptions_, live_, now_, scope, range);
  const std::vector<Occupied> all =
      grain == "shift" ? shift_buckets(machines, clock, range) : gapless_buckets(machines, clock, grain, range);
  Json buckets = Json::array();
  for (const auto& [bucket, stories] : all) {
    const TimeRange time = lived(bucket.time, range, now_);
    if (time.empty() && grain != "total") continue;  // not yet begun; `total` is always one
    Sums sums;
    for (const MachineStory* story : stories) add(sums, *story, time);
    Json answer = head(bucket, range, now_);
    answer.update(figures(sums, descriptions_.newest()));
    buckets.push_back(answer);
  }
  return buckets;
}

Json Oracle::losses(const std::string& scope, TimeRange range) const {
  Sums sums;
  for (const auto& [machine, story] : members(descriptions_, live_, now_, scope, range)) {
    add(sums, story, lived(range, range, now_));
  }
  return six_big_losses(sums, descriptions_.newest());
}

Json Oracle::pareto(const std::string& scope, TimeRange range, const std::string& by) const {
  Shares shares;
  for (const Member& member : members(descriptions_, live_, now_, scope, range)) {
    add_stops(shares, descriptions_, member, lived(range, range, now_), by);
  }
  std::vector<std::pair<std::optional<std::string>, Share>> sorted{shares.begin(), shares.end()};
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.second.time > b.second.time; });
  Duration total{0}, so_far{0};
  for (const auto& [key, share] : sorted) total += share.time;
  Json items = Json::array();
  for (const auto& [key, share] : sorted) {
    so_far += share.time;
    items.push_back({{"key", or_null(key)},
                     {"name", name_of(descriptions_.newest(), key, by)},
                     {"time_s", seconds(share.time.count())},
                     {"count", share.count},
                     {"share", ratio(share.time.count(), total.count())},
                     {"cumulative_share", ratio(so_far.count(), total.count())}});
  }
  return {{"items", items}, {"total_time_s", seconds(total.count())}};
}

Json Oracle::reliability(const std::string& scope, TimeRange range) const {
  Duration operating{0}, stopped{0}, down{0};
  std::int64_t stops = 0, failures = 0;
  for (const auto& [machine, story] : members(descriptions_, live_, now_, scope, range)) {
    const TimeRange time = intersect(lived(range, range, now_), {kBeginOfTime, story.end_of_time()});
    for (const Piece& piece : story.pieces()) {
      const Duration length = intersect(piece.time, time).length();
      if (piece.category == "production" || piece.category == "setup") operating += length;
      if (piece.category == "stop") stopped += length;
    }
    for (const Stop& stop : story.stops()) stops += time.contains(stop.time.begin) ? 1 : 0;
    for (const Stop& failure : story.failures()) {
      failures += time.contains(failure.time.begin) ? 1 : 0;
      down += intersect(failure.time, time).length();
    }
  }
  const Wide each_us = failures * Wide{1'000'000};
  const Json mtbf = ratio(operating.count(), each_us);
  return {{"failures", failures},
          {"operating_time_s", seconds(operating.count())},
          {"down_time_s", seconds(down.count())},
          {"mtbf_s", mtbf},
          {"mttf_s", mtbf},
          {"mttr_s", ratio(down.count(), each_us)},
          {"mdt_s", ratio(stopped.count(), stops * Wide{1'000'000})},
          {"failure_rate_per_h", ratio(failures * Wide{3'600'000'000}, operating.count())},
          // MTBF / (MTBF + MTTR), of which both are per failure
          {"inherent_availability", failures == 0 ? Json() : ratio(operating.count(), (operating + down).count())},
          {"mtbf_basis", "operating_time/failures"},
          {"stops", stops},
          {"stop_time_s", seconds(stopped.count())}};
}

Json Oracle::kpi_elements(const std::string& scope, TimeRange range) const {
  Duration delay{0}, execution{0};
  std::map<std::string, TimeRange> executions;
  std::map<std::string, double> kwh;
  std::int64_t inspected = 0, passed = 0;
  for (const auto& [machine, story] : members(descriptions_, live_, now_, scope, range)) {
    const TimeRange time = intersect(lived(range, range, now_), {kBeginOfTime, story.end_of_time()});
    for (const OrderStretch& stretch : story.order_stretches()) {
      const TimeRange ran = intersect(stretch.time, {kBeginOfTime, story.end_of_time()});
      if (ran.empty()) continue;
      TimeRange& whole = executions.try_emplace(stretch.order, ran).first->second;
      whole = {std::min(whole.begin, ran.begin), std::max(whole.end, ran.end)};
      for (Piece piece : story.pieces()) {
        piece.time = intersect(piece.time, intersect(ran, time));
        if (!piece.time.empty()) delay += delay_of(piece, descriptions_.newest());
      }
    }
    std::set<std::string> serials, first_failed;
    std::set<std::pair<std::string, std::string>> met;
    for (const Json& event : events_until(live_, machine->id, "quality", std::min(range.end, now_))) {
      const std::optional<std::string> serial = text_of(event, "serial");
      if (!serial) continue;
      const bool first = met.emplace(*serial, text_of(event, "characteristic").value_or("")).second;
      if (first && text_of(event, "result") == "fail") first_failed.insert(*serial);
      if (identity_time(event) >= range.begin) serials.insert(*serial);
    }
    inspected += static_cast<std::int64_t>(serials.size());
    for (const std::string& serial : serials) passed += first_failed.contains(serial) ? 0 : 1;
    const std::vector<Json> meter = events_until(live_, machine->id, "energy", std::min(range.end, now_));
    for (std::size_t i = 1; i < meter.size(); ++i) {
      const TimeRange span{identity_time(meter[i - 1]), identity_time(meter[i])};
      const double before = meter[i - 1].at("kwh_total"), after = meter[i].at("kwh_total");
      if (span.end < range.begin) continue;
      for (const Piece& piece : story.pieces()) {
        const TimeRange part = intersect(piece.time, span);
        if (part.empty()) continue;
        kwh[piece.category] += (after < before ? after : after - before) *
                               static_cast<double>(part.length().count()) /
                               static_cast<double>(span.length().count());
      }
    }
  }
  for (const auto& [order, whole] : executions) execution += intersect(whole, lived(range, range, now_)).length();
  return {{"ADET", seconds(delay.count())},
          {"AOET", seconds(execution.count())},
          {"IP", inspected},
          {"GP", passed},
          {"kwh", kwh}};
}

}  // namespace takt
