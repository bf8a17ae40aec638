#include "engine/zone.h"

#include <date/tz.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace takt {
namespace {

// No event is from outside of these years (schema/time.h).
constexpr date::sys_seconds kFirst = date::sys_days{date::year{1899} / 1 / 1};
constexpr date::sys_seconds kLast = date::sys_days{date::year{2202} / 1 / 1};

/// A change of the zone's name alone ("EST" to "EWT") is none of the clock.
void add_change(std::vector<Zone::Change>& changes, Zone::Change change) {
  if (changes.empty() || changes.back().offset != change.offset) changes.push_back(change);
}

}  // namespace

Result<Zone> Zone::named(const std::string& name) {
  try {
    const date::time_zone* zone = date::locate_zone(name);
    std::vector<Change> changes;
    for (date::sys_seconds t = kFirst; t < kLast;) {
      const date::sys_info info = zone->get_info(t);
      add_change(changes, {Timestamp{t}, info.offset});
      t = info.end;
    }
    return Zone{std::move(changes)};
  } catch (const std::exception&) {
    return invalid("\"" + name + "\" is not an IANA time zone; write one such as Europe/Berlin or UTC");
  }
}

Zone::Zone(std::vector<Change> changes)
    : changes_(std::make_shared<const std::vector<Change>>(std::move(changes))) {
  TAKT_INVARIANT(!changes_->empty());
}

Timestamp Zone::to_utc(LocalTime local) const {
  const Timestamp wall{std::chrono::days{local.day} + local.time};  // as if it were UTC
  // The first stretch between two changes that has not ended by the wall clock: before its begin lies a gap.
  const auto last = std::prev(changes_->end());
  auto at = std::partition_point(changes_->begin(), last,
                                 [&](const Change& change) { return (&change)[1].from + change.offset <= wall; });
  const Timestamp utc = wall - at->offset;
  return at == changes_->begin() ? utc : std::max(utc, at->from);
}

LocalTime Zone::to_local(Timestamp t) const {
  const Duration wall = t.time_since_epoch() + offset_at(t).offset;
  const auto day = std::chrono::floor<date::days>(wall);
  return {static_cast<std::int32_t>(day.count()), wall - day};
}

Zone::Offset Zone::offset_at(Timestamp t) const {
  const auto next = std::partition_point(std::next(changes_->begin()), changes_->end(),
                                         [&](const Change& change) { return change.from <= t; });
  return {std::prev(next)->offset, next == changes_->end() ? kEndOfTime : next->from};
}

Zone Zone::until(Timestamp t, const Zone& next) const {
  std::vector<Change> changes;
  for (const Change& change : *changes_) {
    if (change.from < t || changes.empty()) add_change(changes, change);
  }
  add_change(changes, {t, next.offset_at(t).offset});
  for (const Change& change : *next.changes_) {
    if (change.from > t) add_change(changes, change);
  }
  return Zone{std::move(changes)};
}

std::string tzdata_version() {
  if (const std::string version = date::get_tzdb().version; version != "unknown") return version;
  // Debian's first line: "# version 2026a".
  std::ifstream file{"/usr/share/zoneinfo/tzdata.zi"};
  std::string hash, word, version;
  return file >> hash >> word >> version && word == "version" ? version : "unknown";
}

// ---------------------------------------- keeping

std::string encode_zone(const KeptZone& kept) {
  boost::json::array changes;
  for (const Zone::Change& change : kept.zone.changes())
    changes.push_back(boost::json::array{micros(change.from), change.offset.count()});
  return boost::json::serialize(boost::json::object{{"tzdata", kept.tzdata}, {"changes", std::move(changes)}});
}

Result<KeptZone> decode_zone(std::string_view bytes) {
  try {
    const boost::json::value kept = boost::json::parse({bytes.data(), bytes.size()});
    std::vector<Zone::Change> changes;
    for (const boost::json::value& change : kept.at("changes").as_array()) {
      changes.push_back({from_micros(change.at(0).as_int64()), Duration{change.at(1).as_int64()}});
      if (changes.size() > 1 && changes.back().from <= changes[changes.size() - 2].from)
        return corruption("the changes of a kept time zone are out of order");
    }
    if (changes.empty()) return corruption("a kept time zone has no offset");
    return KeptZone{Zone{std::move(changes)}, std::string{kept.at("tzdata").as_string()}};
  } catch (const std::exception&) {
    return corruption("a kept time zone is damaged");
  }
}

}  // namespace takt
