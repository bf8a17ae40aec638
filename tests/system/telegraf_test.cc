// What Telegraf's outputs send, byte by byte. Telegraf is in neither Debian 12 nor npm; how its plugins and Go's
// HTTP client write a request is taken from their public sources (influxdata/telegraf v1.39.1,
// plugins/outputs/influxdb_v2 and influxdb; golang.org, net/http/transfer.go): bodies of unknown length in chunks,
// headers in this order.
#include "client/gzip.h"
#include "tests/http/raw_client.h"
#include "tests/system/running_server.h"

#include <fmt/format.h>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

/// As Go's compressors begin a member: without a time, of an unknown system.
std::string gzip_of_go(const std::string& text) {
  std::string packed = gzip_member(text).value();
  packed.at(9) = '\xff';
  return packed;
}

std::string chunked(const std::vector<std::string>& pieces) {
  std::string body;
  for (const std::string& piece : pieces) body += fmt::format("{:x}\r\n{}\r\n", piece.size(), piece);
  return body + "0\r\n\r\n";
}

class Telegraf : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.wait_until_ready()); }
  std::string host() const {
    return fmt::format("Host: 127.0.0.1:{}\r\nUser-Agent: Telegraf/1.39.1 Go/1.26.0\r\n", server_.port());
  }
  /// [[outputs.influxdb_v2]] of packaging/telegraf.conf.
  std::string version_2(const std::string& lines) const {
    return "POST /api/v2/write?bucket=takt&org=takt HTTP/1.1\r\n" + host() +
           "Transfer-Encoding: chunked\r\nAuthorization: Token none\r\nContent-Encoding: gzip\r\n"
           "Content-Type: text/plain; charset=utf-8\r\nAccept-Encoding: gzip\r\n\r\n" +
           chunked({gzip_of_go(lines)});
  }
  /// [[outputs.influxdb]], whose gzip is a stream: its head and its end come by themselves.
  std::string version_1(const std::string& lines) const {
    const std::string packed = gzip_of_go(lines);
    return "POST /write?db=telegraf HTTP/1.1\r\n" + host() +
           "Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Accept-Encoding: gzip\r\n\r\n" +
           chunked(
               {packed.substr(0, 10), packed.substr(10, packed.size() - 18), packed.substr(packed.size() - 8)});
  }
  Json points(const std::string& tag) {
    return client_.json("/v1/series?machine=M1&tag=" + tag + "&from=2026-01-05T05:00:00Z&to=2026-01-05T07:00:00Z")
        .at("points");
  }

  TemporaryFolder folder_;
  RunningServer server_{folder_, simple_plant()};
  Client client_{server_};
};

TEST_F(Telegraf, WritesByVersion2OverOneConnection) {
  RawClient telegraf{server_.port()};
  // What packaging/telegraf.conf makes of OPC UA, Modbus and an S7.
  const RawAnswer first =
      telegraf.ask(version_2("spindle,machine=M1 load=12.5 1767592800123456000\n"
                             "meter,machine=M1 power=1234.5 1767592800000000000\n"
                             "count,machine=M1 good_total=100i,scrap_total=3i 1767592800000000000\n"));
  EXPECT_EQ(first.status, 204) << first.body;
  const RawAnswer second =
      telegraf.ask(version_2("spindle,machine=M1 load=13,on=true,text=\"a \\\"b\\\"\" 1767592801123456000\n"
                             "count,machine=M1 good_total=110i,scrap_total=4i 1767592860000000000\n"));
  EXPECT_EQ(second.status, 204) << second.body;
  EXPECT_EQ(points("spindle.load"),
            Json::parse(R"([["2026-01-05T06:00:00.123456Z",12.5],["2026-01-05T06:00:01.123456Z",13.0]])"));
  EXPECT_EQ(points("meter.power"), Json::parse(R"([["2026-01-05T06:00:00Z",1234.5]])"));
  EXPECT_EQ(points("spindle.text").at(0).at(1), "a \"b\"");
  const Json total = client_.total("scope=machine:M1&from=2026-01-05T06:00:00Z&to=2026-01-05T06:10:00Z");
  EXPECT_EQ(total["good_quantity"], 10);
  EXPECT_EQ(total["scrap_quantity"], 1);
}

TEST_F(Telegraf, WritesByVersion1AfterItCreatedItsDatabase) {
  RawClient telegraf{server_.port()};
  const std::string form = "q=CREATE+DATABASE+%22telegraf%22";
  const RawAnswer created =
      telegraf.ask("POST /query HTTP/1.1\r\n" + host() + fmt::format("Content-Length: {}\r\n", form.size()) +
                   "Content-Type: application/x-www-form-urlencoded\r\n"
                   "Accept-Encoding: gzip\r\n\r\n" +
                   form);
  EXPECT_EQ(created.status, 200);
  EXPECT_FALSE(Json::parse(created.body).at("results").at(0).contains("error")) << created.body;
  const RawAnswer written = telegraf.ask(version_1("spindle,machine=M1 load=12.5 1767592800123456000\n"));
  EXPECT_EQ(written.status, 204) << written.body;
  EXPECT_EQ(points("spindle.load").size(), 1U);
}

TEST_F(Telegraf, HearsOfBadLinesAsItReadsThem) {
  RawClient telegraf{server_.port()};
  const RawAnswer second = telegraf.ask(version_2("spindle load=12.5 1767592800123456000\n"));
  EXPECT_EQ(second.status, 400);
  EXPECT_EQ(Json::parse(second.body).at("code"), "invalid");
  EXPECT_NE(Json::parse(second.body).at("message").get<std::string>().find("line 1: missing_field"),
            std::string::npos);
  const RawAnswer first = telegraf.ask(version_1("spindle load=12.5 1767592800123456000\n"));
  EXPECT_EQ(first.status, 400);
  EXPECT_NE(Json::parse(first.body).at("error").get<std::string>().find("line 1: missing_field"),
            std::string::npos);
}

TEST_F(Telegraf, IsToldThatThereIsNothingToAsk) {
  const HttpReply reply = client_.post("/query?q=SHOW+DATABASES", "", "application/x-www-form-urlencoded");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_TRUE(json_of(reply).contains("error"));
}

}  // namespace
}  // namespace takt::test
