// Recordings of a real machine (tests/data/ladder99) replayed through a real broker. What the figures should be is
// worked out here from the recording itself, as simply as can be.
#include "tests/system/broker.h"

#include "schema/time.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

struct Row {
  std::string topic, message;
  bool retained = false;
};

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

/// Rows of topic, message in quotes (doubled within), QoS, whether retained, times.
std::vector<Row> recording(const std::string& file) {
  std::istringstream lines{file_text(file)};
  std::string line;
  std::getline(lines, line);
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    Row row;
    std::size_t at = line.find(',');
    row.topic = line.substr(0, at++);
    row.topic.replace(row.topic.find("${deviceId}"), 11, "L1");
    if (line.at(at) == '"') {
      for (++at; line.at(at) != '"' || line.at(at + 1) == '"'; ++at) {
        row.message += line.at(at);
        at += line.at(at) == '"' ? 1 : 0;
      }
      ++at;
    } else {
      const std::size_t end = line.find(',', at);
      row.message = line.substr(at, end - at);
      at = end;
    }
    row.retained = line.at(at + 3) == '1';
    rows.push_back(row);
  }
  return rows;
}

/// What the recording says, in microseconds.
struct Expected {
  std::map<std::int64_t, std::string> states;
  std::map<std::int64_t, std::int64_t> labels;                     // the counter
  std::map<std::string, std::map<std::int64_t, double>> readings;  // by address
};

Expected expected_of(const std::vector<Row>& rows) {
  const std::map<int, std::string> names = {
      {50, "aborting"}, {100, "stopping"}, {200, "stopped"}, {300, "starting"}, {400, "execute"}};
  Expected out;
  for (const Row& row : rows) {
    const Json message = Json::parse(row.message);
    if (row.topic.ends_with("/status"))
      out.states[std::llround(message.at("utc_time").get<double>() * 1e6)] = names.at(message.at("state"));
    if (!row.topic.ends_with("/read")) continue;
    for (const Json& each : message) {
      const std::int64_t at = each.at("_ts").get<std::int64_t>() * 1000;
      if (each.at("address") == "%M55.6")
        out.labels[at] = each.at("value");
      else
        out.readings[each.at("address")][at] = each.at("value");
    }
  }
  return out;
}

/// How long each state lasted from the second one on, up to `end`.
std::map<std::string, std::int64_t> times_of(const Expected& expected, std::int64_t begin, std::int64_t end) {
  std::map<std::string, std::int64_t> out;
  for (auto at = expected.states.begin(); at != expected.states.end(); ++at) {
    const auto next = std::next(at);
    const std::int64_t from = std::max(at->first, begin);
    const std::int64_t until = next == expected.states.end() ? end : std::min(next->first, end);
    if (until > from) out[at->second] += until - from;
  }
  return out;
}

/// The same as Takt tells it.
std::map<std::string, std::int64_t> times_told(Client& client, const std::string& range) {
  const auto time = [](const Json& text) { return micros(parse_time(text.get<std::string>()).value()); };
  std::map<std::string, std::int64_t> out;
  const Json timeline = client.json("/v1/timeline?machine=L1" + range);
  for (const Json& each : timeline.at("intervals"))
    out[each.at("state")] += time(each.at("end")) - time(each.at("start"));
  return out;
}

/// Readings of an address, as Takt tells them; none where it has never heard of it.
std::map<std::int64_t, double> points_told(Client& client, const std::string& address, const std::string& range) {
  std::map<std::int64_t, double> points;
  const HttpReply reply = client.get(fmt::format("/v1/series?machine=L1&tag=%25{}{}", address.substr(1), range));
  if (reply.status != 200) return points;
  const Json series = json_of(reply);
  for (const Json& point : series.at("points"))
    points[micros(parse_time(point.at(0).get<std::string>()).value())] = point.at(1);
  return points;
}

class MqttRecording : public testing::TestWithParam<const char*> {};

TEST_P(MqttRecording, HasTheFiguresThatItSays) {
  const std::vector<Row> rows = recording(std::string{"tests/data/ladder99/"} + GetParam());
  const Expected expected = expected_of(rows);
  ASSERT_GE(expected.states.size(), 7U);
  const Broker broker;
  std::string plant = file_text("tests/data/ladder99/plant.toml");
  plant.replace(plant.find("BROKER"), 6, broker.url());
  std::map<std::string, std::string> lines;  // by topic: what is retained comes at once, all else live
  for (const Row& row : rows) {
    if (row.retained)
      broker.publish(row.topic, row.message, {"-r", "-q", "1"});
    else
      lines[row.topic] += row.message + "\n";
  }
  const TemporaryFolder folder;
  RunningServer server{folder, plant};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  expect_connected(client, "labels");
  for (const auto& [topic, text] : lines) broker.publish_lines(topic, text);

  const std::int64_t begin = std::next(expected.states.begin())->first;
  const std::int64_t last_label = expected.labels.empty() ? 0 : expected.labels.rbegin()->first;
  const std::int64_t end = std::max(expected.states.rbegin()->first, last_label) + 10'000'000;
  const std::string range =
      fmt::format("&from={}&to={}", format_time(from_micros(begin)), format_time(from_micros(end)));
  // What the counter says first is where it stands.
  const std::int64_t labels =
      expected.labels.empty() ? 0 : expected.labels.rbegin()->second - expected.labels.begin()->second;
  const auto good = [&] {
    return client.total("scope=machine:L1" + range).value("good_quantity", std::int64_t{-1});
  };
  EXPECT_TRUE(eventually([&] { return good() == labels; })) << good() << " of " << labels;

  const std::map<std::string, std::int64_t> wanted = times_of(expected, begin, end);
  EXPECT_TRUE(eventually([&] { return times_told(client, range) == wanted; }));
  EXPECT_EQ(times_told(client, range), wanted);
  const Json total = client.total("scope=machine:L1" + range);
  const double all_s = static_cast<double>(end - begin) / 1e6, ideal_s = 3.0 * static_cast<double>(labels);
  const auto execute = wanted.find("execute");
  const double execute_s = execute == wanted.end() ? 0 : static_cast<double>(execute->second) / 1e6;
  EXPECT_DOUBLE_EQ(total.at("planned_busy_time_s"), all_s);
  EXPECT_DOUBLE_EQ(total.at("actual_production_time_s"), execute_s);
  EXPECT_DOUBLE_EQ(total.at("availability"), execute_s / all_s);
  EXPECT_DOUBLE_EQ(total.at("oee"), ideal_s / all_s);

  for (const auto& [address, values] : expected.readings) {
    std::map<std::int64_t, double> within;
    for (const auto& [at, value] : values)
      if (at >= begin && at < end) within[at] = value;
    EXPECT_TRUE(eventually([&] { return points_told(client, address, range) == within; })) << address;
  }
  const Json source = source_of(client, "labels");
  EXPECT_EQ(source.at("rejects"), 0) << source;
}

INSTANTIATE_TEST_SUITE_P(Ladder99, MqttRecording,
                         testing::Values("run0.csv", "run1.csv", "run2.csv", "run3.csv", "run4.csv", "run5.csv",
                                         "run6.csv", "run7.csv"),
                         [](const auto& run) { return std::string{run.param}.substr(0, 4); });

}  // namespace
}  // namespace takt::test
