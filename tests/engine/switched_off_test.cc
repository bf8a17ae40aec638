// A machine that is switched off ends with its last event: of those that count, whatever came and went, in any
// order.
#include "tests/engine/engine_store.h"

namespace takt {
namespace {

using namespace std::chrono_literals;

const Timestamp kStart = parse_time("2026-01-05T06:00:00Z").value();
const TimeRange kDay{kStart, kStart + 24h};

Plant switched_off() {
  Plant plant = small_plant();
  for (Machine& machine : plant.machines) machine.active = false;
  return plant;
}

struct SwitchedOff : testing::Test {
  EngineStore s{kStart + 24h, switched_off()};
  Timestamp end() const { return s.store->read().machine("M1")->end_of_time(); }
  Duration production() const { return s.account("M1", kDay).production; }
  /// After a restart, and after one that begins with a checkpoint.
  void expect_end(Timestamp expected) {
    for (const char* when : {"at once", "after a restart", "after another"}) {
      EXPECT_EQ(format_time(end()), format_time(expected)) << when;
      EXPECT_EQ(production(), expected - kStart) << when;
      s.reopen();
      EXPECT_TRUE(s.store->seal());
    }
  }
};

TEST_F(SwitchedOff, EndsWithItsLastEvent) {
  s.commit({state("M1", kStart, "running"), count("M1", kStart + 2h, 1)});
  expect_end(kStart + 2h);
}

TEST_F(SwitchedOff, EndsBeforeWhatIsWithdrawnInAnyOrder) {
  s.commit({state("M1", kStart, "running"), count("M1", kStart + 2h, 1)});
  s.commit({count("M1", kStart + 5h, 1), withdrawn(count("M1", kStart + 6h, 1))});
  s.commit({count("M1", kStart + 6h, 1), withdrawn(count("M1", kStart + 5h, 1))});
  expect_end(kStart + 2h);
  s.commit({revised(count("M1", kStart + 5h, 2), 1)});
  expect_end(kStart + 5h);
}

TEST_F(SwitchedOff, EndsWhereItsLastCycleDoesAfterACorrection) {
  const auto cycle = [](Duration length, std::int64_t revision) {
    Event e = event_at(EventType::cycle, "M1", kStart + 1h);
    e.end = e.at + length;
    return revised(e, revision);
  };
  s.commit({state("M1", kStart, "running"), cycle(3h, 0)});
  expect_end(kStart + 4h);
  s.commit({cycle(1h, 1)});
  expect_end(kStart + 2h);
}

/// Readings are heard of only where silence counts, and then not each: they cannot decide it.
TEST_F(SwitchedOff, DoesNotGoOnForReadingsAndClassifications) {
  Plant plant = switched_off();
  plant.machines[0].silence_timeout = 12h;
  s.describe(plant);
  Event classify = event_at(EventType::classify, "M1", kStart + 6h);
  classify.reason = "FAIL";
  s.commit({state("M1", kStart, "running"), count("M1", kStart + 2h, 1), reading("M1", "temp", kStart + 5h, 1),
            classify});
  expect_end(kStart + 2h);
}

TEST_F(SwitchedOff, EndsWhereItDidWhenItsEventsAreRetainedNoMore) {
  s.commit({state("M1", kStart, "running"), count("M1", kStart + 2h, 1)});
  const Duration before = production();
  Plant plant = switched_off();
  plant.retention_events_days = 1;
  s.describe(plant);
  s.clock.set(kStart + 24h * 10);
  EXPECT_TRUE(s.store->expire_events());
  EXPECT_EQ(production(), before);
  EXPECT_EQ(format_time(end()), format_time(kStart + 2h));
  s.reopen();
  EXPECT_EQ(production(), before);
  EXPECT_EQ(format_time(end()), format_time(kStart + 2h));
}

}  // namespace
}  // namespace takt
