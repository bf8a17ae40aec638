// What was refused: counted by source and machine, and taken in later where that was the sender's or the server's
// clock.
#include "ingest/ingestor.h"
#include "tests/engine/engine_store.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const Timestamp kNow = *parse_time("2026-01-05T06:00:00Z");

std::size_t code(Rejection rejection) { return static_cast<std::size_t>(rejection); }

TEST(DataQuality, OfAGatewayWhoseClockIsTenMinutesAheadIsMendedByAReplay) {
  EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  const std::string body = R"({"type":"count","machine":"M1","ts":"2026-01-05T06:10:00Z","good":7})"
                           "\n"
                           R"({"type":"reading","machine":"M1","ts":"2026-01-05T06:10:00Z","tag":"t","value":7})"
                           "\n"
                           R"({"type":"count","machine":"M1","ts":"2026-01-05T05:59:00Z","good":1})";
  const auto first = ingestor.accept(BodyFormat::ndjson, body, "http gateway");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->accepted, 1U);
  ASSERT_THAT(first->rejects, SizeIs(2));
  EXPECT_EQ(first->rejects[0].code, Rejection::time_in_future);
  const auto still = ingestor.replay_quarantine();
  ASSERT_TRUE(still);
  EXPECT_EQ(still->rejected, 2U) << "it is as far ahead as before";

  engine.clock.set(kNow + std::chrono::minutes{6});
  const auto again = ingestor.accept(BodyFormat::ndjson, body, "http gateway");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->accepted, 2U) << "the gateway sends all of it again before anybody replays";
  const auto replayed = ingestor.replay_quarantine();
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->accepted, 0U);
  EXPECT_EQ(replayed->duplicate, 2U);
  EXPECT_EQ(engine.store->quarantine_size(), 0U);

  const auto sources = ingestor.sources().report(engine.clock.now());
  ASSERT_THAT(sources, SizeIs(1));
  EXPECT_EQ(sources[0].rejected_by_code.at(code(Rejection::time_in_future)), 2U);
  EXPECT_EQ(sources[0].replayed, 2U);
  const auto machines = ingestor.rejects_by_machine().report();
  ASSERT_TRUE(machines.contains("M1"));
  EXPECT_EQ(machines.at("M1").replayed, 2U);
  const StoreView view = engine.store->read();
  EXPECT_EQ(view.accepted_of(*view.numbers().find("M1")), 3U);
  EXPECT_EQ(view.accepted_of(*view.numbers().find("M2")), 0U);
}

TEST(DataQuality, IsTheShareOfWhatIsGoodInTheEnd) {
  EXPECT_TRUE((DataQuality{0, 0, 0}.empty()));
  EXPECT_DOUBLE_EQ((DataQuality{999, 1, 0}.share()), 0.999);
  EXPECT_DOUBLE_EQ((DataQuality{1000, 1, 1}.share()), 1);
  EXPECT_DOUBLE_EQ((DataQuality{0, 3, 0}.share()), 0);
}

TEST(MachineRejects, CountStrangersTogetherWhenThereAreTooMany) {
  MachineRejects rejects;
  std::vector<RejectedEvent> refused;
  for (std::size_t i = 0; i < MachineRejects::kMostMachines + 10; ++i)
    refused.push_back({i, Rejection::unknown_machine, "why", "{}", "X" + std::to_string(i)});
  refused.push_back({0, Rejection::bad_json, "why", "{"});
  refused.push_back({0, Rejection::bad_value, "why", "{}", std::string(500, 'x')});
  rejects.add(refused);
  const auto report = rejects.report();
  EXPECT_THAT(report, SizeIs(MachineRejects::kMostMachines + 1));
  EXPECT_EQ(report.at("").by_code.at(code(Rejection::unknown_machine)), 10U);
  EXPECT_EQ(report.at("").by_code.at(code(Rejection::bad_json)), 1U);
  EXPECT_EQ(report.at("").by_code.at(code(Rejection::bad_value)), 1U);
}

TEST(ServersClock, ThatIsYearsBehindRefusesNothingForGood) {
  StoreOptions options;
  options.clock_not_before = kNow;
  EngineStore engine{kNow, small_plant(), options};
  Ingestor ingestor{*engine.store};
  engine.clock.set(*parse_time("2015-01-01T00:00:00Z"));
  const std::string body = R"({"type":"count","machine":"M1","ts":"2026-01-05T05:59:00Z","good":1})";
  const auto refused = ingestor.accept(BodyFormat::json, body, "http a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(engine.store->read_only_reason(), HasSubstr("the server's clock says 2015-01-01"));
  EXPECT_EQ(engine.store->quarantine_size(), 0U);
  engine.clock.set(kNow);
  EXPECT_THAT(engine.store->read_only_reason(), IsEmpty());
  const auto accepted = ingestor.accept(BodyFormat::json, body, "http a");
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->accepted, 1U);
}

}  // namespace
}  // namespace takt
