// The quarantine tried again: whichever way an event came, it has the identity that it would have had at first.
#include <gmock/gmock.h>

#include <functional>
#include <thread>

#include "ingest/ingestor.h"
#include "ingest/signal_mapper.h"
#include "schema/plant.h"
#include "tests/engine/engine_store.h"

namespace takt {
namespace {

const Timestamp kNow = *parse_time("2026-01-05T06:00:00Z");

Plant plant_with(std::string_view machine) {
  Plant plant = small_plant();
  plant.machines.emplace_back().id = machine;
  return plant;
}

struct WayIn {
  std::string name;
  /// Sends two events of the machine M9, as often as it is called.
  std::function<Result<IngestAnswer>(Ingestor&)> send;
};
std::ostream& operator<<(std::ostream& out, const WayIn& way) { return out << way.name; }

WayIn body(std::string name, BodyFormat format, const std::string& text) {
  return {std::move(name), [=](Ingestor& ingestor) { return ingestor.accept(format, text, "http 127.0.0.1"); }};
}
WayIn lines(std::string name, const std::string& text) {
  return {std::move(name), [=](Ingestor& ingestor) {
            return ingestor.accept(LineDecoder{text, {*line_precision_named("s"), kNow, "M9"}}, "lp 127.0.0.1");
          }};
}

Result<IngestAnswer> send_signals(Ingestor& ingestor) {
  DataSource source;
  source.id = "S", source.machine = "M9";
  SignalMapper mapper{small_plant(), source};
  EventBatch batch;
  const Signal total{.address = "good_total", .at = kNow, .value = {Value::Kind::number, 7, {}}, .whole = 7};
  const Signal oil{.address = "oil/temp", .at = kNow, .value = {Value::Kind::number, 41.5, {}}};
  mapper.map(std::vector<Signal>{total, oil}, {}, batch);
  return ingestor.accept(std::move(batch), "mqtt S");
}

/// Signals whose addresses name a machine that is not described.
Result<IngestAnswer> send_strays(Ingestor& ingestor) {
  DataSource source;
  source.id = "S";
  SignalMapper mapper{*ingestor.store().plant(), source};
  EventBatch batch;
  const Signal total{
      .address = "hall/M9/good_total", .at = kNow, .value = {Value::Kind::number, 7, {}}, .whole = 7};
  const Signal oil{.address = "hall/M9/oil \"A\"", .at = kNow, .value = {Value::Kind::number, 0.1, {}}};
  mapper.map(std::vector<Signal>{total, oil}, {}, batch);
  return ingestor.accept(std::move(batch), "S");
}

class Replay : public testing::TestWithParam<WayIn> {};

TEST_P(Replay, TakesInWhatThePlantKnowsByNowAndCountsItOnce) {
  EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  const auto refused = GetParam().send(ingestor);
  ASSERT_TRUE(refused);
  ASSERT_EQ(refused->rejected, 2U);
  for (const RejectedEvent& each : refused->rejects) EXPECT_EQ(each.code, Rejection::unknown_machine);

  engine.describe(plant_with("M9"));
  const auto replayed = ingestor.replay_quarantine();
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->accepted, 2U);
  EXPECT_EQ(engine.store->quarantine_size(), 0U);
  const auto again = GetParam().send(ingestor);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->duplicate, 2U) << "what is sent again is what was replayed";
  const StoreView view = engine.store->read();
  EXPECT_EQ(view.accepted_of(*view.numbers().find("M9")), 2U);
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryWayIn, Replay,
    testing::Values(
        body("Json", BodyFormat::json,
             R"([{"type":"count","machine":"M9","ts":"2026-01-05T05:59:00Z","good":1, "attributes":{"b":1,"a":2}},
                 {"type":"reading","machine":"M9","ts":"2026-01-05T05:59:00Z","tag":"t","value":"\u00e4"}])"),
        body("Ndjson", BodyFormat::ndjson,
             "{\"type\":\"state\",\"machine\":\"M9\",\"ts\":1767592740000000,\"state\":\"down\"}\n"
             "{\"type\":\"energy\",\"machine\":\"M9\",\"ts\":1767592740000000,\"kwh_total\":0.1}\n"),
        body("Csv", BodyFormat::csv,
             "type,machine,ts,good,tag,value\n"
             "count,M9,2026-01-05T05:59:00Z,3,,\n"
             "reading,M9,2026-01-05T05:59:00Z,,oil temp,1.25\n"),
        lines("LinesOfReadings", "oil,machine=M9 temp=41.5,ok=true 1767592740\n"),
        lines("LinesWithoutTime", "oil temp=41.5\noil,id=x temp=41.5\n"),
        lines("LinesOfEvents",
              "count,machine=M9,product=X,shop=3 good=3i 1767592740\nstate state=\"down\" 1767592740\n"),
        WayIn{"Signals", send_signals}, WayIn{"SignalsOfNobody", send_strays}),
    [](const auto& tested) { return tested.param.name; });

TEST(ReplayOfStrays, LeavesNobodysWhereTheyAre) {
  EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  ASSERT_TRUE(send_strays(ingestor));
  const auto replayed = ingestor.replay_quarantine();
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->rejected, 2U);
  EXPECT_EQ(engine.store->quarantine_size(), 2U);
}

TEST(ReplayOfStrays, NeedsASourceThatSaidSo) {
  EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  ASSERT_TRUE(ingestor.accept(BodyFormat::json, R"({"signal":"M1/t","type":"count","ts":1,"good":1})", "http a"));
  const auto replayed = ingestor.replay_quarantine();
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->rejected, 1U) << "an event that somebody sent has no such field";
}

std::string counts_of(std::string_view machine, int n) {
  std::string text;
  for (int i = 0; i < n; ++i) {
    text += R"({"type":"count","good":1,"machine":")" + std::string{machine} + R"(","ts":)" +
            std::to_string(micros(kNow) - i) + "}\n";
  }
  return text;
}

TEST(ReplayOfMany, TakesFewCommitsAndKeepsSourcesApart) {
  EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  ASSERT_TRUE(ingestor.accept(BodyFormat::ndjson, counts_of("M9", 700), "http a"));
  ASSERT_TRUE(ingestor.accept(BodyFormat::ndjson, "nonsense\n", "http a"));
  ASSERT_TRUE(ingestor.accept(BodyFormat::ndjson, counts_of("M8", 1), "http a"));
  ASSERT_TRUE(ingestor.accept(BodyFormat::ndjson, counts_of("M9", 800), "http b"));
  engine.describe(plant_with("M9"));
  const std::uint64_t before = engine.store->statistics().commits;
  const auto replayed = ingestor.replay_quarantine();
  ASSERT_TRUE(replayed);
  EXPECT_EQ(replayed->accepted, 800U);
  EXPECT_EQ(replayed->duplicate, 700U);
  EXPECT_EQ(replayed->rejected, 2U);
  EXPECT_LE(engine.store->statistics().commits - before, 8U);
  EXPECT_EQ(engine.store->quarantine_size(), 2U);
  const auto sources = ingestor.sources().report(kNow);
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0].replayed, 700U);
  EXPECT_EQ(sources[1].replayed, 800U);
  EXPECT_EQ(ingestor.rejects_by_machine().report().at("M9").replayed, 1500U);
}

TEST(ReplayOfMany, ByTwoAtATimeCountsEachOnce) {
  EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  ASSERT_TRUE(ingestor.accept(BodyFormat::ndjson, counts_of("M9", 5000), "http a"));
  ASSERT_TRUE(ingestor.accept(BodyFormat::ndjson, counts_of("M8", 3), "http a"));
  engine.describe(plant_with("M9"));
  std::array<std::size_t, 2> taken{};
  std::vector<std::thread> people;
  for (std::size_t& mine : taken) {
    people.emplace_back([&] {
      const auto replayed = ingestor.replay_quarantine();
      if (replayed) mine = replayed->accepted + replayed->duplicate;
    });
  }
  for (std::thread& person : people) person.join();
  EXPECT_EQ(taken[0] + taken[1], 5000U);
  EXPECT_EQ(engine.store->quarantine_size(), 3U);
  EXPECT_EQ(ingestor.sources().report(kNow).at(0).replayed, 5000U);
}

}  // namespace
}  // namespace takt
