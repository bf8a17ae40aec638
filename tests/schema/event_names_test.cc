#include "schema/event.h"

#include <gtest/gtest.h>

#include <set>

namespace takt {
namespace {

TEST(EventType, IsFoundByItsName) {
  for (std::size_t i = 0; i < kEventTypes; ++i) {
    const auto type = static_cast<EventType>(i);
    EXPECT_EQ(event_type_named(name_of(type)), type);
  }
  EXPECT_EQ(name_of(EventType::state), "state");
  EXPECT_EQ(name_of(EventType::quality), "quality");
  EXPECT_EQ(name_of(EventType::energy), "energy");
  for (const char* name : {"", "State", "states", "stat", "unknown"})
    EXPECT_EQ(event_type_named(name), std::nullopt);
}

TEST(OrderAction, IsFoundByItsName) {
  for (const auto action : {OrderAction::plan, OrderAction::start, OrderAction::stop, OrderAction::complete}) {
    EXPECT_EQ(order_action_named(name_of(action)), action);
  }
  EXPECT_EQ(name_of(OrderAction::complete), "complete");
  EXPECT_EQ(name_of(OrderAction::none), "");
  for (const char* name : {"", "none", "Start", "pause"}) EXPECT_EQ(order_action_named(name), std::nullopt);
}

TEST(Rejection, HasTheCodesOfTheContract) {
  const std::set<std::string_view> contract = {
      "bad_json",       "unknown_type",    "missing_field", "unknown_field",
      "bad_value",      "unknown_machine", "unknown_state", "unknown_reason",
      "time_in_future", "too_old",         "too_large",     "forbidden"};  // the last is ours: of tokens
  std::set<std::string_view> ours;
  for (std::size_t i = 0; i < kRejections; ++i) ours.insert(name_of(static_cast<Rejection>(i)));
  EXPECT_EQ(ours, contract);
  EXPECT_EQ(name_of(Rejection::time_in_future), "time_in_future");
}

TEST(EventBatch, KeepsStringsWhereverItMoves) {
  EventBatch batch;
  std::string text = "spindle.temp";
  const std::string_view kept = batch.keep(text);
  text.assign(text.size(), 'x');
  const EventBatch moved = std::move(batch);
  EXPECT_EQ(kept, "spindle.temp");
  EXPECT_EQ(moved.size(), 0U);
}

}  // namespace
}  // namespace takt
