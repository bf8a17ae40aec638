// Promise 4 of the contract: bad input is answered clearly and never stops the good input beside it.
#include "tests/http/raw_client.h"
#include "tests/system/running_server.h"

#include "client/gzip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Json count(const std::string& id, Json good = 1) {
  return {
      {"type", "count"}, {"machine", "M1"}, {"ts", "2025-01-06T06:00:00Z"}, {"id", id}, {"good", std::move(good)}};
}

Json reading(Json value) {
  return {{"type", "reading"},
          {"machine", "M1"},
          {"ts", "2025-01-06T06:00:00Z"},
          {"tag", "load"},
          {"value", std::move(value)}};
}

class BadInput : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.wait_until_ready()); }

  /// Posts a line between two good ones; the only reject.
  Json reject_of(const std::string& line) {
    const std::string good = std::to_string(good_);
    const HttpReply reply = client_.post(
        "/v1/events", count(good + "a").dump() + '\n' + line + '\n' + count(good + "b").dump() + '\n');
    EXPECT_EQ(reply.status, 200) << reply.body.substr(0, 500);
    const Json answer = json_of(reply);
    EXPECT_EQ(answer["accepted"], 2) << reply.body;
    EXPECT_EQ(answer["duplicate"], 0);
    EXPECT_EQ(answer["rejected"], 1);
    good_ += 2;
    EXPECT_EQ(good_quantity(), good_);
    if (answer["rejects"].size() != 1) return {};
    EXPECT_EQ(answer["rejects"][0]["index"], 1);
    EXPECT_FALSE(answer["rejects"][0]["message"].get<std::string>().empty());
    return answer["rejects"][0];
  }
  std::string code_of(const std::string& line) { return reject_of(line).value("code", "none"); }
  int good_quantity() {
    return client_.total("from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z")["good_quantity"].get<int>();
  }

  TemporaryFolder folder_;
  RunningServer server_{folder_, simple_plant()};
  Client client_{server_};
  int good_ = 0;
};

TEST_F(BadInput, IsRejectedByLineWithItsCode) {
  Json unknown_machine = count("x");
  unknown_machine["machine"] = "nobody";
  EXPECT_EQ(code_of(unknown_machine.dump()), "unknown_machine");
  Json far_future = count("x");
  far_future["ts"] = "2099-01-01T00:00:00Z";
  EXPECT_EQ(code_of(far_future.dump()), "time_in_future");
  EXPECT_EQ(code_of(count("x", -1).dump()), "bad_value");
  EXPECT_EQ(code_of(count("x", 1.5).dump()), "bad_value");
  EXPECT_EQ(code_of(count("x", "NaN").dump()), "bad_value");
  EXPECT_EQ(code_of(R"({"type":"reading","machine":"M1","ts":"2025-01-06T06:00:00Z","tag":"t","value":NaN})"),
            "bad_json");
  EXPECT_EQ(code_of(R"({"type":"reading","machine":"M1","ts":"2025-01-06T06:00:00Z","tag":"t","value":1e999})"),
            "bad_value");
  EXPECT_EQ(code_of(R"({"type":"count")"), "bad_json");
  EXPECT_EQ(code_of("\x01\x02\xff\xfe"), "bad_json");
  EXPECT_EQ(code_of(R"({"type":"dance","machine":"M1"})"), "unknown_type");
  EXPECT_EQ(code_of(R"({"type":"count","machine":"M1","good":1})"), "missing_field");
  Json extra = count("x");
  extra["colour"] = "red";
  EXPECT_EQ(code_of(extra.dump()), "unknown_field");
  EXPECT_EQ(code_of(R"({"type":"state","machine":"M1","ts":"2025-01-06T06:00:00Z","state":"dancing"})"),
            "unknown_state");
  EXPECT_EQ(
      code_of(R"({"type":"state","machine":"M1","ts":"2025-01-06T06:00:00Z","state":"down","reason":"GHOST"})"),
      "unknown_reason");
  EXPECT_EQ(code_of(R"({"type":"count","machine":"M1","ts":"yesterday","good":1})"), "bad_value");
  EXPECT_EQ(code_of(R"({"type":"count","machine":")" + std::string(129, 'm') +
                    R"(","ts":"2025-01-06T06:00:00Z","good":1})"),
            "bad_value");
}

TEST_F(BadInput, InLine17OfAThousandCostsThatLineOnly) {
  std::string body;
  for (int line = 1; line <= 1000; ++line) {
    body += line == 17 ? std::string{"{\"type\":\"count\",\"machine\":"} : count(std::to_string(line)).dump();
    body += '\n';
  }
  const Json answer = json_of(client_.post("/v1/events", body));
  EXPECT_EQ(answer["accepted"], 999);
  ASSERT_EQ(answer["rejects"].size(), 1U);
  EXPECT_EQ(answer["rejects"][0]["index"], 16);
  EXPECT_EQ(answer["rejects"][0]["code"], "bad_json");
  EXPECT_EQ(good_quantity(), 999);
}

TEST_F(BadInput, OfTenMegabytesInALineIsTooLarge) {
  EXPECT_EQ(code_of(std::string(std::size_t{10} << 20U, 'x')), "too_large");
  EXPECT_EQ(code_of(count(std::string(std::size_t{10} << 20U, 'x')).dump()), "too_large");
}

TEST_F(BadInput, IsKeptInTheQuarantineAndTriedAgainWhenThePlantKnowsMore) {
  Json stranger = count("q", 5);
  stranger["machine"] = "M2";
  EXPECT_EQ(code_of(stranger.dump()), "unknown_machine");
  const Json kept = client_.json("/v1/quarantine");
  EXPECT_EQ(kept["total"], 1);
  EXPECT_EQ(kept["items"][0]["code"], "unknown_machine");
  EXPECT_EQ(Json::parse(kept["items"][0]["raw"].get<std::string>()), stranger);
  const HttpReply lines = client_.get("/v1/quarantine?format=ndjson");
  EXPECT_EQ(lines.header("content-type"), "application/x-ndjson");
  EXPECT_EQ(Json::parse(lines.body), kept["items"][0]);
  ASSERT_EQ(client_.put("/v1/plant", simple_plant(2), "application/toml").status, 200);
  const Json replayed = json_of(client_.post("/v1/quarantine/replay", "", "application/json"));
  EXPECT_EQ(replayed["accepted"], 1);
  EXPECT_EQ(client_.json("/v1/quarantine")["total"], 0);
  EXPECT_EQ(good_quantity(), good_ + 5);
}

TEST_F(BadInput, IsCountedBySourceAndMachine) {
  Json stranger = count("q", 5);
  stranger["machine"] = "M2";
  EXPECT_EQ(code_of(stranger.dump()), "unknown_machine");
  Json quality = client_.json("/v1/data-quality");
  EXPECT_EQ(quality["goal"], 0.999);
  EXPECT_EQ(quality["rejected"], 1);
  EXPECT_LT(quality["share"].get<double>(), 1);
  ASSERT_EQ(quality["machines"].size(), 2U);
  EXPECT_EQ(quality["machines"][0]["machine"], "M1");
  EXPECT_EQ(quality["machines"][0]["accepted"], quality["accepted"]);
  EXPECT_EQ(quality["machines"][0]["share"], 1);
  EXPECT_EQ(quality["machines"][1]["rejects_by_code"]["unknown_machine"], 1);
  const std::string metrics = client_.get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("takt_machine_rejected_total{machine=\"M2\",code=\"unknown_machine\"} 1\n"));
  EXPECT_THAT(metrics,
              HasSubstr("takt_source_rejected_total{source=\"http 127.0.0.1\",code=\"unknown_machine\"} 1\n"));
  EXPECT_THAT(metrics, HasSubstr("takt_data_quality_goal_ratio 0.999\n"));
  ASSERT_EQ(client_.put("/v1/plant", simple_plant(2), "application/toml").status, 200);
  ASSERT_EQ(client_.post("/v1/quarantine/replay", "", "application/json").status, 200);
  quality = client_.json("/v1/data-quality");
  EXPECT_EQ(quality["replayed"], 1);
  EXPECT_EQ(quality["share"], 1);
}

TEST_F(BadInput, ThatIsNotUtf8LeavesTheQuarantineReadable) {
  const std::string raw = "{\"type\":\"count\",\"machine\":\"M1\",\"ts\":1,\"good\":1,\"product\":\"\xFFz\"}";
  EXPECT_EQ(code_of(raw), "bad_json");
  const Json entries = client_.json("/v1/quarantine");  // parses strictly
  ASSERT_FALSE(entries["items"].empty());
  EXPECT_THAT(entries["items"].back()["raw"].get<std::string>(), HasSubstr("\xEF\xBF\xBDz"));
}

TEST_F(BadInput, InCsvNamesItsRow) {
  const HttpReply reply =
      client_.post("/v1/events",
                   "type,machine,ts,good,id\r\ncount,M1,2025-01-06T06:00:00Z,1,a\r\n"
                   "count,M1,2025-01-06T06:00:00Z,many,b\r\ncount,M1,2025-01-06T06:00:00Z,2,c\r\n",
                   "text/csv");
  const Json answer = json_of(reply);
  EXPECT_EQ(answer["accepted"], 2) << reply.body;
  EXPECT_EQ(answer["rejects"][0]["index"], 1);
  EXPECT_EQ(answer["rejects"][0]["code"], "bad_value");
  EXPECT_EQ(good_quantity(), 3);
}

TEST_F(BadInput, AsAWholeBodyIsAnsweredWithAProblem) {
  const HttpHeaders gzipped{{"Content-Encoding", "gzip"}};
  std::string packed = gzip_member(ndjson({count("a"), count("b")})).value();
  const HttpReply whole = client_.post("/v1/events", packed, "application/x-ndjson", gzipped);
  EXPECT_EQ(json_of(whole)["accepted"], 2) << whole.body;
  packed.resize(packed.size() / 2);
  expect_problem(client_.post("/v1/events", packed, "application/x-ndjson", gzipped), 400);
  expect_problem(client_.post("/v1/events", "no gzip at all", "application/x-ndjson", gzipped), 400);
  // 65 MiB of blanks are small on the wire.
  const std::string bomb = gzip_member(std::string(std::size_t{65} << 20U, ' ')).value();
  expect_problem(client_.post("/v1/events", bomb, "application/x-ndjson", gzipped), 413);
  expect_problem(client_.post("/v1/events", "<events/>", "application/xml"), 415);
  expect_problem(client_.post("/v1/events", "[{\"type\":", "application/json"), 400);
  EXPECT_EQ(good_quantity(), 2);
}

TEST_F(BadInput, OverSixtyFourMegabytesIsRefusedBeforeItIsSent) {
  RawClient raw{server_.port()};
  raw.send(
      "POST /v1/events HTTP/1.1\r\nHost: takt\r\nContent-Type: application/x-ndjson\r\nContent-Length: "
      "67108865\r\n\r\n");
  EXPECT_EQ(raw.read_answer().status, 413);
}

TEST_F(BadInput, OfHalfClosedAndSilentSocketsHoldsNobody) {
  const std::string request = post("/v1/events", count("half").dump(), "Content-Type: application/json\r\n");
  RawClient half_closed{server_.port()};
  half_closed.send(request);
  half_closed.end_output();  // it still listens
  EXPECT_EQ(half_closed.read_answer().status, 200);

  RawClient cut_short{server_.port()};
  cut_short.send(request.substr(0, request.size() - 3));
  cut_short.end_output();
  const RawAnswer refused = cut_short.read_answer();
  EXPECT_TRUE(refused.status == 0 || refused.status == 400) << refused.head;

  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 200; ++i) {
    silent.push_back(std::make_unique<RawClient>(server_.port()));
    silent.back()->send(request.substr(0, static_cast<std::size_t>(i) % request.size()));
  }
  EXPECT_EQ(client_.send({count("after")})["accepted"], 1);
  EXPECT_EQ(good_quantity(), 2);
}

TEST_F(BadInput, InParametersIsNamed) {
  EXPECT_THAT(expect_problem(client_.get("/v1/oee?colour=red"), 400), HasSubstr("colour"));
  EXPECT_THAT(expect_problem(client_.get("/v1/oee?grain=fortnight"), 400), HasSubstr("fortnight"));
  EXPECT_THAT(expect_problem(client_.get("/v1/oee?from=2025-01-02T00:00:00Z&to=2025-01-01T00:00:00Z"), 400),
              HasSubstr("range"));
  expect_problem(client_.get("/v1/oee?from=2025-01-01T00:00:00Z&to=2025-01-01T00:00:00Z"), 400);
  expect_problem(client_.get("/v1/oee?to=1900-01-01T00:00:00Z"), 400);  // there is no time before
  EXPECT_THAT(expect_problem(client_.get("/v1/oee?from=soon"), 400), HasSubstr("from"));
  expect_problem(client_.get("/v1/oee?scope=planet:earth"), 400);
  EXPECT_THAT(expect_problem(client_.get("/v1/oee?scope=machine:M9"), 404), HasSubstr("M9"));
  expect_problem(client_.get("/v1/oee?scope=line:L9&grain=hour&group=machine"), 404);
  expect_problem(client_.get("/v1/oee/current?scope=area:A9"), 404);
  expect_problem(client_.get("/v1/losses?scope=machine:M9"), 404);
  expect_problem(client_.get("/v1/oee/explain?scope=machine:M9"), 404);
  EXPECT_THAT(expect_problem(client_.get("/v1/oee/explain?grain=hour"), 400), HasSubstr("grain"));
  expect_problem(client_.get("/v1/downtime/pareto?scope=machine:M9"), 404);
  expect_problem(client_.get("/v1/downtime/pareto?by=colour"), 400);
  expect_problem(client_.get("/v1/timeline?machine=M9"), 404);
  EXPECT_THAT(expect_problem(client_.get("/v1/timeline"), 400), HasSubstr("machine"));
  expect_problem(client_.get("/v1/series?machine=M9&tag=t"), 404);
  expect_problem(client_.get("/v1/series?machine=M1&tag=t&step=0s"), 400);
  expect_problem(client_.get("/v1/series?machine=M1&tag=t&agg=magic&step=60s"), 400);
  expect_problem(client_.get("/v1/live?scope=machine:M9"), 404);
  expect_problem(client_.get("/v1/quarantine?limit=0"), 400);
  expect_problem(client_.get("/v1/nowhere"), 404);
}

TEST_F(BadInput, InAMethodIsAnsweredWithWhatIsAllowed) {
  const HttpReply reply = client_.post("/v1/oee", "{}", "application/json");
  expect_problem(reply, 405);
  EXPECT_THAT(std::string{reply.header("Allow").value_or("")}, HasSubstr("GET"));
  expect_problem(client_.get("/v1/events"), 405);
  RawClient raw{server_.port()};
  EXPECT_EQ(raw.ask("DELETE /v1/plant HTTP/1.1\r\nHost: takt\r\n\r\n").status, 405);
  EXPECT_EQ(raw.ask("complete nonsense\r\n\r\n").status, 400);
}

TEST_F(BadInput, OfManyKindsLeavesCountsThatAddUp) {
  client_.post("/v1/events",
               count("a").dump() + "\nnonsense\n" + count("b").dump() + '\n' + count("b").dump() + '\n');
  const Json status = client_.json("/v1/status");
  EXPECT_EQ(status["events"]["accepted"], 2);
  EXPECT_EQ(status["events"]["duplicate"], 1);
  EXPECT_EQ(status["events"]["rejected"], 1);
  EXPECT_EQ(status["events"]["quarantined"], 1);
  client_.send({reading(1.5)});
  EXPECT_EQ(client_.json("/v1/series?machine=M1&tag=load&from=2025-01-06T00:00:00Z")["points"],
            Json::parse(R"([["2025-01-06T06:00:00Z",1.5]])"));
}

}  // namespace
}  // namespace takt::test
