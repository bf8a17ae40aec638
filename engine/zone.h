// A time zone as a list of the clock's changes, which can be kept and compared.
#pragma once

#include "schema/plant.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// An IANA time zone. Local times skipped by a clock change mean the end of the gap, repeated ones the first.
/// Immutable; any thread.
class Zone {
 public:
  /// The wall clock is ahead of UTC by `offset` from `from` on.
  struct Change {
    Timestamp from;
    Duration offset{0};
    friend bool operator==(const Change&, const Change&) = default;
  };
  /// The wall clock runs on without a change until `until`.
  struct Offset {
    Duration offset{0};
    Timestamp until;
  };

  /// As the system's tzdata has it. invalid: it has no such zone.
  static Result<Zone> named(const std::string& name);
  /// `changes` by time; there is at least one, and the first holds for all time before, too.
  explicit Zone(std::vector<Change> changes);

  Timestamp to_utc(LocalTime local) const;
  LocalTime to_local(Timestamp t) const;
  Offset offset_at(Timestamp t) const;

  const std::vector<Change>& changes() const { return *changes_; }
  /// This one before `t`, and `next` from then on.
  Zone until(Timestamp t, const Zone& next) const;
  friend bool operator==(const Zone& a, const Zone& b) { return *a.changes_ == *b.changes_; }

 private:
  std::shared_ptr<const std::vector<Change>> changes_;
};

/// The version of the system's tzdata, such as "2026a"; "unknown" where it does not say.
std::string tzdata_version();

/// What a data folder keeps of a zone.
struct KeptZone {
  Zone zone;
  std::string tzdata;  ///< the version that the newest part of it is from
};
std::string encode_zone(const KeptZone& kept);
/// corruption: damaged.
Result<KeptZone> decode_zone(std::string_view bytes);

}  // namespace takt
