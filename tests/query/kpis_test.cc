// KPIs of small histories, worked out by hand.
#include "query/kpis.h"
#include "tests/engine/engine_store.h"
#include "tests/support/kpi_rules.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();
const TimeRange kDay{kMonday, kMonday + hours{24}};

Timestamp at(int hour, int minute = 0) { return kMonday + hours{hour} + minutes{minute}; }

Event order(OrderAction action, std::string_view name, Timestamp t, std::string_view machine = "M1") {
  Event e = event_at(EventType::order, machine, t);
  e.order = name, e.action = action;
  return e;
}
Event inspection(std::string_view serial, Timestamp t, std::string_view result, std::string_view machine = "M1") {
  Event e = event_at(EventType::quality, machine, t);
  e.serial = serial, e.result = result, e.characteristic = "diameter";
  return e;
}
Event meter(double kwh, Timestamp t, std::string_view machine = "M1") {
  Event e = event_at(EventType::energy, machine, t);
  e.kwh_total = kwh;
  return e;
}

json kpis_of(const EngineStore& s, TimeRange range = kDay, const std::string& scope = "machine:M1") {
  const auto found = kpis(s.store->read(), *parse_scope(scope), range, s.clock.now());
  if (!found) return found.error().context;
  json answer = json::parse(render_kpis(*found));
  expect_sound(answer);
  return answer;
}
double value_of(const json& answer, std::string_view id) { return kpi_of(answer, id).at("value").get<double>(); }
std::string reason_of(const json& answer, std::string_view id) {
  const json kpi = kpi_of(answer, id);
  EXPECT_TRUE(kpi.at("value").is_null()) << kpi;
  return kpi.at("reason").is_null() ? "" : kpi.at("reason").get<std::string>();
}

/// Always scheduled, known from 6 to 14: setup 6 to 7, runs to 9, fails to 10, runs to 12, stops without an order
/// to 13, runs to 14. O1 runs from 6 to 10:30, O2 from 10:30 to 12. 9000 good, 600 scrap, 400 rework.
void tell_shift(EngineStore& s, std::string_view machine = "M1") {
  Event made = count(machine, at(11), 9000, 600);
  made.rework = 400;
  s.commit(
      {state(machine, at(6), "setup"), state(machine, at(7), "running"), state(machine, at(9), "down", "FAIL"),
       state(machine, at(10), "running"), state(machine, at(12), "idle"), state(machine, at(13), "running"),
       state(machine, at(14), "off"), made, order(OrderAction::start, "O1", at(6), machine),
       order(OrderAction::complete, "O1", at(10, 30), machine),
       order(OrderAction::start, "O2", at(10, 30), machine), order(OrderAction::stop, "O2", at(12), machine)});
}

TEST(Kpis, OfAShiftWorkedOutByHand) {
  EngineStore s{kMonday + hours{24}};
  tell_shift(s);
  const json k = kpis_of(s);
  // APT = 2 + 2 + 1 = 5 h, AUST = 1 h, stops 2 h: PBT = 8 h. In an order only the failure: ADET = 1 h.
  // AUPT = 6 h, AUBT = 7 h. AOET = 4.5 + 1.5 = 6 h. PQ = 10000 of one second each.
  EXPECT_EQ(value_of(k, "allocation_ratio"), 7 / 6.0);
  EXPECT_EQ(kpi_of(k, "allocation_ratio")["inputs"], (json{{"AUBT", 25200}, {"AOET", 21600}}));
  EXPECT_DOUBLE_EQ(value_of(k, "throughput_rate"), 10000 / 21600.0);
  EXPECT_EQ(kpi_of(k, "throughput_rate")["unit"], "1/s");
  EXPECT_EQ(value_of(k, "allocation_efficiency"), 7 / 8.0);
  EXPECT_EQ(value_of(k, "utilization_efficiency"), 5 / 7.0);
  EXPECT_EQ(value_of(k, "oee_index"), 9000 / 28800.0);
  EXPECT_DOUBLE_EQ(value_of(k, "nee_index"), 9000 / 28800.0 * 6 / 5);
  EXPECT_EQ(value_of(k, "availability"), 5 / 8.0);
  EXPECT_EQ(value_of(k, "effectiveness"), 10000 / 18000.0);
  EXPECT_EQ(value_of(k, "quality_ratio"), 0.9);
  EXPECT_EQ(value_of(k, "setup_ratio"), 1 / 6.0);
  EXPECT_EQ(value_of(k, "technical_efficiency"), 5 / 6.0);
  EXPECT_EQ(value_of(k, "production_process_ratio"), 5 / 6.0);
  EXPECT_EQ(value_of(k, "scrap_ratio"), 0.06);
  EXPECT_EQ(value_of(k, "rework_ratio"), 0.04);
  EXPECT_EQ(value_of(k, "mtbf"), 6 * 3600);
  EXPECT_EQ(value_of(k, "mttf"), 6 * 3600);
  EXPECT_EQ(value_of(k, "mttr"), 3600);
  EXPECT_EQ(kpi_of(k, "mtbf")["unit"], "s");
}

TEST(Kpis, HaveTheNumbersOfTheStandard) {
  EngineStore s{kMonday + hours{24}};
  const json k = kpis_of(s);
  for (const auto& [id, number] : {std::pair{"worker_efficiency", 1},
                                   {"oee_index", 6},
                                   {"availability", 8},
                                   {"quality_ratio", 10},
                                   {"first_pass_yield", 15},
                                   {"cm", 19},
                                   {"cpk", 22},
                                   {"comprehensive_energy_consumption", 23},
                                   {"equipment_load_ratio", 30},
                                   {"mtbf", 31},
                                   {"corrective_maintenance_ratio", 34}}) {
    EXPECT_EQ(kpi_of(k, id)["number"], number) << id;
  }
}

TEST(Kpis, AreAbsentForAReason) {
  EngineStore s{kMonday + hours{24}};
  const json nothing = kpis_of(s);
  for (const json& kpi : nothing["kpis"]) EXPECT_TRUE(kpi["value"].is_null()) << kpi;
  EXPECT_TRUE(nothing["energy"].is_null());
  EXPECT_THAT(reason_of(nothing, "availability"), HasSubstr("PBT is zero"));
  EXPECT_THAT(reason_of(nothing, "allocation_ratio"), HasSubstr("no order ran"));
  EXPECT_THAT(reason_of(nothing, "mtbf"), HasSubstr("nothing failed"));
  tell_shift(s);
  const json k = kpis_of(s);
  EXPECT_THAT(reason_of(k, "worker_efficiency"), HasSubstr("personnel"));
  EXPECT_THAT(reason_of(k, "actual_to_planned_scrap_ratio"), HasSubstr("PSQ"));
  EXPECT_EQ(kpi_of(k, "actual_to_planned_scrap_ratio")["inputs"], (json{{"SQ", 600}, {"PSQ", nullptr}}));
  EXPECT_THAT(reason_of(k, "cpk"), HasSubstr("/v1/quality"));
  EXPECT_THAT(reason_of(k, "inventory_turns"), HasSubstr("inventories"));
  EXPECT_THAT(reason_of(k, "finished_goods_ratio"), HasSubstr("material"));
  EXPECT_THAT(reason_of(k, "equipment_load_ratio"), HasSubstr("EPC"));
  EXPECT_THAT(reason_of(k, "first_pass_yield"), HasSubstr("no serial"));
  EXPECT_THAT(reason_of(k, "comprehensive_energy_consumption"), HasSubstr("baseline"));
}

TEST(Kpis, OfPiecesWithoutAnIdealCycleSayWhich) {
  Plant plant = small_plant();
  plant.machines[0].ideal_cycle.reset();
  EngineStore s{kMonday + hours{24}, plant};
  tell_shift(s);
  const json k = kpis_of(s);
  for (const char* id : {"oee_index", "nee_index", "effectiveness", "quality_ratio"})
    EXPECT_THAT(reason_of(k, id), HasSubstr("no ideal cycle")) << id;
  EXPECT_EQ(value_of(k, "scrap_ratio"), 0.06);
}

TEST(Kpis, TakeAnOrdersExecutionFromItsStartToItsEnd) {
  EngineStore s{kMonday + hours{24}};
  s.commit({state("M1", at(6), "running"), state("M2", at(6), "running"), order(OrderAction::start, "O1", at(6)),
            order(OrderAction::stop, "O1", at(8)), order(OrderAction::start, "O1", at(9)),
            order(OrderAction::complete, "O1", at(10)), order(OrderAction::start, "O1", at(11), "M2"),
            order(OrderAction::complete, "O1", at(13), "M2")});
  const auto execution = [&](const std::string& scope, TimeRange range) {
    return kpi_of(kpis_of(s, range, scope), "allocation_ratio")["inputs"]["AOET"];
  };
  EXPECT_EQ(execution("machine:M1", kDay), 4 * 3600) << "the wait from 8 to 9 too";
  EXPECT_EQ(execution("machine:M2", kDay), 2 * 3600);
  EXPECT_EQ(execution("plant", kDay), 7 * 3600) << "and the way from M1 to M2";
  EXPECT_EQ(execution("plant", {at(12), at(20)}), 3600);
  s.commit({withdrawn(order(OrderAction::complete, "O1", at(13), "M2"))});
  EXPECT_EQ(execution("machine:M2", kDay), 13 * 3600) << "it still runs";
}

TEST(Kpis, CountSerialsThatPassAtFirst) {
  EngineStore s{kMonday + hours{24}};
  // S1 passes; S2 fails and passes once it is mended; S3 passes, then fails; S4 has failed the day before.
  s.commit({inspection("S1", at(1), "pass"), inspection("S2", at(2), "fail"), inspection("S2", at(3), "pass"),
            inspection("S3", at(4), "pass"), inspection("S3", at(5), "fail"), inspection("S4", at(-1), "fail"),
            inspection("S4", at(6), "pass"), inspection("", at(7), "fail")});
  json k = kpis_of(s);
  EXPECT_EQ(kpi_of(k, "first_pass_yield")["inputs"], (json{{"GP", 2}, {"IP", 4}}));
  EXPECT_EQ(value_of(k, "first_pass_yield"), 0.5);
  s.commit({withdrawn(inspection("S2", at(2), "fail"))});
  EXPECT_EQ(value_of(kpis_of(s), "first_pass_yield"), 0.75);
  s.commit({inspection("S1", at(8), "fail", "M2")});
  EXPECT_EQ(value_of(kpis_of(s, kDay, "plant"), "first_pass_yield"), 3 / 5.0);
}

TEST(Kpis, SpreadEnergyOverWhatTheMachineDid) {
  EngineStore s{kMonday + hours{24}};
  tell_shift(s);
  // From 5 to 9: an hour unknown, one of setup, two of production, 8 kWh in all. From 9 to 15 in 6 hours 6 kWh:
  // one failed, two ran, one stopped, one ran, one unknown. Then the meter is changed: 3 kWh from 15 to 18.
  s.commit({meter(100, at(5)), meter(108, at(9)), meter(114, at(15)), meter(3, at(18))});
  const json k = kpis_of(s);
  const json by = k["energy"]["by_category"];
  EXPECT_NEAR(by["setup"].get<double>(), 2, 1e-12);
  EXPECT_NEAR(by["production"].get<double>(), 4 + 3, 1e-12);
  EXPECT_NEAR(by["stop"].get<double>(), 2, 1e-12);
  EXPECT_NEAR(by["unknown"].get<double>(), 2 + 1 + 3, 1e-12);
  EXPECT_EQ(by["planned_stop"], 0);
  EXPECT_NEAR(k["energy"]["kwh"].get<double>(), 17, 1e-12);
  EXPECT_NEAR(value_of(k, "comprehensive_energy_consumption"), 17 / 10000.0, 1e-12);
  EXPECT_EQ(kpi_of(k, "comprehensive_energy_consumption")["unit"], "kWh/item");
  // An increase belongs to its reading's time, be its baseline before the range.
  EXPECT_NEAR(kpis_of(s, {at(10), at(16)})["energy"]["kwh"].get<double>(), 6, 1e-12);
  s.commit({withdrawn(meter(108, at(9)))});
  EXPECT_NEAR(kpis_of(s)["energy"]["kwh"].get<double>(), 17, 1e-12);
  EXPECT_NEAR(kpis_of(s)["energy"]["by_category"]["setup"].get<double>(), 1.4, 1e-12)
      << "an hour of ten, of 14 kWh";
}

TEST(Kpis, OfAGroupAreRatiosOfSums) {
  EngineStore s{kMonday + hours{24}};
  tell_shift(s);
  s.commit(
      {state("M2", at(0), "running"), count("M2", at(1), 1000), meter(0, at(1), "M2"), meter(5, at(2), "M2")});
  const json k = kpis_of(s, kDay, "plant");
  EXPECT_EQ(value_of(k, "availability"), (5 + 24) / (8 + 24.0));
  EXPECT_EQ(value_of(k, "utilization_efficiency"), (5 + 24) / (7 + 24.0));
  EXPECT_EQ(value_of(k, "scrap_ratio"), 600 / 11000.0);
  EXPECT_EQ(value_of(k, "mtbf"), 30 * 3600);
  EXPECT_EQ(value_of(k, "comprehensive_energy_consumption"), 5 / 11000.0);
}

TEST(Kpis, DelayFollowsThePolicies) {
  Plant plant = small_plant();
  plant.minor_stops = MinorStopPolicy::performance;
  plant.unknown_time = UnknownTimePolicy::stop;
  EngineStore s{kMonday + hours{24}, plant};
  // In the order: two minutes of a minor stop, which are production, and an hour of unknown time, which is delay.
  s.commit({state("M1", at(6), "running"), state("M1", at(7), "idle"), state("M1", at(7, 2), "running"),
            state("M1", at(8), "off"), state("M1", at(9), "running"), order(OrderAction::start, "O1", at(6)),
            order(OrderAction::complete, "O1", at(10))});
  const json k = kpis_of(s, {at(6), at(10)});
  EXPECT_EQ(kpi_of(k, "technical_efficiency")["inputs"], (json{{"APT", 3 * 3600}, {"ADET", 3600}}));
}

TEST(Kpis, OfDroppedEventsSayFromWhenOn) {
  Plant plant = small_plant();
  plant.retention_events_days = 2;
  StoreOptions by_hand;
  by_hand.fold_every = std::chrono::milliseconds{0};
  EngineStore s{kMonday, plant, by_hand};
  for (Timestamp t = kMonday; t < kMonday + hours{24 * 7}; t += hours{1}) {
    s.clock.set(t + hours{1});
    s.commit({state("M1", t, "down", "FAIL"), state("M1", t + minutes{10}, "running"), count("M1", t, 10)});
  }
  const TimeRange all{kMonday, kMonday + hours{24 * 7}};
  EXPECT_EQ(value_of(kpis_of(s, all), "mttr"), 600);
  ASSERT_GT(*s.store->expire_events(), 0U);
  const json k = kpis_of(s, all);
  EXPECT_NEAR(value_of(k, "availability"), 50 / 60.0, 1e-12) << "its sums stay";
  EXPECT_THAT(reason_of(k, "mttr"), HasSubstr("retained no more"));
  EXPECT_THAT(reason_of(k, "utilization_efficiency"), HasSubstr(format_time(s.store->horizon())));
  EXPECT_EQ(value_of(kpis_of(s, {s.store->horizon() + hours{1}, all.end}), "mttr"), 600);
}

}  // namespace
}  // namespace takt
