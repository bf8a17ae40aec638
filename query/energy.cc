#include "query/energy.h"

#include <algorithm>
#include <chrono>
#include <optional>

namespace takt {
namespace {

/// Spreads increases, which come by time, over the segments of one machine. Segments are asked for a day at a
/// time.
class EnergySpread {
 public:
  EnergySpread(const Timeline& timeline, Timestamp now, EnergyUse& sum)
      : timeline_(timeline), now_(now), sum_(sum) {}

  void add(TimeRange span, double kwh) {
    // Two readings of one instant: what the machine does then.
    if (span.empty()) span.end = span.begin + Duration{1};
    const auto length = static_cast<double>(span.length().count());
    for (Timestamp t = span.begin; t < span.end;) {
      const TimeRange part{t, std::min(span.end, part_end(t))};
      sum_.kwh[static_cast<std::size_t>(category_)] += kwh * (static_cast<double>(part.length().count()) / length);
      t = part.end;
    }
  }

 private:
  /// The end of the segment that holds `t`, or of what is known to be alike; its category goes to category_.
  Timestamp part_end(Timestamp t) {
    constexpr Duration kAhead = std::chrono::hours{24};
    if (t >= known_until_) {
      segments_ = timeline_.segments({t, t + kAhead}, now_);
      known_until_ = t + kAhead;
      at_ = 0;
    }
    while (at_ < segments_.size() && segments_[at_].range.end <= t) ++at_;
    const bool found = at_ < segments_.size() && segments_[at_].range.begin <= t;
    category_ = found ? segments_[at_].category : TimeCategory::unknown;
    const Timestamp end = found                    ? segments_[at_].range.end
                          : at_ < segments_.size() ? segments_[at_].range.begin
                                                   : known_until_;
    return std::max(std::min(end, known_until_), t + Duration{1});
  }

  const Timeline& timeline_;  // borrowed
  Timestamp now_;
  EnergyUse& sum_;
  std::vector<Segment> segments_;
  std::size_t at_ = 0;
  Timestamp known_until_ = kBeginOfTime;
  TimeCategory category_ = TimeCategory::unknown;
};

}  // namespace

void add_energy(const StoreView& view, MachineId machine, TimeRange range, Timestamp now, EnergyUse& sum) {
  const MachineRecord& record = view.machine(machine);
  const auto& readings = record.energy();
  const Timestamp end = std::min({range.end, now, record.end_of_pieces()});
  std::optional<EnergyRecord> before;
  auto at = readings.partition_point([&](const EnergyRecord& e) { return e.at < range.begin; });
  for (auto earlier = at; !(earlier == readings.begin()) && !before;) {
    if (--earlier; !earlier->rank.withdrawn()) before = *earlier;
  }
  EnergySpread spread{record.timeline(), now, sum};
  for (; at != readings.end() && at->at < end; ++at) {
    if (at->rank.withdrawn()) continue;
    if (before) {
      const double kwh = at->kwh_total;
      spread.add({before->at, at->at}, kwh < before->kwh_total ? kwh : kwh - before->kwh_total);
      ++sum.increases;
    }
    before = *at;
  }
}

}  // namespace takt
