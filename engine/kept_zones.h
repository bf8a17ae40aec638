// The time zones of a data folder. Each is kept as it was used, so that a newer tzdata of the system changes days
// to come, and no figure of a past one. Private to engine.
#pragma once

#include "engine/zone.h"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace takt {

/// Where time zones come from.
struct ZoneSource {
  std::function<Result<Zone>(const std::string&)> named = Zone::named;
  std::function<std::string()> version = tzdata_version;
};

/// Any thread.
class KeptZones {
 public:
  explicit KeptZones(ZoneSource source) : source_(std::move(source)) {}

  /// As kept, else as the source has it.
  Result<Zone> named(const std::string& name) const;
  std::optional<KeptZone> kept(const std::string& name) const;
  void keep(const std::string& name, KeptZone zone);
  /// What is to be kept of the zone from now on, if that is something else: the source's from the first midnight
  /// on that is more than a day after `t`, and before as it was.
  std::optional<KeptZone> renewed(const std::string& name, Timestamp t) const;

 private:
  ZoneSource source_;
  mutable std::mutex mutex_;
  std::map<std::string, KeptZone> kept_;
};

}  // namespace takt
