// What a flush writes, and that what is written little by little is what would be written at once.
#include "export/flush.h"

#include <fmt/format.h>

#include "simulator/plant_model.h"
#include "simulator/simulation.h"
#include "tests/export/warehouse_fixture.h"
#include "tests/oracle/random_history.h"

#include <algorithm>

namespace takt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

class Flush : public EitherWarehouse {
 protected:
  Flush() { use_plant(kSmallPlant); }

  /// A second, whole export shows the same.
  void expect_as_if_exported_at_once(ExportTarget& little_by_little) {
    flushed(little_by_little);
    expect_equal(little_by_little);
    static int number = 0;
    ExportTarget at_once = target("at_once" + std::to_string(++number) + ".sqlite");
    flushed(at_once);
    EXPECT_EQ(contents(little_by_little), contents(at_once));
  }
};

constexpr std::string_view kMorning = R"(
{"type":"order","machine":"M1","order":"O1","product":"X","action":"start","ts":"2026-01-06T05:00:00Z","quantity":20000,"planned_end":"2026-01-06T10:00:00Z"}
{"type":"state","machine":"M1","ts":"2026-01-06T05:00:00Z","state":"running"}
{"type":"count","machine":"M1","ts":"2026-01-06T06:00:00Z","good":3000,"scrap":10,"defect":"BURR"}
{"type":"state","machine":"M1","ts":"2026-01-06T07:00:00Z","state":"down","reason":"FAIL.MECH"}
{"type":"state","machine":"M1","ts":"2026-01-06T07:30:00Z","state":"running"}
{"type":"count","machine":"M1","ts":"2026-01-06T08:00:00Z","good":3000,"rework":4}
{"type":"state","machine":"M1","ts":"2026-01-06T08:10:00.25Z","state":"idle"}
{"type":"state","machine":"M1","ts":"2026-01-06T08:11:00.5Z","state":"running"}
{"type":"quality","machine":"M1","ts":"2026-01-06T08:00:00Z","product":"X","characteristic":"d","value":20.5,"serial":"S1","result":"pass"}
{"type":"quality","machine":"M1","ts":"2026-01-06T08:01:00Z","product":"X","characteristic":"d","value":21.5,"serial":"S2","result":"fail","defect":"BURR","quantity":2}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:00:01Z","value":1}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:00:02Z","value":4}
{"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:01:00Z","value":"cold","quality":0}
{"type":"state","machine":"M2","ts":"2026-01-06T05:00:00Z","state":"running"}
)";

TEST_P(Flush, WritesTheFiguresOfTheContract) {
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  expect_equal(t);
  // 06:00 to 13:00 local so far; half an hour's break; no shift before 05:00 UTC is told of but the night's.
  EXPECT_EQ(one(t, "SELECT planned_operation_time_s FROM oee_rollup_shift WHERE machine='M1' AND shift='early'"),
            "23400.000000");
  EXPECT_EQ(one(t, "SELECT actual_unit_delay_time_s FROM oee_rollup_shift WHERE machine='M1' AND shift='early'"),
            "1860.250000");
  EXPECT_EQ(one(t, "SELECT produced_quantity FROM oee_rollup_daily WHERE machine='M1'"), "6014");
  EXPECT_EQ(one(t, "SELECT open FROM oee_rollup_daily WHERE machine='M1'"), "1");
  EXPECT_EQ(one(t, "SELECT count(*) FROM oee_rollup_hourly WHERE machine='M1'"), "13");  // 00:00 to 13:00 local
  EXPECT_EQ(one(t, "SELECT duration_s FROM fact_downtime WHERE reason='FAIL.MECH'"), "1800.000000");
  EXPECT_EQ(one(t, "SELECT minor_stop FROM fact_downtime WHERE reason IS NULL"), "1");
  EXPECT_EQ(one(t, "SELECT sum(produced_quantity) FROM fact_production WHERE order_id='O1' AND product='X'"),
            "6014");
  EXPECT_EQ(one(t, "SELECT scrap_quantity FROM fact_scrap WHERE defect='BURR'"), "10");
  EXPECT_EQ(one(t, "SELECT count(*) FROM fact_quality"), "2");
  EXPECT_EQ(one(t, "SELECT value_avg FROM fact_sensor_event WHERE minute='2026-01-06T08:00:00Z'"), "2.500000");
  EXPECT_EQ(one(t, "SELECT text_last FROM fact_sensor_event WHERE good_readings=0"), "cold");
  EXPECT_EQ(one(t, "SELECT status FROM dim_order"), "running");
  EXPECT_EQ(one(t, "SELECT category FROM dim_downtime_reason WHERE reason='FAIL.MECH'"), "failure");
  EXPECT_EQ(one(t, "SELECT iso_week FROM dim_date WHERE date='2026-12-31'"), "53");
}

TEST_P(Flush, WhatRetentionHasTakenFromTheEngineStaysInTheWarehouse) {
  const std::string plant = std::string{kSmallPlant} + "[retention]\nevents = 2\n";
  use_plant(plant);
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  const auto day = [](int of_january, std::string_view time) {
    return fmt::format("2026-01-{:02}T{}Z", of_january, time);
  };
  const auto work = [&](int of_january) {
    clock_.set(at(day(of_january, "12:00:00")));
    for (const auto& [type, time, rest] :
         {std::tuple{"state", "07:00:00", R"("state":"down","reason":"FAIL.EL")"},
          std::tuple{"state", "08:00:00", R"("state":"running")"},
          std::tuple{"count", "09:00:00", R"("good":100,"scrap":1,"product":"X","order":"O2")"},
          std::tuple{"order", "10:00:00",
                     of_january == 7 ? R"("order":"O1","action":"complete")" : R"("order":"O2","action":"plan")"},
          std::tuple{"quality", "10:00:00", R"("characteristic":"d","result":"pass")"}}) {
      send(fmt::format(R"({{"type":"{}","machine":"M1","ts":"{}",{}}})", type, day(of_january, time), rest));
    }
    flushed(t);
  };
  const auto first_day = [&](ExportTarget& of) {
    std::vector<std::string> lines;
    for (const std::string& line : contents(of)) {
      const bool fact =
          line.starts_with("fact_") || line.starts_with("oee_rollup_") || line.starts_with("dim_order");
      if (fact && line.find("2026-01-07") != std::string::npos) lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  for (int d = 7; d < 10; ++d) work(d);
  const auto before = first_day(t);
  const auto expect_first_day = [&] {
    const auto after = first_day(t);
    std::vector<std::string> differing;
    std::set_symmetric_difference(before.begin(), before.end(), after.begin(), after.end(),
                                  std::back_inserter(differing));
    for (const std::string& line : differing) ADD_FAILURE() << line;
  };
  ASSERT_GT(before.size(), 20U);
  for (int d = 10; d < 13; ++d) work(d);
  const auto gone = store().expire_events();
  ASSERT_TRUE(gone) << gone.error().context;
  EXPECT_GT(store().horizon(), at("2026-01-09T00:00:00Z"));
  flushed(t);
  expect_equal(t);
  expect_first_day();
  // All that is still known of the machine is written anew, by other settings.
  std::string faster = plant;
  faster.replace(faster.find("ideal_cycle_s = 1.0"), 19, "ideal_cycle_s = 0.5");
  use_plant(faster);
  flushed(t);
  expect_equal(t);
  expect_first_day();
  work(13);
  open_store("data");
  send(R"({"type":"state","machine":"M1","ts":"2026-01-12T08:30:00Z","state":"idle"})");
  flushed(t);
  expect_equal(t);
  expect_first_day();
  // Who comes now gets the figures of all days, and the facts of those that are kept.
  ExportTarget late = target("late.sqlite");
  flushed(late);
  expect_equal(late);
  const auto sums = [&](ExportTarget& of, std::string_view table) {
    return one(of, fmt::format("SELECT count(*) || ' ' || sum(produced_quantity) FROM {}", table));
  };
  EXPECT_EQ(sums(late, "oee_rollup_hourly"), sums(t, "oee_rollup_hourly"));
  EXPECT_EQ(sums(late, "oee_rollup_shift"), sums(t, "oee_rollup_shift"));
  EXPECT_EQ(one(late, "SELECT count(*) FROM fact_production WHERE hour < '2026-01-10'"), "0");
  EXPECT_EQ(one(t, "SELECT count(*) FROM fact_production WHERE hour < '2026-01-10'"), "5");
}

TEST_P(Flush, AgainWritesNothing) {
  send(kMorning);
  ExportTarget t = target();
  EXPECT_TRUE(flushed(t).resynchronised);
  const auto before = contents(t);
  const FlushReport again = flushed(t);
  EXPECT_FALSE(again.resynchronised);
  EXPECT_EQ(again.rows_written, 0U);
  EXPECT_EQ(contents(t), before);
}

TEST_P(Flush, FollowsTheClockWithoutAnyEvent) {
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  for (int hour = 0; hour < 30; hour += 5) {
    clock_.set(clock_.now() + hours{5} + minutes{7});
    expect_as_if_exported_at_once(t);
  }
}

TEST_P(Flush, FollowsLateEventsCorrectionsAndWithdrawals) {
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  const std::string_view changes[] = {
      // A late stop, cut short again, with another reason and with none.
      R"({"type":"state","machine":"M1","ts":"2026-01-06T06:10:00Z","state":"down","reason":"FAIL.EL"})",
      R"({"type":"state","machine":"M1","ts":"2026-01-06T06:20:00Z","state":"running"})",
      R"({"type":"state","machine":"M1","ts":"2026-01-06T06:10:00Z","state":"down","reason":"FAIL.MECH","revision":1})",
      R"({"type":"state","machine":"M1","ts":"2026-01-06T06:15:00Z","state":"down","reason":"FAIL.EL"})",
      R"({"type":"state","machine":"M1","ts":"2026-01-06T06:15:00Z","deleted":true})",
      R"({"type":"classify","machine":"M1","start":"2026-01-06T07:00:00Z","reason":"FAIL.EL"})",
      R"({"type":"classify","machine":"M1","start":"2026-01-06T07:10:00Z","end":"2026-01-06T07:20:00Z","reason":"FAIL.MECH","recorded_at":"2026-01-06T09:00:00Z"})",
      R"({"type":"classify","machine":"M1","start":"2026-01-06T07:00:00Z","deleted":true})",
      R"({"type":"state","machine":"M1","ts":"2026-01-06T06:20:00Z","deleted":true})",
      // Pieces: another defect, another order, gone, and an order that starts earlier.
      R"({"type":"count","machine":"M1","ts":"2026-01-06T06:00:00Z","good":3000,"scrap":11,"defect":"BURR","revision":3})",
      R"({"type":"order","machine":"M1","order":"O2","product":"X","action":"start","ts":"2026-01-06T05:30:00Z"})",
      R"({"type":"order","machine":"M1","order":"O2","product":"X","action":"complete","ts":"2026-01-06T07:59:00Z"})",
      R"({"type":"order","machine":"M1","order":"O2","action":"start","ts":"2026-01-06T05:30:00Z","deleted":true})",
      R"({"type":"count","machine":"M1","ts":"2026-01-06T06:00:00Z","defect":"BURR","deleted":true})",
      // Inspections.
      R"({"type":"quality","machine":"M1","ts":"2026-01-06T08:01:00Z","product":"X","characteristic":"d","value":20.4,"serial":"S2","result":"pass","revision":1})",
      R"({"type":"quality","machine":"M1","ts":"2026-01-06T08:00:00Z","characteristic":"d","serial":"S1","deleted":true})",
      // Readings.
      R"({"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:00:02Z","value":6,"revision":1})",
      R"({"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:01:00Z","deleted":true})",
      R"({"type":"reading","machine":"M2","tag":"u","ts":"2026-01-06T05:08:00Z","value":true})",
      // Days before the first.
      R"({"type":"state","machine":"M1","ts":"2026-01-03T22:30:00Z","state":"idle"})",
      R"({"type":"count","machine":"M2","ts":"2026-01-04T06:00:00Z","good":5})",
  };
  for (const std::string_view change : changes) {
    SCOPED_TRACE(change);
    send(change);
    clock_.set(clock_.now() + minutes{3});
    expect_as_if_exported_at_once(t);
  }
}

TEST_P(Flush, FollowsAMachineThatIsSwitchedOffToItsLastEvent) {
  std::string off{kSmallPlant};
  off.replace(off.find("minor_stop_s = 300"), 18, "active = false");
  use_plant(off);
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  for (const std::string_view change :
       {R"({"type":"count","machine":"M1","ts":"2026-01-06T11:00:00Z","good":7})",
        R"({"type":"count","machine":"M1","ts":"2026-01-06T11:00:00Z","deleted":true})",
        R"({"type":"energy","machine":"M1","ts":"2026-01-06T10:00:00Z","kwh_total":7})"}) {
    SCOPED_TRACE(change);
    send(change);
    clock_.set(clock_.now() + minutes{3});
    expect_as_if_exported_at_once(t);
  }
}

TEST_P(Flush, FollowsThePlantDescription) {
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  const auto with = [](std::string from, std::string to) {
    std::string plant{kSmallPlant};
    plant.replace(plant.find(from), from.size(), to);
    return plant;
  };
  for (const std::string& plant :
       {with("Europe/Berlin", "Asia/Tokyo"), with("ideal_cycle_s = 1.0", "ideal_cycle_s = 1.5"),
        with("minor_stop_s = 300", "active = false"), with("end = \"14:00\"", "end = \"13:00\""),
        with("[[product]]", "[[closure]]\nfrom = 2026-01-06T00:00:00\nto = 2026-01-06T07:00:00\n[[product]]"),
        with("id = \"P1\"", "minor_stops = \"performance\""), with("name = \"Burr\"", "name = \"B\"")}) {
    SCOPED_TRACE(plant);
    use_plant(plant);
    expect_as_if_exported_at_once(t);
  }
}

TEST_P(Flush, KeepsNamesByteForByte) {
  use_plant(std::string{kSmallPlant} + "[[machine]]\nid = \"O'Brien \\\"3\\\" 🏭 -- ; DROP\"\nideal_cycle_s = 1\n");
  send(
      R"({"type":"count","machine":"O'Brien \"3\" 🏭 -- ; DROP","ts":"2026-01-06T08:00:00Z","good":1,"scrap":1,"product":"ü'🔩","defect":"\"'%"})");
  ExportTarget t = target();
  flushed(t);
  expect_equal(t);
  EXPECT_EQ(one(t, "SELECT machine FROM fact_production"), "O'Brien \"3\" 🏭 -- ; DROP");
  EXPECT_EQ(one(t, "SELECT product || defect FROM fact_scrap"), "ü'🔩\"'%");
  EXPECT_EQ(one(t, "SELECT count(*) FROM dim_equipment WHERE id LIKE '%🏭%'"), "1");
}

TEST_P(Flush, KnowsTimesBefore1970) {
  clock_.set(at("1970-01-01T03:00:00Z"));
  send(R"({"type":"state","machine":"M1","ts":"1969-12-31T20:00:00.5Z","state":"down","reason":"FAIL.EL"}
{"type":"reading","machine":"M1","tag":"t","ts":"1969-12-31T23:59:59.999999Z","value":-1})");
  ExportTarget t = target();
  flushed(t);
  expect_equal(t);
  EXPECT_EQ(one(t, "SELECT start FROM fact_downtime"), "1969-12-31T20:00:00.5Z");
  EXPECT_EQ(one(t, "SELECT min(minute) FROM fact_sensor_event"), "1969-12-31T23:59:00Z");
  EXPECT_EQ(flushed(t).rows_written, 0U);
}

TEST_P(Flush, RefusesTheRowsOfAnotherStore) {
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  const auto before = contents(t);
  open_store("other");
  use_plant(kSmallPlant);
  const auto refused = flush(store(), t);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(contents(t), before);
}

TEST_P(Flush, StartsAnewWhereTheTargetIsAheadOfARestoredStore) {
  send(kMorning);
  store_.reset();
  std::filesystem::copy(folder_ / "data", folder_ / "backup", std::filesystem::copy_options::recursive);
  ExportTarget t = target();
  send(R"({"type":"count","machine":"M1","ts":"2026-01-06T09:00:00Z","good":77,"order":"lost"}
{"type":"quality","machine":"M1","ts":"2026-01-06T09:01:00Z","characteristic":"d","value":1,"serial":"lost"}
{"type":"reading","machine":"M1","tag":"lost","ts":"2026-01-06T09:01:00Z","value":1})");
  flushed(t);
  open_store("backup");
  EXPECT_TRUE(flushed(t).resynchronised);
  expect_as_if_exported_at_once(t);
  EXPECT_EQ(one(t, "SELECT count(*) FROM fact_production WHERE order_id='lost'"), "0");
}

TEST_P(Flush, LeavesNothingOfATransactionThatNeverCommitted) {
  if (kind_ == DatabaseKind::postgres)
    GTEST_SKIP() << "the server's own; see Postgres.KilledInAFlushLeavesTheLastOne";
  send(kMorning);
  ExportTarget t = target();
  flushed(t);
  const auto before = contents(t);
  send(R"({"type":"count","machine":"M1","ts":"2026-01-06T09:00:00Z","good":77})");
  // The power goes between the last write and the commit: the copy is what the disk holds then.
  ASSERT_TRUE(t.begin());
  ASSERT_TRUE(t.remove(tables::fact_production, whole_table()));
  ASSERT_TRUE(t.set_watermark({store().id(), store().sequence(), clock_.now(), "", {}}));
  for (const char* part : {"", "-wal"}) {
    std::filesystem::copy_file(file().string() + part, file("copy").string() + part);
  }
  t.rollback();
  ExportTarget copy = target("copy");
  EXPECT_EQ(contents(copy), before);
  expect_as_if_exported_at_once(copy);
}

TEST_P(Flush, WritesEveryReadingWhereTheTargetAsksForIt) {
  send(kMorning);
  const std::string plain = url("wh"), raw = plain + "?readings=raw";
  const auto open = [](const std::string& where) {
    auto opened = ExportTarget::open(*parse_target_url(where), ExportTarget::Mode::create);
    EXPECT_TRUE(opened) << opened.error().context;
    EXPECT_TRUE(opened->migrate_to(ExportTarget::newest_version()));
    return std::move(*opened);
  };
  const auto count = [](ExportTarget& t) { return one(t, "SELECT count(*) FROM fact_sensor_event"); };
  ExportTarget every = open(raw);
  flushed(every);
  expect_equal(every);
  EXPECT_EQ(count(every), "3");
  EXPECT_EQ(one(every, "SELECT value_last FROM fact_sensor_event WHERE minute = '2026-01-06T08:00:02Z'"),
            "4.000000");
  send(R"({"type":"reading","machine":"M1","tag":"t","ts":"2026-01-06T08:00:01.5Z","value":9})");
  EXPECT_EQ(flushed(every).resynchronised, false);
  expect_equal(every);
  EXPECT_EQ(count(every), "4");
  // The other way and back: what is there is what was asked for last.
  ExportTarget minutes_of_it = open(plain);
  expect_equal(minutes_of_it);
  flushed(minutes_of_it);
  expect_equal(minutes_of_it);
  EXPECT_EQ(count(minutes_of_it), "2");
  flushed(every);
  expect_equal(every);
  EXPECT_EQ(count(every), "4");
}

TEST_P(Flush, OfASpanLeavesTheRestToTheNextOne) {
  send(kMorning);
  ExportTarget t = target();
  const auto part = flush(store(), t, TimeRange{at("2026-01-06T06:00:00Z"), at("2026-01-06T08:00:00Z")});
  ASSERT_TRUE(part) << part.error().context;
  EXPECT_EQ(one(t, "SELECT count(*) FROM oee_rollup_hourly WHERE machine='M1'"), "2");
  EXPECT_EQ(one(t, "SELECT sum(produced_quantity) FROM fact_production"), "3010");
  expect_as_if_exported_at_once(t);
}

TEST_P(Flush, OfASimulatedPlantInStepsEqualsTheWhole) {
  constexpr std::size_t kMachines = 4;
  open_store("simulated");
  use_plant(plant_toml(kMachines, 3));
  const Timestamp start = at("2026-03-28T00:00:00Z");  // over a change of the clock
  SimulationOptions options;
  options.machines = kMachines, options.seed = 3, options.start = start;
  Simulation simulation{options};
  ExportTarget t = target();
  for (int step = 1; step <= 8; ++step) {
    EventBatch batch;
    simulation.run_until(start + hours{4} * step, batch);
    clock_.set(start + hours{4} * step);
    commit(std::move(batch));
    flushed(t);
  }
  expect_as_if_exported_at_once(t);
  EXPECT_NE(one(t, "SELECT count(*) FROM fact_downtime"), "0");
  EXPECT_NE(one(t, "SELECT count(*) FROM fact_quality"), "0");
  EXPECT_NE(one(t, "SELECT count(*) FROM vw_current_shift_oee"), "0");
}

TAKT_OF_EITHER_DATABASE(Flush);

class FlushOfHistory : public WarehouseTest, public testing::WithParamInterface<std::uint64_t> {
 protected:
  void little_by_little();
};
class FlushOfHistoryToPostgres : public FlushOfHistory {
 protected:
  FlushOfHistoryToPostgres() { kind_ = DatabaseKind::postgres; }
};

/// Events in random order, doubled, corrected, withdrawn, a flush after every few of them.
void FlushOfHistory::little_by_little() {
  const RandomHistory history = random_history(GetParam());
  clock_.set(history.now);
  use_plant(history.plant_toml);
  ExportTarget little = target();
  const std::size_t step = std::max<std::size_t>(1, history.events.size() / 12);
  for (std::size_t i = 0; i < history.events.size(); i += step) {
    std::string body;
    for (std::size_t j = i; j < std::min(i + step, history.events.size()); ++j)
      body += history.events[j].dump() + '\n';
    send(body);
    clock_.set(history.now + minutes{i / step});
    flushed(little);
    expect_equal(little);
    if (HasFailure()) return;
  }
  ExportTarget whole = target("whole.sqlite");
  flushed(little);
  flushed(whole);
  EXPECT_EQ(contents(little), contents(whole));
}

TEST_P(FlushOfHistory, LittleByLittleEqualsTheWhole) { little_by_little(); }
TEST_P(FlushOfHistoryToPostgres, LittleByLittleEqualsTheWhole) { little_by_little(); }

INSTANTIATE_TEST_SUITE_P(Seeds, FlushOfHistory, testing::Range<std::uint64_t>(1, 31));
INSTANTIATE_TEST_SUITE_P(Seeds, FlushOfHistoryToPostgres, testing::Range<std::uint64_t>(101, 109));

}  // namespace
}  // namespace takt
