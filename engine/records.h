// What the engine keeps of each event in memory: enough to derive every figure, and to judge every repetition.
#pragma once

#include "engine/names.h"
#include "engine/packed_rows.h"
#include "schema/event.h"

#include <array>
#include <compare>
#include <cstdint>

namespace takt {

/// Which of two events of one identity wins: the higher revision, then a withdrawal, then a fixed order on
/// content.
struct Rank {
  std::uint64_t order = 0;    ///< revision * 2 + withdrawn
  std::uint64_t content = 0;  ///< XXH3 of all that the event says; 0 of a withdrawal

  bool withdrawn() const { return (order & 1U) != 0; }
  friend auto operator<=>(const Rank&, const Rank&) = default;
};
Rank rank_of(const Event& event);

/// 0 for none. An identity's free text is only ever compared, so its hash is enough.
std::uint64_t hash_of(std::string_view text);

struct StateRecord {
  Timestamp at;
  NameId id = NameId::none;
  NameId state = NameId::none;  ///< lower-case spelling
  NameId reason = NameId::none;
  Rank rank;
};

/// A count, or a cycle (counted at its end).
struct PieceRecord {
  Timestamp at;
  Timestamp start;  ///< of a cycle; of a count the same as `at`
  NameId product = NameId::none, order = NameId::none, defect = NameId::none;
  std::int32_t good = 0, scrap = 0, rework = 0;
  bool cycle = false;
  bool startup = false;
  std::uint64_t id = 0;
  Rank rank;
};

/// Where the piece of a cycle stands: its end may be corrected, its start is its identity.
struct CycleRecord {
  Timestamp start;
  Timestamp end;
  NameId product = NameId::none, order = NameId::none, defect = NameId::none;
  std::uint64_t id = 0;
  Rank rank;
};

/// The counter readings of a live count event.
struct CounterRecord {
  Timestamp at;
  NameId product = NameId::none, order = NameId::none, defect = NameId::none;
  bool startup = false;
  std::uint64_t id = 0;
  std::array<std::int64_t, 3> total{kAbsent, kAbsent, kAbsent};  ///< good, scrap, rework
};

struct OrderRecord {
  Timestamp at;
  NameId order = NameId::none, product = NameId::none;
  OrderAction action = OrderAction::none;
  std::uint64_t id = 0;
  std::int64_t quantity = kAbsent;
  Timestamp planned_start, planned_end;
  Rank rank;
};

struct ClassifyRecord {
  Timestamp start;
  Timestamp end;          ///< kBeginOfTime: to the end of the stretch
  Timestamp recorded_at;  ///< kBeginOfTime: earliest
  NameId reason = NameId::none, by = NameId::none;
  std::uint64_t id = 0;
  Rank rank;
};

struct QualityRecord {
  Timestamp at;
  NameId characteristic = NameId::none, product = NameId::none, defect = NameId::none;
  std::uint64_t serial = 0, subgroup = 0;
  std::uint64_t id = 0;
  bool failed = false;
  std::int64_t quantity = 1;
  double value = 0;
  Rank rank;
};

struct EnergyRecord {
  Timestamp at;
  std::uint64_t id = 0;
  double kwh_total = 0;
  Rank rank;
};

// What of them is packed when they are old (engine/packed_rows.h): every member.
constexpr auto columns_of(const Rank*) { return std::tuple{&Rank::order, &Rank::content}; }
constexpr auto columns_of(const StateRecord*) {
  using R = StateRecord;
  return std::tuple{&R::at, &R::id, &R::state, &R::reason, &R::rank};
}
constexpr auto columns_of(const PieceRecord*) {
  using R = PieceRecord;
  return std::tuple{&R::at,      Beside{&R::start, &R::at},
                    &R::product, &R::order,
                    &R::defect,  &R::good,
                    &R::scrap,   &R::rework,
                    &R::cycle,   &R::startup,
                    &R::id,      &R::rank};
}
constexpr auto columns_of(const CycleRecord*) {
  using R = CycleRecord;
  return std::tuple{&R::start, Beside{&R::end, &R::start}, &R::product, &R::order, &R::defect, &R::id, &R::rank};
}
constexpr auto columns_of(const CounterRecord*) {
  using R = CounterRecord;
  return std::tuple{&R::at, &R::product, &R::order, &R::defect, &R::startup, &R::id, &R::total};
}
constexpr auto columns_of(const QualityRecord*) {
  using R = QualityRecord;
  return std::tuple{&R::at, &R::characteristic, &R::product,  &R::defect, &R::serial, &R::subgroup,
                    &R::id, &R::failed,         &R::quantity, &R::value,  &R::rank};
}
constexpr auto columns_of(const EnergyRecord*) {
  using R = EnergyRecord;
  return std::tuple{&R::at, &R::id, &R::kwh_total, &R::rank};
}

/// Orders that do not change from one run of the program to the next: strings by their text.
struct ByIdentity {
  const Names* names = nullptr;

  bool before(NameId a, NameId b) const { return a != b && names->text(a) < names->text(b); }

  bool operator()(const StateRecord& a, const StateRecord& b) const {
    return a.at != b.at ? a.at < b.at : before(a.id, b.id);
  }
  bool operator()(const CycleRecord& a, const CycleRecord& b) const {
    return a.start != b.start ? a.start < b.start : rest(a, b);
  }
  bool operator()(const CounterRecord& a, const CounterRecord& b) const {
    return a.at != b.at ? a.at < b.at : rest(a, b);
  }
  bool operator()(const PieceRecord& a, const PieceRecord& b) const {
    if (a.at != b.at) return a.at < b.at;
    if (a.cycle != b.cycle) return b.cycle;
    return a.start != b.start ? a.start < b.start : rest(a, b);
  }
  bool operator()(const OrderRecord& a, const OrderRecord& b) const {
    if (a.at != b.at) return a.at < b.at;
    if (a.order != b.order) return before(a.order, b.order);
    return a.action != b.action ? a.action < b.action : a.id < b.id;
  }
  bool operator()(const ClassifyRecord& a, const ClassifyRecord& b) const {
    if (a.start != b.start) return a.start < b.start;
    if (a.end != b.end) return a.end < b.end;
    return a.recorded_at != b.recorded_at ? a.recorded_at < b.recorded_at : a.id < b.id;
  }
  bool operator()(const QualityRecord& a, const QualityRecord& b) const {
    if (a.at != b.at) return a.at < b.at;
    if (a.characteristic != b.characteristic) return before(a.characteristic, b.characteristic);
    return a.serial != b.serial ? a.serial < b.serial : a.id < b.id;
  }
  bool operator()(const EnergyRecord& a, const EnergyRecord& b) const {
    return a.at != b.at ? a.at < b.at : a.id < b.id;
  }

 private:
  template <class T>
  bool rest(const T& a, const T& b) const {
    if (a.product != b.product) return before(a.product, b.product);
    if (a.order != b.order) return before(a.order, b.order);
    return a.defect != b.defect ? before(a.defect, b.defect) : a.id < b.id;
  }
};

}  // namespace takt
