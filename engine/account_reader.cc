#include "engine/account_reader.h"

#include <algorithm>

namespace takt {
namespace {

void add_cell(const Cell& cell, Account& sum) { sum += cell.account; }
void add_cell(const Cell& cell, Sums& sum) { sum.add(cell); }

}  // namespace

AccountReader::AccountReader(const MachineRecord& machine, Timestamp now)
    : machine_(machine),
      now_(now),
      end_of_time_(machine.end_of_time()),
      end_of_pieces_(machine.end_of_pieces()),
      settled_(machine.settled_until()),
      first_event_(machine.first_event()),
      last_event_(machine.last_event()),
      last_state_(machine.timeline().last_state()),
      hours_(machine.cells(Grain::hour)),
      shifts_(machine.cells(Grain::shift)),
      days_(machine.cells(Grain::day)) {}

/// The cell that begins at `t`, if it holds anything: then it is a bucket of today's calendar.
const Cell* AccountReader::filled(Grain grain, Timestamp t) {
  const Cell* cell = cursor(grain).find(t);
  return cell == nullptr || cell->account == Account{} ? nullptr : cell;
}

template <class Sum>
void AccountReader::add_range(TimeRange range, Sum& sum) {
  const Timestamp end = std::min({range.end, now_, end_of_pieces_});
  // Nothing is known after the last event, and nothing before the first.
  if (end <= range.begin || !first_event_ || end <= *first_event_) return;
  // Most of what is asked for is one bucket.
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    const Cell* cell = filled(grain, range.begin);
    if (cell != nullptr && cell->range == range && add_bucket(range, cell, end, sum)) return;
  }
  if (!is_empty(range, end)) add_piecewise(range, end, sum);
}

/// Whether there is no hour that has a part of the range, and nothing that is not in the cells yet.
bool AccountReader::is_empty(TimeRange range, Timestamp end) {
  return end <= settled_ && hours_.find(range.begin) == nullptr && hours_.none_in(range);
}

template <class Sum>
bool AccountReader::add_bucket(TimeRange bucket, const Cell* cell, Timestamp end, Sum& sum) const {
  // Cells may hold pieces and states of moments that are still to come.
  if (bucket.end > end && *last_event_ >= end) return false;
  if (cell != nullptr) add_cell(*cell, sum);
  if (settled_ < end) add_tail(bucket, end, sum);
  return true;
}

/// What still lasts is in no cell.
template <class Sum>
void AccountReader::add_tail(TimeRange bucket, Timestamp end, Sum& sum) const {
  const TimeRange tail{std::max(bucket.begin, settled_), std::min({bucket.end, end, end_of_time_})};
  if (tail.empty()) return;
  AccountSink sink{machine_.master(), machine_.id(), sum};
  machine_.timeline().contribute(tail, now_, sink);
}

template <class Sum>
void AccountReader::add_edge(TimeRange edge, Sum& sum) const {
  AccountSink sink{machine_.master(), machine_.id(), sum};
  machine_.timeline().contribute({edge.begin, std::min(edge.end, end_of_time_)}, now_, sink);
  machine_.pieces().contribute(edge, sink);
}

std::pair<TimeRange, const Cell*> AccountReader::bucket_at(Grain grain, Timestamp t) {
  const Cell* cell = filled(grain, t);
  return {cell != nullptr ? cell->range : machine_.master().wall().bucket_at(grain, t).range, cell};
}

/// Days, where they are whole hours, where they are whole, and the edges.
template <class Sum>
void AccountReader::add_piecewise(TimeRange range, Timestamp end, Sum& sum) {
  Timestamp t = range.begin;
  if (t < *first_event_)
    t = std::max(t, machine_.master().wall().bucket_at(Grain::day, *first_event_).range.begin);
  for (TimeRange day{t, t}; t < end;) {
    if (!day.contains(t)) {
      const auto [bucket, cell] = bucket_at(Grain::day, t);
      day = bucket;
      if (day.begin == t && day.end <= range.end && add_bucket(day, cell, end, sum)) {
        t = day.end;
        continue;
      }
    }
    const auto [hour, cell] = bucket_at(Grain::hour, t);
    const bool whole = hour.begin == t && hour.end <= range.end && add_bucket(hour, cell, end, sum);
    if (!whole) add_edge({t, std::min(hour.end, end)}, sum);
    t = hour.end;
  }
}

template void AccountReader::add_range(TimeRange, Account&);
template void AccountReader::add_range(TimeRange, Sums&);

Sequence AccountReader::revision(Grain grain, TimeRange range) {
  const Cell* cell = cursor(grain).find(range.begin);
  const Sequence revision = cell == nullptr ? 0 : cell->revision;
  const bool lasts = last_state_ && range.begin > *last_state_;
  return lasts ? std::max(revision, machine_.tail_revision()) : revision;
}

Sequence AccountReader::revision_within(TimeRange range) const {
  const CellTable& hours = machine_.cells(Grain::hour);
  Sequence newest = last_state_ && range.end > *last_state_ ? machine_.tail_revision() : 0;
  auto at = hours.lower_bound(range.begin);
  // An hour may begin before the range and reach into it.
  if (at != hours.begin()) {
    auto before = at;
    if (--before; before->range.end > range.begin) newest = std::max(newest, before->revision);
  }
  for (; at != hours.end() && at->range.begin < range.end; ++at) newest = std::max(newest, at->revision);
  return newest;
}

}  // namespace takt
