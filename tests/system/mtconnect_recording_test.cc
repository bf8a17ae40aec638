// The log of a real adapter (tests/data/mtconnect) spoken through a real socket to a whole server. What the
// figures should be is worked out here from the log itself, as simply as can be; the sums of
// docs/tutorial-okuma.md, which were worked out by hand, stand beside them.
#include "schema/time.h"
#include "tests/support/loopback_server.h"
#include "tests/system/broker.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

const std::string kFolder = "tests/data/mtconnect/";

std::string text_of_file(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream{kFolder + name}.rdbuf();
  return text.str();
}

/// What the keys of the log that the figures rest on say, by time in microseconds.
struct Told {
  std::map<std::int64_t, std::string> states, programs;
  std::map<std::int64_t, std::int64_t> counts;
  std::map<std::int64_t, double> x_load;
};

Told told_by_the_log() {
  Told told;
  std::istringstream lines{text_of_file("okuma.txt")};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields{line};
    std::string time, key, value;
    std::getline(fields, time, '|');
    const auto at = parse_time(time);
    if (!at) continue;  // of an asset's XML
    while (std::getline(fields, key, '|') && std::getline(fields, value, '|')) {
      while (!value.empty() && value.back() == '\r') value.pop_back();
      if (key == "pexecution") told.states[micros(*at)] = value;
      if (key == "pprogram") told.programs[micros(*at)] = value;
      if (key == "ppartcount") told.counts[micros(*at)] = std::stoll(value);
      if (key == "X1load") told.x_load[micros(*at)] = std::stod(value);
    }
  }
  return told;
}

struct Figures {
  std::map<std::string, std::int64_t> state_micros;
  std::int64_t pieces = 0;
  double ideal_s = 0;
};

/// Of all between the first state and the last.
Figures worked_out(const Told& told) {
  const std::map<std::string, double> ideal = {{"IMTS-2022-1E-mm.MIN", 580},
                                               {"IMTS-2022-2-HOB.MIN", 180},
                                               {"IMTS-2022-3-TRAN.MIN", 16},
                                               {"IMTS-2022-4B-mm.MIN", 540}};
  Figures out;
  for (auto at = told.states.begin(); std::next(at) != told.states.end(); ++at)
    out.state_micros[at->second] += std::next(at)->first - at->first;
  for (auto at = std::next(told.counts.begin()); at != told.counts.end(); ++at) {
    const std::int64_t before = std::prev(at)->second;
    const std::int64_t more = at->second >= before ? at->second - before : at->second;  // less: it began anew
    const std::string program = std::prev(told.programs.upper_bound(at->first))->second;
    out.pieces += more;
    out.ideal_s += static_cast<double>(more) * ideal.at(program);
  }
  return out;
}

/// What a server answers of the machine, to be compared as it is, but for what tells of arrival.
struct Answers {
  Json timeline, total, hours, load;

  Answers(Client& client, const std::string& range)
      : timeline(client.json("/v1/timeline?machine=OKUMA-MULTUS" + range)),
        total(client.total("scope=machine:OKUMA-MULTUS" + range)),
        hours(client.json("/v1/oee?scope=machine:OKUMA-MULTUS&grain=hour" + range)),
        load(client.json("/v1/series?machine=OKUMA-MULTUS&tag=x.load" + range)) {
    total.erase("revision");
    for (Json& bucket : hours.at("buckets")) bucket.erase("revision");
  }
};

std::string source_toml(const std::string& address) {
  std::string mapping = text_of_file("okuma.mapping.toml");
  const std::size_t tags = mapping.find("[tags]"), machine = mapping.find("machine =");
  mapping.replace(tags, 6, "[source.options.tags]");
  mapping.erase(machine, mapping.find('\n', machine) + 1 - machine);
  return "\n[[source]]\nid = \"okuma\"\nkind = \"shdr\"\nurl = \"shdr://" + address +
         "\"\nmachine = \"OKUMA-MULTUS\"\n[source.options]\n" + mapping;
}

TEST(MtconnectRecording, HasTheFiguresThatItSaysOverTheSocketAndFromTheFile) {
  const Told told = told_by_the_log();
  const Figures expected = worked_out(told);
  ASSERT_EQ(told.states.size(), 16U);
  const std::string range = fmt::format("&from={}&to={}", format_time(from_micros(told.states.begin()->first)),
                                        format_time(from_micros(told.states.rbegin()->first)));
  const std::string log = text_of_file("okuma.txt"), plant = text_of_file("okuma.plant.toml");
  const LoopbackServer adapter{[&](LoopbackServer::Peer& peer, int, const std::atomic<bool>& stopping) {
    peer.send(log);
    while (!stopping && !peer.closed) peer.receive();
  }};
  const TemporaryFolder live_folder, import_folder;
  RunningServer live{live_folder, plant + source_toml(adapter.address())}, imported{import_folder, plant};
  ASSERT_TRUE(live.wait_until_ready() && imported.wait_until_ready());
  const Finished import = run_takt(
      {"import", kFolder + "okuma.txt", "--mapping", kFolder + "okuma.mapping.toml", "--server", imported.url()});
  EXPECT_EQ(import.output, "21056 accepted, 0 duplicate, 0 rejected\n") << import.error;
  Client to_live{live}, to_imported{imported};
  EXPECT_TRUE(eventually([&] { return source_of(to_live, "okuma").value("accepted", 0) == 21'056; }))
      << source_of(to_live, "okuma");
  EXPECT_EQ(source_of(to_live, "okuma").at("rejects"), 0);

  const Answers over_the_socket{to_live, range}, from_the_file{to_imported, range};
  EXPECT_EQ(over_the_socket.timeline, from_the_file.timeline);
  EXPECT_EQ(over_the_socket.total, from_the_file.total);
  EXPECT_EQ(over_the_socket.hours, from_the_file.hours);
  EXPECT_EQ(over_the_socket.load, from_the_file.load);

  std::map<std::string, std::int64_t> spent;
  for (const Json& each : over_the_socket.timeline.at("intervals")) {
    std::string name = each.at("state");
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    spent[name] += micros(parse_time(each.at("end").get<std::string>()).value()) -
                   micros(parse_time(each.at("start").get<std::string>()).value());
  }
  EXPECT_EQ(spent, expected.state_micros);
  EXPECT_EQ(spent, (std::map<std::string, std::int64_t>{
                       {"ACTIVE", 1'357'376'086}, {"PROGRAM_COMPLETED", 963'683}, {"READY", 1'822'482'847}}));

  const Json& total = over_the_socket.total;
  const double all_s = 3180.822616, active_s = static_cast<double>(expected.state_micros.at("ACTIVE")) / 1e6;
  EXPECT_EQ(expected.pieces, 5);
  EXPECT_EQ(expected.ideal_s, 1856);
  EXPECT_EQ(total.at("good_quantity"), expected.pieces);
  EXPECT_EQ(total.at("ideal_production_time_s"), expected.ideal_s);
  EXPECT_EQ(total.at("planned_busy_time_s"), all_s);
  EXPECT_EQ(total.at("actual_production_time_s"), active_s);
  EXPECT_DOUBLE_EQ(total.at("availability"), active_s / all_s);
  EXPECT_DOUBLE_EQ(total.at("effectiveness"), expected.ideal_s / active_s);
  EXPECT_DOUBLE_EQ(total.at("oee"), expected.ideal_s / all_s);
  EXPECT_EQ(total.at("flags"), Json::array({"effectiveness_above_1"}));
  EXPECT_EQ(total.at("stops"), 5);

  std::map<std::int64_t, double> points, within;
  for (const Json& point : over_the_socket.load.at("points"))
    points[micros(parse_time(point.at(0).get<std::string>()).value())] = point.at(1);
  for (const auto& [at, value] : told.x_load)
    if (at >= told.states.begin()->first && at < told.states.rbegin()->first) within[at] = value;
  EXPECT_EQ(points, within);
}

}  // namespace
}  // namespace takt::test
