// A real InfluxDB 1.6 of Debian 12 (unpacked by tests/influx/unpack_influxd.cmake) as a writer of line protocol
// and as a source of exports. Debian has no influx_inspect; the frame of its files is that of
// cmd/influx_inspect/export of influxdata/influxdb v1.6.7rc0.
#include "tests/system/broker.h"

#include <fmt/format.h>

#include <gtest/gtest.h>

#include <filesystem>

namespace takt::test {
namespace {

constexpr const char* kPrograms = "build/influxdb/usr/bin/";

class Influxd {
 public:
  Influxd() : port_(free_port()) {
    const std::string folder = folder_.path().string();
    write_file(folder_.path() / "influxd.conf",
               "reporting-disabled = true\nbind-address = \"127.0.0.1:0\"\n[meta]\ndir = \"" + folder +
                   "/meta\"\n[data]\ndir = \"" + folder + "/data\"\nwal-dir = \"" + folder +
                   "/wal\"\n[monitor]\nstore-enabled = false\n[http]\nbind-address = \"127.0.0.1:" +
                   std::to_string(port_) + "\"\n");
    process_ = std::make_unique<ChildProcess>(std::vector<std::string>{
        std::string{kPrograms} + "influxd", "run", "-config", (folder_.path() / "influxd.conf").string()});
    EXPECT_TRUE(eventually([&] { return post("/query", "q=CREATE+DATABASE+plant") == 200; }))
        << process_->error_text();
  }

  /// The status; 0: it does not answer.
  unsigned post(std::string_view target, std::string_view body) const {
    auto client = HttpClient::open("http://127.0.0.1:" + std::to_string(port_));
    if (!client) return 0;
    const auto reply = client->post(target, {body, "application/x-www-form-urlencoded"});
    return reply ? reply->status : 0;
  }
  /// The answer to a query as CSV with a header row.
  std::string csv(const std::string& query) const {
    const Finished done =
        run_program({std::string{kPrograms} + "influx", "-host", "127.0.0.1", "-port", std::to_string(port_),
                     "-database", "plant", "-precision", "rfc3339", "-format", "csv", "-execute", query});
    EXPECT_EQ(done.status, 0) << done.error;
    return done.output;
  }

 private:
  TemporaryFolder folder_;
  std::uint16_t port_;
  std::unique_ptr<ChildProcess> process_;
};

constexpr const char* kRange = "&from=2026-01-05T05:00:00Z&to=2026-01-05T07:00:00Z";

Json points(Client& client, const std::string& tag) {
  return client.json("/v1/series?machine=M1&tag=" + tag + kRange).at("points");
}

TEST(Influxd, PassesOnWhatItIsSentAndExportsIt) {
  if (!std::filesystem::exists(std::string{kPrograms} + "influxd"))
    GTEST_SKIP() << "Debian's archive was not there";
  const TemporaryFolder subscriber_folder, import_folder;
  RunningServer subscriber{subscriber_folder, simple_plant()}, importer{import_folder, simple_plant()};
  ASSERT_TRUE(subscriber.wait_until_ready() && importer.wait_until_ready());
  Client to_subscriber{subscriber}, to_importer{importer};
  const Influxd influxd;
  ASSERT_EQ(influxd.post("/query", "q=CREATE+SUBSCRIPTION+takt+ON+plant.autogen+DESTINATIONS+ALL+'" +
                                       subscriber.url() + "'"),
            200U);
  std::string lines =
      "count,machine=M1,host=a good_total=7i,scrap_total=1i 1767592800\n"
      "count,machine=M1,host=a good_total=17i,scrap_total=2i 1767592860\n"
      "odd\\ one\\,x,machine=M1,slot=a\\=b v=1e-7,on=t,text=\"C:\\\\ \\\"b\\\", c\" 1767592800\n";
  Json loads = Json::array();
  for (int i = 0; i < 500; ++i) {
    const double load = i / 8.0;
    lines += fmt::format("spindle,machine=M1,host=a load={} {}\n", load, 1767592800 + i);
    loads.push_back({fmt::format("2026-01-05T06:{:02}:{:02}Z", i / 60, i % 60), load});
  }
  const auto taken = [&] { return source_of(to_subscriber, "lp 127.0.0.1").value("accepted", 0); };
  // It learns of a subscription in its own time; what was sent before is sent once more, and counts once.
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(influxd.post("/write?db=plant&precision=s", lines), 204U);
    return to_subscriber.json("/v1/sources").at("sources").size() > 0 && taken() == 505;
  })) << to_subscriber.json("/v1/sources");

  EXPECT_EQ(source_of(to_subscriber, "lp 127.0.0.1").at("rejects"), 0);
  EXPECT_EQ(points(to_subscriber, "spindle.load"), loads);
  EXPECT_EQ(points(to_subscriber, "odd%20one,x.v"), Json::parse(R"([["2026-01-05T06:00:00Z",1e-7]])"));
  EXPECT_EQ(points(to_subscriber, "odd%20one,x.text").at(0).at(1), "C:\\ \"b\", c");
  const Json total = to_subscriber.total("scope=machine:M1" + std::string{kRange});
  EXPECT_EQ(total.at("good_quantity"), 10);
  EXPECT_EQ(total.at("scrap_quantity"), 1);

  const auto file = [&](const char* name) { return (import_folder.path() / name).string(); };
  write_file(file("spindle.csv"), influxd.csv("SELECT machine, load FROM spindle"));
  write_file(file("count.csv"), influxd.csv("SELECT machine, good_total, scrap_total FROM \"count\""));
  const Finished readings =
      run_takt({"import", file("spindle.csv"), "--server", importer.url(), "--map",
                "machine=machine,ts=time,value=load", "--set", "type=reading,tag=spindle.load"});
  EXPECT_EQ(readings.output, "500 accepted, 0 duplicate, 0 rejected\n") << readings.error;
  const Finished counts =
      run_takt({"import", file("count.csv"), "--server", importer.url(), "--map",
                "machine=machine,ts=time,good_total=good_total,scrap_total=scrap_total", "--set", "type=count"});
  EXPECT_EQ(counts.output, "2 accepted, 0 duplicate, 0 rejected\n") << counts.error;
  EXPECT_EQ(points(to_importer, "spindle.load"), loads);
  EXPECT_EQ(to_importer.total("scope=machine:M1" + std::string{kRange}).at("good_quantity"), 10);
}

TEST(LineProtocol, TakesAnExportOfInfluxInspectAsItIs) {
  const std::string text =
      "# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z\n# DDL\n"
      "CREATE DATABASE plant WITH NAME autogen\nCREATE DATABASE \"old plant\" WITH NAME \"one week\"\n# DML\n"
      "# CONTEXT-DATABASE:plant\n# CONTEXT-RETENTION-POLICY:autogen\n# writing tsm data\n"
      "spindle,machine=M1 load=12.5 1767592800000000000\nspindle,machine=M1 load=13 1767592801000000000\n"
      "# writing wal data\nspindle,machine=M1 on=true 1767592800000000000\n";
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant()};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  const std::string file = (folder.path() / "export.lp").string();
  write_file(file, text);
  const Finished done = run_takt({"import", "--server", server.url(), file});
  EXPECT_EQ(done.output, "3 accepted, 0 duplicate, 0 rejected\n") << done.error;
  EXPECT_EQ(client.post("/write?db=plant", text).status, 204U);
  EXPECT_EQ(points(client, "spindle.load"),
            Json::parse(R"([["2026-01-05T06:00:00Z",12.5],["2026-01-05T06:00:01Z",13.0]])"));
  EXPECT_EQ(client.json("/v1/quarantine").at("total"), 0);
}

}  // namespace
}  // namespace takt::test
