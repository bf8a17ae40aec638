#include "engine/compact.h"

#include "tests/engine/engine_store.h"

namespace takt {
namespace {

TEST(Compaction, GivesRoomBackAndChangesNoFigure) {
  const Timestamp start = parse_time("2025-01-06T06:00:00Z").value();
  EngineStore engine{start + std::chrono::hours{24}};
  const TimeRange all{start, engine.clock.now()};
  for (int i = 0; i < 5; ++i) {
    std::vector<Event> events;
    for (int k = i * 10'000; k < (i + 1) * 10'000; ++k)
      events.push_back(reading("M1", "temp", start + std::chrono::seconds{k}, k * 0.1));
    events.push_back(count("M1", start + std::chrono::minutes{i}, 1));
    engine.commit(events);
  }
  const Account before = engine.account("M1", all);
  const auto refused = compact_store(engine.data(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  engine.store.reset();
  std::vector<std::string> steps;
  const auto report = compact_store(engine.data(), [&](std::string_view step) { steps.emplace_back(step); });
  ASSERT_TRUE(report) << report.error().context;
  EXPECT_EQ(steps.size(), 4U);
  EXPECT_EQ(report->families.size(), 10U);
  EXPECT_LT(report->after, report->before);  // chunks are compressed, the log that held them was not
  engine.open();
  EXPECT_EQ(engine.account("M1", all), before);
}

TEST(Compaction, OfNoDataFolderIsRefused) {
  const TemporaryFolder folder;
  EXPECT_EQ(compact_store(folder.path(), {}).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace takt
