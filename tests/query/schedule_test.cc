// Orders as they were planned and as they went, worked out by hand.
#include "query/schedule.h"
#include "tests/engine/engine_store.h"

#include <nlohmann/json.hpp>

namespace takt {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();
const TimeRange kDay{kMonday, kMonday + hours{24}};

Timestamp at(int hour, int minute = 0) { return kMonday + hours{hour} + minutes{minute}; }

Event order(OrderAction action, std::string_view name, Timestamp t, std::string_view machine = "M1") {
  Event e = event_at(EventType::order, machine, t);
  e.order = name, e.action = action;
  return e;
}
/// From `begin` to `end` 100 pieces of X.
Event plan(std::string_view name, Timestamp begin, Timestamp end) {
  Event e = order(OrderAction::plan, name, at(0));
  e.product = "X", e.quantity = 100, e.planned_start = begin, e.planned_end = end;
  return e;
}

json scheduled(const EngineStore& s, TimeRange range = kDay, const std::string& scope = "plant") {
  const auto found = schedule(s.store->read(), *parse_scope(scope), range, s.clock.now());
  return found ? json::parse(render_schedule(*found)) : json(found.error().context);
}
json order_in(const json& answer, std::string_view name) {
  for (const json& row : answer.at("orders")) {
    if (row.at("order") == name) return row;
  }
  return nullptr;
}

TEST(Schedule, TellsPlanAndOutcomeOfEachOrder) {
  EngineStore s{at(12)};
  s.commit({plan("O1", at(6), at(8)), plan("O2", at(8), at(10)), plan("O3", at(10), at(14)),
            plan("O4", at(11), at(15)), plan("O5", at(14), at(16)), order(OrderAction::start, "O1", at(6, 10)),
            count("M1", at(7), 90, 10), order(OrderAction::complete, "O1", at(7, 50)),
            order(OrderAction::start, "O2", at(8)), count("M1", at(9), 100),
            order(OrderAction::complete, "O2", at(10, 30)), order(OrderAction::start, "O3", at(10, 30)),
            count("M1", at(11), 25)});
  const json answer = scheduled(s);
  EXPECT_EQ(order_in(answer, "O1"), json::parse(R"({"machine":"M1","order":"O1","product":"X","status":"completed",
      "running":false,"planned_quantity":100,"planned_start":"2026-01-05T06:00:00Z","planned_end":"2026-01-05T08:00:00Z",
      "actual_start":"2026-01-05T06:10:00Z","actual_end":"2026-01-05T07:50:00Z","produced_quantity":100,
      "good_quantity":90,"scrap_quantity":10,"rework_quantity":0,"completion":0.9,"lateness_s":-600,
      "projected_end":null})"));
  EXPECT_EQ(order_in(answer, "O2")["status"], "completed_late");
  EXPECT_EQ(order_in(answer, "O2")["lateness_s"], 1800);
  // 25 of 100 in an hour and a half: 75 more take four hours and a half.
  EXPECT_EQ(order_in(answer, "O3")["status"], "running");
  EXPECT_EQ(order_in(answer, "O3")["projected_end"], "2026-01-05T16:30:00Z");
  EXPECT_EQ(order_in(answer, "O3")["lateness_s"], 0);
  EXPECT_EQ(order_in(answer, "O4")["status"], "late") << "it should have begun at eleven";
  EXPECT_EQ(order_in(answer, "O4")["lateness_s"], 3600);
  EXPECT_EQ(order_in(answer, "O5")["status"], "planned");
  EXPECT_EQ(order_in(answer, "O5")["lateness_s"], 0);
  EXPECT_EQ(answer["orders"][0]["order"], "O1") << "by their beginning";
  // Of the two that are due one was in time; 215 good pieces of 500.
  EXPECT_EQ(answer["totals"],
            json::parse(R"({"orders":5,"planned":1,"running":1,"stopped":0,"late":1,"completed":1,
      "completed_late":1,"due":2,"in_time":1,"adherence":0.5,"planned_quantity":500,"good_quantity":215,
      "quantity_adherence":0.43})"));
}

TEST(Schedule, OfARunningOrderPastItsEndIsLate) {
  EngineStore s{at(12)};
  s.commit({plan("O1", at(6), at(8)), order(OrderAction::start, "O1", at(6))});
  const json o1 = order_in(scheduled(s), "O1");
  EXPECT_EQ(o1["status"], "late");
  EXPECT_EQ(o1["running"], true);
  EXPECT_EQ(o1["lateness_s"], 4 * 3600);
  EXPECT_TRUE(o1["projected_end"].is_null()) << "nothing was made yet";
}

TEST(Schedule, TakesTheLatestPlan) {
  EngineStore s{at(12)};
  Event moved = plan("O1", at(9), at(20));
  moved.at = at(5), moved.quantity = kAbsent;
  s.commit({moved, plan("O1", at(6), at(8))});
  const json o1 = order_in(scheduled(s), "O1");
  EXPECT_EQ(o1["planned_end"], format_time(at(20)));
  EXPECT_EQ(o1["planned_quantity"], 100) << "which the later one does not mention";
  s.commit({withdrawn(moved)});
  EXPECT_EQ(order_in(scheduled(s), "O1")["planned_end"], format_time(at(8)));
}

TEST(Schedule, KnowsInterruptedAndUnplannedOrders) {
  EngineStore s{at(12)};
  s.commit({order(OrderAction::start, "O1", at(6)), order(OrderAction::stop, "O1", at(7)),
            order(OrderAction::start, "O2", at(7)), order(OrderAction::complete, "O2", at(8)),
            order(OrderAction::start, "O2", at(9)), order(OrderAction::complete, "O9", at(10))});
  const json answer = scheduled(s);
  EXPECT_EQ(order_in(answer, "O1")["status"], "stopped");
  EXPECT_TRUE(order_in(answer, "O1")["lateness_s"].is_null());
  EXPECT_TRUE(order_in(answer, "O1")["completion"].is_null());
  EXPECT_EQ(order_in(answer, "O2")["status"], "running") << "started again";
  EXPECT_TRUE(order_in(answer, "O2")["actual_end"].is_null());
  EXPECT_EQ(order_in(answer, "O2")["actual_start"], format_time(at(7)));
  EXPECT_EQ(order_in(answer, "O9")["status"], "completed");
  EXPECT_TRUE(order_in(answer, "O9")["actual_start"].is_null());
  EXPECT_TRUE(answer["totals"]["adherence"].is_null());
  EXPECT_TRUE(answer["totals"]["quantity_adherence"].is_null());
}

TEST(Schedule, HoldsOrdersThatTouchTheRange) {
  EngineStore s{at(12)};
  s.commit({order(OrderAction::start, "done", at(1)), order(OrderAction::complete, "done", at(2)),
            order(OrderAction::start, "running", at(5)), plan("coming", at(30), at(32)),
            plan("overdue", at(3), at(4))});
  const auto names = [&](TimeRange range) {
    std::vector<std::string> found;
    const json answer = scheduled(s, range);
    for (const json& row : answer["orders"]) found.push_back(row["order"]);
    return found;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({at(0), at(3)}), Names{"done"});
  EXPECT_EQ(names({at(2), at(3)}), Names{}) << "it ended just then";
  EXPECT_EQ(names({at(10), at(11)}), (Names{"overdue", "running"}));
  EXPECT_EQ(names({at(31), at(40)}), Names{"coming"});
  EXPECT_EQ(scheduled(s, kDay, "machine:M2")["orders"].size(), 0U);
}

TEST(Schedule, CountsAllPiecesOfAnOrder) {
  EngineStore s{at(12)};
  Event named = count("M1", at(11), 7);
  named.order = "O1", named.rework = 2;
  s.commit({order(OrderAction::start, "O1", at(6)), count("M1", at(6, 30), 5),
            order(OrderAction::stop, "O1", at(7)), count("M1", at(8), 100), order(OrderAction::start, "O2", at(9)),
            count("M1", at(10), 3), named});
  const json answer = scheduled(s, {at(6, 45), at(6, 50)});
  ASSERT_EQ(answer["orders"].size(), 1U);
  EXPECT_EQ(order_in(answer, "O1")["good_quantity"], 12) << "before and after the range, and by name";
  EXPECT_EQ(order_in(answer, "O1")["produced_quantity"], 14);
  s.commit({withdrawn(count("M1", at(6, 30), 5))});
  EXPECT_EQ(order_in(scheduled(s), "O1")["good_quantity"], 7);
  EXPECT_EQ(order_in(scheduled(s), "O2")["good_quantity"], 3);
}

TEST(Schedule, OfAGroupAddsUp) {
  EngineStore s{at(12)};
  s.commit({plan("O1", at(6), at(8)), order(OrderAction::start, "O1", at(6)),
            order(OrderAction::complete, "O1", at(7)), count("M1", at(6, 30), 80),
            order(OrderAction::start, "O1", at(8), "M2"), count("M2", at(9), 10)});
  const json plant = scheduled(s);
  EXPECT_EQ(plant["orders"].size(), 2U) << "one on each machine";
  EXPECT_EQ(plant["totals"]["completed"], 1);
  EXPECT_EQ(plant["totals"]["running"], 1);
  EXPECT_EQ(plant["totals"]["good_quantity"], 80) << "against what was planned alone";
  EXPECT_EQ(plant["totals"]["adherence"], 1);
}

}  // namespace
}  // namespace takt
