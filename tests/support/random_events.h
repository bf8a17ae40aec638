// Events with anything in them, for what stores them.
#pragma once

#include "schema/event.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

namespace takt {

/// Events with any fields set, whatever their type: the codec knows no rules but what is given.
class RandomEvents {
 public:
  explicit RandomEvents(std::uint64_t seed) : random_(seed) {}

  Event next(EventBatch& batch) {
    Event e;
    e.type = static_cast<EventType>(random_() % kEventTypes);
    e.machine = batch.keep("M" + std::to_string(random_() % 9));
    e.at = time();
    for (std::string_view Event::*field :
         {&Event::id, &Event::state, &Event::reason, &Event::product, &Event::order, &Event::defect, &Event::tag,
          &Event::characteristic, &Event::serial, &Event::subgroup, &Event::result, &Event::by,
          &Event::attributes}) {
      if (given()) e.*field = batch.keep(text());
    }
    for (Timestamp Event::*field :
         {&Event::end, &Event::recorded_at, &Event::planned_start, &Event::planned_end}) {
      if (given()) e.*field = time();
    }
    for (std::int64_t Event::*field :
         {&Event::good, &Event::scrap, &Event::rework, &Event::good_total, &Event::scrap_total,
          &Event::rework_total, &Event::quantity, &Event::value_quality}) {
      if (given()) e.*field = number();
    }
    if (given()) e.revision = static_cast<std::int64_t>(random_() >> (1 + random_() % 63));
    if (given()) e.action = static_cast<OrderAction>(random_() % 5);
    if (given()) e.kwh_total = static_cast<double>(random_() % 1000) / 8;
    e.deleted = given();
    e.startup = given();
    value(batch, e.value);
    return e;
  }

 private:
  bool given() { return random_() % 3 == 0; }
  Timestamp time() { return from_micros(static_cast<std::int64_t>(random_() >> 12U) - (std::int64_t{1} << 50U)); }
  std::int64_t number() { return static_cast<std::int64_t>(random_() >> (random_() % 64)) / 2; }
  std::string text() {
    std::string text;
    for (std::size_t size = 1 + random_() % 200; text.size() < size;) text.push_back(static_cast<char>(random_()));
    return text;
  }
  void value(EventBatch& batch, Value& value) {
    value.kind = static_cast<Value::Kind>(random_() % 4);
    if (value.kind == Value::Kind::text) value.text = batch.keep(text());
    if (value.kind == Value::Kind::boolean) value.number = static_cast<double>(random_() % 2);
    if (value.kind == Value::Kind::number)
      value.number = std::bit_cast<double>(random_() & 0x7FEF'FFFF'FFFF'FFFFU);
  }

  std::mt19937_64 random_;
};

inline bool same_double(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (a != a && b != b);
}

inline void expect_same(const Event& a, const Event& b) {
  ASSERT_EQ(a.type, b.type);
  ASSERT_EQ(a.deleted, b.deleted);
  ASSERT_EQ(a.startup, b.startup);
  ASSERT_EQ(a.action, b.action);
  ASSERT_EQ(a.revision, b.revision);
  for (std::string_view Event::*field :
       {&Event::machine, &Event::id, &Event::state, &Event::reason, &Event::product, &Event::order, &Event::defect,
        &Event::tag, &Event::characteristic, &Event::serial, &Event::subgroup, &Event::result, &Event::by,
        &Event::attributes}) {
    ASSERT_EQ(a.*field, b.*field);
  }
  for (Timestamp Event::*field :
       {&Event::at, &Event::end, &Event::recorded_at, &Event::planned_start, &Event::planned_end}) {
    ASSERT_EQ(a.*field, b.*field);
  }
  for (std::int64_t Event::*field :
       {&Event::good, &Event::scrap, &Event::rework, &Event::good_total, &Event::scrap_total, &Event::rework_total,
        &Event::quantity, &Event::value_quality}) {
    ASSERT_EQ(a.*field, b.*field);
  }
  ASSERT_EQ(a.value.kind, b.value.kind);
  ASSERT_TRUE(same_double(a.value.number, b.value.number));
  ASSERT_EQ(a.value.text, b.value.text);
  ASSERT_TRUE(same_double(a.kwh_total, b.kwh_total));
}

}  // namespace takt
