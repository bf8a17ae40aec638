#include "ingest/sources.h"

#include <algorithm>

namespace takt {
namespace {

constexpr std::array<std::string_view, 6> kStateNames = {"passive",      "connecting", "connected",
                                                         "disconnected", "failed",     "stopped"};

std::int64_t second_of(Timestamp t) {
  return std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
}

Duration median(std::vector<Duration> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::string_view name_of(SourceState state) { return kStateNames.at(static_cast<std::size_t>(state)); }

void Source::set_state(SourceState state, std::string detail) {
  const std::lock_guard lock{mutex_};
  sums_.state = state;
  sums_.detail = std::move(detail);
}

void Source::add_gaps(std::uint64_t count) {
  const std::lock_guard lock{mutex_};
  sums_.gaps += count;
}

void Source::add_repaired(std::uint64_t count) {
  const std::lock_guard lock{mutex_};
  sums_.repaired += count;
}

void Source::add_replayed(std::uint64_t count) {
  const std::lock_guard lock{mutex_};
  sums_.replayed += count;
}

void Source::received(Timestamp now, std::size_t events, Timestamp newest) {
  const std::lock_guard lock{mutex_};
  if (sums_.last_received) empty_seconds(second_of(now));
  if (!sums_.last_received) first_second_ = last_second_ = second_of(now);
  by_second_.at(static_cast<std::size_t>(last_second_) % kRateSeconds) += static_cast<std::uint32_t>(events);
  sums_.last_received = now;
  if (newest == kBeginOfTime) return;
  sums_.last_event = std::max(sums_.last_event.value_or(newest), newest);
  sums_.lag = now - newest;
  if (offsets_.size() < kOffsets) {
    offsets_.push_back(now - newest);
  } else {
    offsets_[next_offset_] = now - newest;
    next_offset_ = (next_offset_ + 1) % kOffsets;
  }
  if (!first_offset_ && offsets_.size() == kOffsets) first_offset_ = median(offsets_);
}

/// Seconds that have passed without events count as empty; a clock that was set back begins anew.
void Source::empty_seconds(std::int64_t now) {
  if (now < last_second_) {
    by_second_.fill(0);
    first_second_ = last_second_ = now;
  }
  const std::int64_t from = std::max(last_second_ + 1, now - static_cast<std::int64_t>(kRateSeconds) + 1);
  for (std::int64_t second = from; second <= now; ++second)
    by_second_.at(static_cast<std::size_t>(second) % kRateSeconds) = 0;
  last_second_ = std::max(last_second_, now);
}

void Source::answered(std::size_t accepted, std::size_t duplicate) {
  const std::lock_guard lock{mutex_};
  sums_.accepted += accepted;
  sums_.duplicate += duplicate;
}

void Source::rejected(const std::vector<RejectedEvent>& rejected) {
  const std::lock_guard lock{mutex_};
  sums_.rejected += rejected.size();
  for (const RejectedEvent& each : rejected) ++sums_.rejected_by_code.at(static_cast<std::size_t>(each.code));
}

SourceReport Source::report(Timestamp now) const {
  const std::lock_guard lock{mutex_};
  SourceReport out = sums_;
  out.name = name_, out.kind = kind_;
  if (sums_.last_received) {
    const std::int64_t second = std::max(second_of(now), last_second_);
    const std::int64_t span = std::min<std::int64_t>(kRateSeconds, second - first_second_ + 1);
    std::uint64_t events = 0;
    for (std::int64_t s = std::max(first_second_, second - span + 1); s <= last_second_; ++s)
      events += by_second_.at(static_cast<std::size_t>(s) % kRateSeconds);
    out.rate = static_cast<double>(events) / static_cast<double>(span);
  }
  if (!offsets_.empty()) {
    out.clock_offset = median(offsets_);
    const Duration moved = first_offset_ ? *out.clock_offset - *first_offset_ : Duration{0};
    // Old events may be what a gateway held back; those ahead of time are a clock that is wrong.
    out.clock_drifts = *out.clock_offset < -kClockAlarm || moved > kClockAlarm || moved < -kClockAlarm;
  }
  return out;
}

std::shared_ptr<Source> Sources::get(std::string_view name, std::string_view kind) {
  const std::lock_guard lock{mutex_};
  const auto found = sources_.find(name);
  if (found != sources_.end()) return found->second;
  if (sources_.size() >= kMostSources) forget_the_most_silent();
  auto source = std::make_shared<Source>(std::string{name}, std::string{kind});
  sources_.emplace(std::string{name}, source);
  return source;
}

void Sources::forget_the_most_silent() {
  auto silent = sources_.end();
  Timestamp heard = kEndOfTime;
  for (auto at = sources_.begin(); at != sources_.end(); ++at) {
    const SourceReport report = at->second->report(kBeginOfTime);
    const Timestamp last = report.last_received.value_or(kBeginOfTime);
    if (report.state != SourceState::passive || last >= heard) continue;
    silent = at, heard = last;
  }
  if (silent != sources_.end()) sources_.erase(silent);
}

void Sources::remove(std::string_view name) {
  const std::lock_guard lock{mutex_};
  if (const auto found = sources_.find(name); found != sources_.end()) sources_.erase(found);
}

std::vector<SourceReport> Sources::report(Timestamp now) const {
  std::vector<std::shared_ptr<Source>> all;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [name, source] : sources_) all.push_back(source);
  }
  std::vector<SourceReport> reports;
  reports.reserve(all.size());
  for (const auto& source : all) reports.push_back(source->report(now));
  return reports;
}

}  // namespace takt
