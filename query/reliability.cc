#include "query/reliability.h"

#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <chrono>
#include <map>

#include "query/json_text.h"

namespace takt {
namespace {

constexpr WideInt kMicrosPerSecond = 1'000'000, kMicrosPerHour = 3600 * kMicrosPerSecond;

using Modes = std::map<std::optional<std::string>, FailureMode>;

/// Adds up one machine, a day at a time: memory stays small however long the range is.
class ReliabilitySums {
 public:
  ReliabilitySums(const StoreView& view, Timestamp now, const std::stop_token& stop)
      : view_(view), now_(now), stop_(stop) {}

  Result<void> add(MachineId machine, TimeRange range);
  Reliability take();

 private:
  void add_slice(const MachineRecord& record, TimeRange slice);
  FailureMode& mode_of(const StopStretch& failure);

  const StoreView& view_;
  Timestamp now_;
  const std::stop_token& stop_;
  Reliability sum_;
  Modes modes_;
};

Result<void> ReliabilitySums::add(MachineId machine, TimeRange range) {
  constexpr Duration kSlice = std::chrono::hours{24};
  const MachineRecord& record = view_.machine(machine);
  const Timestamp begin = std::max(range.begin, record.first_event().value_or(range.end));
  const Timestamp end = std::min({range.end, now_, record.end_of_time()});
  for (Timestamp t = begin; t < end; t += kSlice) {
    if (stop_.stop_requested()) return cancelled();
    add_slice(record, {t, std::min(end, t + kSlice)});
  }
  return {};
}

void ReliabilitySums::add_slice(const MachineRecord& record, TimeRange slice) {
  const Timeline& timeline = record.timeline();
  const Timestamp horizon = record.horizon().timeline;
  for (const Segment& segment : timeline.segments(slice, now_)) {
    const bool operating = segment.category == TimeCategory::production || segment.category == TimeCategory::setup;
    const TimeRange part = intersect(segment.range, slice);
    if (part.empty()) continue;
    if (operating) sum_.operating += part.length();
    if (segment.category == TimeCategory::stop) sum_.stop_time += part.length();
  }
  // One that lay over the horizon seems to begin there.
  const auto begins = [&](const StopStretch& s) {
    return slice.contains(s.range.begin) && (s.range.begin != horizon || horizon == kBeginOfTime);
  };
  for (const StopStretch& stop : timeline.stops(slice, now_)) sum_.stops += begins(stop) ? 1 : 0;
  for (const StopStretch& failure : timeline.failures(slice, now_)) {
    FailureMode& mode = mode_of(failure);
    mode.failures += begins(failure) ? 1 : 0;
    mode.down += intersect(failure.range, slice).length();
  }
}

FailureMode& ReliabilitySums::mode_of(const StopStretch& failure) {
  const Plant& plant = view_.master().at(failure.range.begin).plant();
  const Reason* reason = plant.reason(view_.names().text(failure.reason));
  std::optional<std::string> mode;
  if (reason != nullptr && !reason->iso14224_mode.empty()) mode = reason->iso14224_mode;
  FailureMode& found = modes_[mode];
  found.mode = std::move(mode);
  return found;
}

Reliability ReliabilitySums::take() {
  for (const auto& [key, mode] : modes_) {
    sum_.failures += mode.failures;
    sum_.down += mode.down;
    sum_.modes.push_back(mode);
  }
  std::stable_sort(sum_.modes.begin(), sum_.modes.end(), [](auto& a, auto& b) { return a.down > b.down; });
  return std::move(sum_);
}

std::optional<double> seconds_each(Duration time, std::int64_t count) {
  return ratio(time.count(), count * kMicrosPerSecond);
}

}  // namespace

std::optional<double> Reliability::mtbf() const { return seconds_each(operating, failures); }
std::optional<double> Reliability::mttr() const { return seconds_each(down, failures); }
std::optional<double> Reliability::mdt() const { return seconds_each(stop_time, stops); }
std::optional<double> Reliability::mtbf_calendar() const { return seconds_each(operating + down, failures); }

std::optional<double> Reliability::failure_rate_per_h() const {
  return ratio(failures * kMicrosPerHour, operating.count());
}

std::optional<double> Reliability::inherent_availability() const {
  // Both divided by the failures; so without any there is none.
  return failures == 0 ? std::nullopt : ratio(operating.count(), (operating + down).count());
}

std::optional<RateBounds> failure_rate_bounds(const Reliability& r, double confidence) {
  if (r.operating == Duration{0}) return std::nullopt;
  const double tail = (1 - confidence) / 2;
  const double hours = std::chrono::duration<double, std::ratio<3600>>(r.operating).count();
  // Half the chi-square quantile of 2k degrees of freedom is the gamma quantile of shape k.
  const auto n = static_cast<double>(r.failures);
  const double lower = r.failures == 0 ? 0 : boost::math::gamma_p_inv(n, tail);
  return RateBounds{lower / hours, boost::math::gamma_q_inv(n + 1, tail) / hours};
}

Result<Reliability> reliability(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                                const std::stop_token& stop) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  ReliabilitySums sums{view, now, stop};
  for (const MachineId machine : *machines) {
    if (const auto added = sums.add(machine, range); !added) return added.error();
  }
  Reliability result = sums.take();
  result.kept_from = timeline_kept_from(view, *machines, range);
  return result;
}

std::string render_reliability(const Reliability& r) {
  constexpr double kConfidence = 0.9;
  JsonText out;
  out.begin_object().member("failures", r.failures).member("operating_time_s", r.operating);
  out.member("down_time_s", r.down).member("mtbf_s", r.mtbf()).member("mttf_s", r.mtbf());
  out.member("mttr_s", r.mttr()).member("mdt_s", r.mdt());
  out.member("failure_rate_per_h", r.failure_rate_per_h());
  out.member("inherent_availability", r.inherent_availability());
  out.member("mtbf_basis", "operating_time/failures");
  out.member("stops", r.stops).member("stop_time_s", r.stop_time).member("mtbf_calendar_s", r.mtbf_calendar());
  out.key("failure_rate_bounds");
  if (const auto bounds = failure_rate_bounds(r, kConfidence)) {
    out.begin_object().member("confidence", kConfidence).member("lower_per_h", bounds->lower_per_h);
    out.member("upper_per_h", bounds->upper_per_h).end_object();
  } else {
    out.null();
  }
  out.key("modes").begin_array();
  for (const FailureMode& mode : r.modes) {
    out.begin_object().member("mode", mode.mode).member("failures", mode.failures);
    out.member("down_time_s", mode.down).end_object();
  }
  out.end_array();
  if (r.kept_from) out.member("kept_from", *r.kept_from);
  return out.end_object().take();
}

}  // namespace takt
