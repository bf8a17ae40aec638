#include "query/series.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

using Point = std::variant<double, bool, std::string>;

Point value_of(const ReadingRow& row, const ReadingRows& rows) {
  switch (row.kind) {
    case Value::Kind::boolean:
      return row.number != 0;
    case Value::Kind::text:
      return row.extra == 0 ? std::string{} : rows.texts[row.extra - 1].value;
    case Value::Kind::number:
    case Value::Kind::none:
      break;
  }
  return row.number;
}

/// One step's readings, folded.
struct Step {
  Timestamp start;
  std::size_t count = 0, numbers = 0;
  double sum = 0, minimum = 0, maximum = 0, first_number = 0, last_number = 0;
  Point first = 0.0, last = 0.0;

  void add(const ReadingRow& row, const ReadingRows& rows) {
    if (count++ == 0) first = value_of(row, rows);
    last = value_of(row, rows);
    if (row.kind == Value::Kind::text) return;
    if (numbers++ == 0) minimum = maximum = first_number = row.number;
    minimum = std::min(minimum, row.number);
    maximum = std::max(maximum, row.number);
    last_number = row.number;
    sum += row.number;
  }
  std::optional<Point> result(Aggregate aggregate) const {
    if (aggregate == Aggregate::count) return static_cast<double>(count);
    if (aggregate == Aggregate::first) return first;
    if (aggregate == Aggregate::last) return last;
    if (numbers == 0) return std::nullopt;
    switch (aggregate) {
      case Aggregate::min:
        return minimum;
      case Aggregate::max:
        return maximum;
      case Aggregate::sum:
        return sum;
      case Aggregate::delta:
        return last_number - first_number;
      default:
        return sum / static_cast<double>(numbers);
    }
  }
};

Timestamp step_start(Timestamp t, Duration step) {
  const std::int64_t us = micros(t);
  const std::int64_t size = step.count();
  std::int64_t index = us / size;
  if (us % size < 0) --index;
  return from_micros(index * size);
}

}  // namespace

std::optional<Aggregate> aggregate_named(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames{"avg", "min", "max", "sum", "count", "first", "last", "delta"};
  const auto at = std::find(kNames.begin(), kNames.end(), name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<Aggregate>(at - kNames.begin());
}

Result<std::vector<SeriesPoint>> series(const Store& store, const SeriesRequest& r) {
  std::vector<SeriesPoint> points;
  std::optional<Step> open;
  const auto close = [&] {
    if (!open) return;
    if (auto value = open->result(r.aggregate)) points.push_back({open->start, std::move(*value)});
    open.reset();
  };
  TimeRange rest = r.range;
  // A day at a time: the writer waits for no more than that, and memory stays small whatever the range.
  while (!rest.empty()) {
    const StoreView view = store.read();
    const MachineRecord* machine = view.machine(r.machine);
    if (machine == nullptr) return not_found("there is no machine \"" + r.machine + "\" in this plant");
    const ReadingGroup* group = view.group(machine->id(), r.tag);
    if (group == nullptr || !group->first()) break;
    rest.begin = std::max(rest.begin, *group->first());
    const TimeRange slice = intersect(rest, {rest.begin, rest.begin + std::chrono::hours{24}});
    if (slice.empty() || rest.begin > *group->last()) break;
    const auto rows = group->scan(slice, view.chunks());
    if (!rows) return rows.error();
    for (const ReadingRow& row : rows->rows) {
      if (r.good_only && row.quality >= 0 && row.quality < 192) continue;
      if (!r.step) {
        points.push_back({row.at, value_of(row, *rows)});
      } else {
        const Timestamp start = step_start(row.at, *r.step);
        if (open && open->start != start) close();
        if (!open) open = Step{start};
        open->add(row, *rows);
      }
    }
    if (points.size() > kMaxSeriesPoints) {
      return invalid("the answer would have more than " + std::to_string(kMaxSeriesPoints) +
                     " points; ask for a shorter range, or for steps (step=60s)");
    }
    rest.begin = slice.end;
  }
  close();
  return points;
}

}  // namespace takt
