// The plant's wall clock and shift plans as explicit UTC instants (contract 1, 2 and 5).
//
// Everything here is immutable once built and filled in lazily, a month at a time, without locks: any thread may
// ask.
#pragma once

#include "engine/zone.h"
#include "schema/plant.h"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace takt {

/// Days since 1970-01-01 of a civil date and back.
std::int32_t day_number(int year, unsigned month, unsigned day);
/// "2026-01-05".
std::string format_day(std::int32_t day);
/// 0 Monday ... 6 Sunday.
unsigned weekday(std::int32_t day);

enum class Grain : std::uint8_t { hour, shift, day, week, month, year, total };
std::string_view name_of(Grain grain);
std::optional<Grain> grain_named(std::string_view name);

/// One bucket, uncut.
struct Bucket {
  TimeRange range;
  std::int32_t business_day = 0;       ///< the local date that the start is set for
  const std::string* shift = nullptr;  ///< the shift's id; borrowed from the calendar's plan

  friend bool operator==(const Bucket& a, const Bucket& b) {
    return a.range == b.range && a.business_day == b.business_day &&
           (a.shift == b.shift || (a.shift != nullptr && b.shift != nullptr && *a.shift == *b.shift));
  }
};

/// A table filled in month by month, on first use, by whoever asks first.
template <class Month>
class MonthTable {
 public:
  static constexpr int kFirstYear = 1899, kLastYear = 2201;
  MonthTable() = default;
  MonthTable(const MonthTable&) = delete;
  MonthTable& operator=(const MonthTable&) = delete;
  ~MonthTable() {
    for (auto& slot : months_) delete slot.load();
  }
  template <class Build>
  const Month& get(int index, Build build) const {
    auto& slot = months_[static_cast<std::size_t>(index)];
    if (const Month* month = slot.load(std::memory_order_acquire)) return *month;
    auto built = std::make_unique<const Month>(build());
    const Month* expected = nullptr;
    if (slot.compare_exchange_strong(expected, built.get(), std::memory_order_acq_rel)) return *built.release();
    return *expected;
  }
  static int index_of_day(std::int32_t day);  ///< clamped to the table

 private:
  mutable std::array<std::atomic<const Month*>, (kLastYear - kFirstYear + 1) * 12> months_{};
};

/// Hours, days, weeks, months and years of the plant's wall clock: without gaps, of 23, 24 or 25 hours a day;
/// hours are cut also where the clock changes.
class WallClock {
 public:
  explicit WallClock(Zone zone) : zone_(std::move(zone)) {}
  const Zone& zone() const { return zone_; }
  /// The bucket of `grain` (hour to year) that holds `t`.
  Bucket bucket_at(Grain grain, Timestamp t) const;
  Timestamp start_of_day(std::int32_t day) const { return zone_.to_utc({day, Duration{0}}); }

 private:
  struct Month {
    std::vector<Timestamp> hours;  ///< every hour's start, and the first of the next month
    std::vector<std::int32_t> hour_days;
    std::vector<Timestamp> days;  ///< every day's start, and the first of the next month
    std::vector<std::int32_t> day_numbers;
  };
  const Month& month_of(Timestamp t) const;
  Month build(int index) const;

  Zone zone_;
  MonthTable<Month> months_;
};

/// When one machine is planned to run: the shifts of its most specific scope, its breaks and all its closures.
/// Without shifts every moment is scheduled, and local days stand for shifts.
class ShiftPlan {
 public:
  /// `shifts` are those of one scope; `wall` outlives the plan.
  ShiftPlan(const WallClock& wall, std::vector<Shift> shifts, const std::vector<Closure>& closures,
            TimeRange valid);

  /// The shift instance that holds `t`, or none between shifts.
  std::optional<Bucket> shift_at(Timestamp t) const;
  /// The last shift instance that began at or before `t`.
  std::optional<Bucket> shift_begun_by(Timestamp t) const;
  /// The first shift instance that begins at or after `t`, looked for `within` a span.
  static constexpr Duration kLookAhead = std::chrono::hours{24 * 40};
  std::optional<Bucket> next_shift(Timestamp t, Duration within = kLookAhead) const;
  bool has_shifts() const { return !shifts_.empty(); }
  /// Whether its shifts and closures are those of `other`, which may hold at another time.
  bool has_rules_of(const ShiftPlan& other) const {
    return shifts_ == other.shifts_ && closures_ == other.closures_;
  }

  /// Planned operation time (POT) at `t`, and until when that stays so (at least one step ahead of `t`).
  struct Planned {
    bool planned = true;
    Timestamp until;
  };
  Planned planned_at(Timestamp t) const;
  /// Whether a closure holds at `t`, and until when that stays so.
  struct Closed {
    bool closed = false;
    Timestamp until;
  };
  Closed closed_at(Timestamp t) const;
  Duration planned_time(TimeRange range) const;
  /// The first planned moment of `range`.
  std::optional<Timestamp> first_planned(TimeRange range) const;

 private:
  struct Month {
    std::vector<Bucket> shifts;      ///< that start in the local month, by start
    std::vector<TimeRange> planned;  ///< disjoint, by start; of the shifts that start in the month
  };
  const Month& month(int index) const;
  Month build(int index) const;
  void add_instance(Month& month, const Shift& shift, std::int32_t day) const;

  const WallClock& wall_;
  std::vector<Shift> shifts_;
  std::vector<TimeRange> closures_;  // merged, by start
  TimeRange valid_;
  MonthTable<Month> months_;
};

}  // namespace takt
