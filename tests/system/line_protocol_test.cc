// InfluxDB line protocol over HTTP, as Telegraf and InfluxDB's clients send it.
#include "tests/system/running_server.h"

#include <gtest/gtest.h>

namespace takt::test {
namespace {

TEST(LineProtocol, IsTakenByBothVersionsOfTheApi) {
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant(2)};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  EXPECT_EQ(client.get("/ping").status, 204U);
  EXPECT_EQ(client.post("/write?db=plant&precision=s", "spindle,machine=M1,host=gw load=12.5 1767592800\n").status,
            204U);
  EXPECT_EQ(client
                .post("/api/v2/write?org=o&bucket=b&precision=ms",
                      "state,machine=M1 state=\"running\" 1767592800000\n"
                      "count,machine=M1 good=7i 1767592860000\n"
                      "reading,machine=M2 temp=61.3 1767592800000\n",
                      "text/plain; charset=utf-8")
                .status,
            204U);
  EXPECT_EQ(client.post("/write", "\n# nothing\n").status, 204U);
  const Json load =
      client.json("/v1/series?machine=M1&tag=spindle.load&from=2026-01-05T05:00:00Z&to=2026-01-05T07:00:00Z");
  EXPECT_EQ(load["points"], Json::parse(R"([["2026-01-05T06:00:00Z",12.5]])"));
  const Json temp =
      client.json("/v1/series?machine=M2&tag=temp&from=2026-01-05T05:00:00Z&to=2026-01-05T07:00:00Z");
  EXPECT_EQ(temp["points"].size(), 1U);
  const Json total = client.total("scope=machine:M1&from=2026-01-05T06:00:00Z&to=2026-01-05T06:10:00Z");
  EXPECT_EQ(total["good_quantity"], 7);
  EXPECT_EQ(total["actual_production_time_s"], 600);
}

TEST(LineProtocol, NamesTheBadLinesAndKeepsTheGoodOnes) {
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant()};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  const std::string lines =
      "m,machine=M1 a=1 1767592800000000000\nbroken\nm,machine=NOBODY a=1 1767592800000000000\n";
  const HttpReply first = client.post("/write", lines);
  EXPECT_EQ(first.status, 400U);
  const std::string error = json_of(first)["error"];
  EXPECT_NE(error.find("line 2: bad_json"), std::string::npos) << error;
  EXPECT_NE(error.find("line 3: unknown_machine"), std::string::npos) << error;
  EXPECT_NE(error.find("dropped=2"), std::string::npos) << error;
  const HttpReply second = client.post("/api/v2/write", lines);
  EXPECT_EQ(second.status, 400U);
  EXPECT_EQ(json_of(second)["code"], "invalid");
  const Json series =
      client.json("/v1/series?machine=M1&tag=m.a&from=2026-01-05T05:00:00Z&to=2026-01-05T07:00:00Z");
  EXPECT_EQ(series["points"].size(), 1U) << "sent twice, there once";
  EXPECT_EQ(client.json("/v1/quarantine")["total"], 4);
  EXPECT_EQ(client.post("/write?precision=years", "m,machine=M1 a=1\n").status, 400U);
}

TEST(LineProtocol, IsImportedFromAFile) {
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant()};
  ASSERT_TRUE(server.wait_until_ready());
  write_file(folder.path() / "export.lp",
             "# DML\nm,machine=M1 a=1 1767592800000000000\nbroken\nm,machine=M1 a=2 1767592801000000000\n");
  const Finished done = run_takt({"import", "--server", server.url(), (folder.path() / "export.lp").string()});
  EXPECT_EQ(done.status, 1);
  EXPECT_NE(done.output.find("2 accepted, 0 duplicate, 1 rejected"), std::string::npos) << done.output;
  EXPECT_NE(done.error.find("export.lp:3: bad_json"), std::string::npos) << done.error;
}

TEST(Sources, TellWhoSent) {
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant()};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  client.post("/write", "m,machine=M1 a=1 1767592800000000000\nbroken\n");
  client.send({{{"type", "state"}, {"machine", "M1"}, {"ts", "2026-01-05T06:00:00Z"}, {"state", "down"}}});
  const Json sources = client.json("/v1/sources")["sources"];
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_EQ(sources[0]["source"], "http 127.0.0.1");
  EXPECT_EQ(sources[1]["source"], "lp 127.0.0.1");
  EXPECT_EQ(sources[1]["rejects"], 1);
  EXPECT_EQ(sources[1]["rejects_by_code"]["bad_json"], 1);
  EXPECT_EQ(sources[1]["accepted"], 1);
  EXPECT_EQ(sources[1]["last_event"], "2026-01-05T06:00:00Z");
  EXPECT_EQ(sources[1]["state"], "passive");
}

}  // namespace
}  // namespace takt::test
