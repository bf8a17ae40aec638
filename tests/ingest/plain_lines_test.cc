// Line protocol by its short way: says the same as the long one, and is taken by what is meant to take it.
#include "engine/store.h"
#include "ingest/ingestor.h"
#include "ingest/line_protocol.h"
#include "tests/engine/engine_store.h"
#include "tests/ingest/any_event.h"
#include "tests/ingest/decoded.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Timestamp kNow = *parse_time("2026-01-05T06:00:00Z");
const LineOptions kOptions{LinePrecision::nanoseconds, kNow, {}};

/// What a body says, line by line: events as JSON, refusals as their code.
struct Said {
  std::vector<std::pair<std::size_t, std::string>> lines;
  std::size_t plain_rows = 0;

  Said(std::string_view body, bool by_short_way) {
    LineDecoder decoder{body, kOptions};
    PlainReadings plain;
    for (;;) {
      EventBatch batch;
      plain.resize(0);
      if (!decoder.next(batch, by_short_way ? &plain : nullptr)) break;
      for (std::size_t i = 0; i < batch.events.size(); ++i) {
        lines.emplace_back(batch.indexes[i], json_of(batch.events[i]));
        EXPECT_FALSE(batch.events[i].type == EventType::reading && !plain.empty())
            << "one could overtake the other";
      }
      for (std::size_t i = 0; i < plain.size(); ++i) lines.emplace_back(plain.index[i], json_of(plain.event(i)));
      for (const RejectedEvent& each : batch.rejected) lines.emplace_back(each.index, name_of(each.code));
      plain_rows += plain.size();
    }
    std::ranges::stable_sort(lines, {}, [](const auto& line) { return line.first; });
  }
};

TEST(PlainLines, TakesWhatAgentsMostlySend) {
  const std::string_view body =
      "reading,machine=M1 temp=61.3,on=true 1767592800000000000\n"
      "reading,machine=M1 on=false,temp=61.4 1767592801000000000\n"
      "spindle,host=gw,machine=M1 load=12i,rpm=12u,x=.5,y=-1e3\n"
      "reading,machine=M1 press=7.,temp=61.5  1767592802000000000  \r\n";
  const Said said{body, true};
  EXPECT_EQ(said.lines, Said(body, false).lines);
  EXPECT_EQ(said.plain_rows, said.lines.size());
  EXPECT_EQ(said.lines.size(), 10U);
}

TEST(PlainLines, LeavesTheRestToTheLongWay) {
  for (const std::string_view line : {"reading,machine=M1 temp=\"a\" 1", "reading,machine=M1,line=7 temp=1 1",
                                      "state,machine=M1 state=\"down\" 1", "reading temp=1 1",
                                      "reading,machine=M1 te\\ mp=1 1", "reading,machine=M1,id=7 temp=1 1"}) {
    const Said said{line, true};
    EXPECT_EQ(said.plain_rows, 0U) << line;
    EXPECT_EQ(said.lines, Said(line, false).lines);
  }
}

TEST(PlainLines, SaysTheSameOfEveryChangedBody) {
  any::Random random(11);
  const std::string good =
      "reading,machine=M1 a=1,b=t 1767592800000000000\nm,machine=M2,host=h x=1i,y=2.5,x=3 1767592800000000001\n"
      "reading,machine=M1 b=f,a=.5\nreading,machine=M1 a=\"x\" 1767592800000000000\nm,machine=M1,k=v x=1e5 1\n";
  constexpr std::string_view letters = "\\\",= \n\r#it0.e-\xC2\xFF";
  std::size_t plain = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string body = good;
    for (std::size_t n = any::below(random, 4); n > 0; --n) {
      const std::size_t at = any::below(random, body.size());
      if (any::maybe(random))
        body[at] = letters[any::below(random, letters.size())];
      else
        body.erase(at, 1 + any::below(random, 5));
    }
    const std::vector<char> exact(body.begin(), body.end());  // ASan guards its end
    const std::string_view view{exact.data(), exact.size()};
    const Said said{view, true};
    ASSERT_EQ(said.lines, Said(view, false).lines) << body;
    plain += said.plain_rows;
  }
  EXPECT_GT(plain, 60'000U);
}

/// The readings of a tag in a store, as time and value.
std::vector<std::pair<std::int64_t, double>> readings(const Store& store, std::string_view machine,
                                                      std::string_view tag) {
  const StoreView view = store.read();
  const auto id = view.numbers().find(machine);
  const ReadingSeries* series = id ? view.series(*id, tag) : nullptr;
  std::vector<std::pair<std::int64_t, double>> found;
  if (series == nullptr) return found;
  const auto rows = series->snapshot({}).rows(view.chunks());
  for (std::size_t i = 0; i < rows->size(); ++i) found.emplace_back(rows->at[i] - micros(kNow), rows->number[i]);
  return found;
}

TEST(LinesIntoTheStore, CountOnceAndLaterOnesCorrect) {
  const EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  const std::string body =
      "reading,machine=M1 t=1 1767592799000000000\n"
      "reading,machine=M1 t=2 1767592799000000000\n"
      "reading,machine=M1 t=3,s=\"x\" 1767592799000000000\n"
      "reading,machine=M1 t=5 1767592800000000000\n"
      "reading,machine=M2 t=true 1767592800000000000\n"
      "state,machine=M2 state=\"down\" 1767592800000000000\n";
  const auto first = ingestor.accept(LineDecoder{body, kOptions}, "lp a");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->accepted + first->duplicate, 7U);
  EXPECT_THAT(readings(*engine.store, "M1", "t"),
              ElementsAre(std::pair{std::int64_t{-1'000'000}, 3.0}, std::pair{std::int64_t{0}, 5.0}));
  EXPECT_THAT(readings(*engine.store, "M2", "t"), ElementsAre(std::pair{std::int64_t{0}, 1.0}));
  const auto again = ingestor.accept(LineDecoder{"reading,machine=M1 t=5 1767592800000000000", kOptions}, "lp a");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->duplicate, 1U);
}

TEST(LinesIntoTheStore, AreJudgedAsAllEventsAre) {
  const EngineStore engine{kNow};
  Ingestor ingestor{*engine.store};
  const std::string body =
      "reading,machine=M1 t=1 1767592800000000000\n"
      "reading,machine=NONE t=1 1767592800000000000\n"
      "reading,machine=M1 t=1 1767596400000000000\n"
      "reading,machine=M1 t=\n"
      "reading,machine=M1 t=1 -2208988800000000001\n";
  const auto answer = ingestor.accept(LineDecoder{body, kOptions}, "lp a");
  ASSERT_TRUE(answer);
  std::vector<std::string> refused;
  for (const RejectedEvent& each : answer->rejects)
    refused.push_back(std::to_string(each.index) + " " + std::string{name_of(each.code)});
  EXPECT_THAT(refused, ElementsAre("2 unknown_machine", "3 time_in_future", "4 bad_json", "5 bad_value"));
  EXPECT_EQ(answer->accepted, 1U);
  EXPECT_EQ(engine.store->quarantine_size(), 4U);
}

TEST(LinesIntoTheStore, DescribeMachinesWhereThePlantAllowsIt) {
  Plant plant = small_plant();
  plant.auto_register = true;
  EngineStore engine{kNow, plant};
  Ingestor ingestor{*engine.store};
  for (const char* body :
       {"reading,machine=NEW t=1 1767592799000000000\nreading,machine=M1 t=1 1767592799000000000",
        "reading,machine=NEW t=2 1767592800000000000"}) {
    const auto answer = ingestor.accept(LineDecoder{body, kOptions}, "lp a");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->rejected, 0U);
  }
  EXPECT_EQ(readings(*engine.store, "NEW", "t").size(), 2U);
}

}  // namespace
}  // namespace takt
