#include "ingest/validate.h"

#include "tests/ingest/decoded.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Timestamp kNow = *parse_time("2026-01-05T06:00:00Z");
constexpr Duration kMinute = std::chrono::minutes(1);
constexpr Duration kDay = std::chrono::days(1);

Plant plant() {
  Plant plant;
  plant.machines.emplace_back().id = "M1";
  plant.reasons.emplace_back().code = "FAIL";
  plant.states.push_back({.name = "Rüsten", .category = TimeCategory::setup});
  return plant;
}

Event state_at(Timestamp at) {
  Event event;
  event.machine = "M1";
  event.at = at;
  event.state = "running";
  return event;
}

EventBatch batch_of(std::vector<Event> events) {
  EventBatch batch;
  for (std::size_t i = 0; i < events.size(); ++i) batch.indexes.push_back(2 * i + 1);
  batch.events = std::move(events);
  return batch;
}

std::string judged(const Event& event, const Plant& described = plant()) {
  EventBatch batch = batch_of({event});
  std::vector<std::string> machines;
  validate(batch, PlantIndex(described), kNow, machines);
  EXPECT_EQ(batch.size(), 1U);
  return batch.rejected.empty() ? "accepted" : std::string(name_of(batch.rejected[0].code));
}

TEST(Validate, KnowsMachinesStatesAndReasons) {
  EXPECT_EQ(judged(state_at(kNow)), "accepted");
  Event event = state_at(kNow);
  event.machine = "M2";
  EXPECT_EQ(judged(event), "unknown_machine");
  event = state_at(kNow);
  event.state = "dancing";
  EXPECT_EQ(judged(event), "unknown_state");
  for (const std::string_view state : {"RUNNING", "Execute", "Rüsten", "OPTIONAL_STOP", "planned_stop"}) {
    event.state = state;
    EXPECT_EQ(judged(event), "accepted") << state;
  }
  event.reason = "NONE";
  EXPECT_EQ(judged(event), "unknown_reason");
  event.reason = "FAIL";
  EXPECT_EQ(judged(event), "accepted");
  event.type = EventType::classify;
  event.state = {};
  EXPECT_EQ(judged(event), "accepted");
  event.reason = "NONE";
  EXPECT_EQ(judged(event), "unknown_reason");
}

TEST(Validate, RefusesWhatHasNotHappenedYet) {
  EXPECT_EQ(judged(state_at(kNow + 5 * kMinute)), "accepted");
  EXPECT_EQ(judged(state_at(kNow + 5 * kMinute + Duration(1))), "time_in_future");
  Event cycle = state_at(kNow);
  cycle.type = EventType::cycle;
  cycle.end = kNow + 6 * kMinute;
  EXPECT_EQ(judged(cycle), "time_in_future");
  cycle.type = EventType::classify;
  EXPECT_EQ(judged(cycle), "accepted");
  Event order = state_at(kNow);
  order.type = EventType::order;
  order.planned_end = kNow + 300 * kDay;
  EXPECT_EQ(judged(order), "accepted");
}

TEST(Validate, RefusesWhatIsNotRetained) {
  Plant described = plant();
  EXPECT_EQ(judged(state_at(*parse_time("1901-01-01T00:00:00Z")), described), "accepted");
  described.retention_events_days = 30;
  described.retention_readings_days = 2;
  EXPECT_EQ(judged(state_at(kNow - 30 * kDay), described), "accepted");
  EXPECT_EQ(judged(state_at(kNow - 30 * kDay - Duration(1)), described), "too_old");
  Event reading = state_at(kNow - 3 * kDay);
  reading.type = EventType::reading;
  EXPECT_EQ(judged(reading, described), "too_old");
  described.retention_events_days = INT64_MAX;
  EXPECT_EQ(judged(state_at(kNow - 3000 * kDay), described), "accepted");
}

TEST(Validate, CollectsNewMachinesOfAcceptedEventsOnce) {
  Plant described = plant();
  described.auto_register = true;
  std::vector<Event> events(5, state_at(kNow));
  events[1].machine = events[2].machine = "M2";
  events[3].machine = "M3";
  events[4].machine = "M4";
  events[4].at = kNow + kDay;
  EventBatch batch = batch_of(events);
  std::vector<std::string> machines;
  validate(batch, PlantIndex(described), kNow, machines);
  EXPECT_THAT(machines, ElementsAre("M2", "M3"));
  EXPECT_EQ(batch.events.size(), 4U);
  validate(batch, PlantIndex(described), kNow, machines);
  EXPECT_EQ(machines.size(), 2U);
}

TEST(Validate, KeepsBothListsInOrder) {
  std::vector<Event> events(5, state_at(kNow));
  events[1].machine = "?";
  events[3].machine = "?";
  EventBatch batch = batch_of(events);
  batch.raw = {"a", "b", "c", "d", "e"};
  batch.rejected = {
      {0, Rejection::bad_json, "", ""}, {4, Rejection::bad_json, "", ""}, {8, Rejection::bad_json, "", ""}};
  std::vector<std::string> machines;
  validate(batch, PlantIndex(plant()), kNow, machines);
  EXPECT_THAT(batch.indexes, ElementsAre(1, 5, 9));
  EXPECT_THAT(batch.raw, ElementsAre("a", "c", "e"));
  std::vector<std::size_t> refused;
  for (const RejectedEvent& rejected : batch.rejected) refused.push_back(rejected.index);
  EXPECT_THAT(refused, ElementsAre(0, 3, 4, 7, 8));
  EXPECT_EQ(batch.rejected[1].raw, "b");
  EXPECT_THAT(machines, IsEmpty());
}

TEST(Validate, WritesTheEventWhereNothingWasReceived) {
  Event event = state_at(kNow);
  event.machine = "M2";
  EventBatch batch = batch_of({event});
  std::vector<std::string> machines;
  validate(batch, PlantIndex(plant()), kNow, machines);
  ASSERT_EQ(batch.rejected.size(), 1U);
  EXPECT_EQ(batch.rejected[0].raw, json_of(event));
}

}  // namespace
}  // namespace takt
