#include "engine/kept_zones.h"

namespace takt {
namespace {

Timestamp next_days_begin(const Zone& zone, Timestamp t) {
  return zone.to_utc({zone.to_local(t + std::chrono::days{1}).day + 1, Duration{0}});
}

}  // namespace

Result<Zone> KeptZones::named(const std::string& name) const {
  const auto known = kept(name);
  return known ? known->zone : source_.named(name);
}

std::optional<KeptZone> KeptZones::kept(const std::string& name) const {
  const std::lock_guard lock{mutex_};
  const auto at = kept_.find(name);
  return at == kept_.end() ? std::nullopt : std::optional{at->second};
}

void KeptZones::keep(const std::string& name, KeptZone zone) {
  const std::lock_guard lock{mutex_};
  kept_.insert_or_assign(name, std::move(zone));
}

std::optional<KeptZone> KeptZones::renewed(const std::string& name, Timestamp t) const {
  const auto current = source_.named(name);
  if (!current) return std::nullopt;  // the system has lost it: what is kept still holds
  KeptZone next{*current, source_.version()};
  const auto known = kept(name);
  if (!known) return next;
  next.zone = known->zone.until(next_days_begin(known->zone, t), *current);
  if (next.zone == known->zone && next.tzdata == known->tzdata) return std::nullopt;
  return next;
}

}  // namespace takt
