// What strangers send to every call that /openapi.json describes: an answer comes, it is never a fault of ours, it
// is what its type says, and nothing that is kept has changed.
#include "tests/http/raw_client.h"
#include "tests/support/mutation.h"
#include "tests/system/running_server.h"

#include <array>
#include <cctype>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "client/gzip.h"
#include "schema/time.h"

namespace takt::test {
namespace {

constexpr std::uint64_t kRequests = 1500, kRequestsOfASoak = 100'000;

/// TAKT_SEEDS requests from TAKT_FIRST_SEED on, where they are given: a failing one can be sent again alone.
std::uint64_t number_given(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// ---------------------------------------- what is sent

constexpr const char* kPlant = R"(
[plant]
id = "P1"
timezone = "Europe/Berlin"
[[area]]
id = "A1"
[[line]]
id = "L1"
area = "A1"
[[machine]]
id = "M1"
line = "L1"
ideal_cycle_s = 1.0
[[machine]]
id = "M2"
[[shift]]
id = "early"
start = "06:00"
end = "14:00"
[[reason]]
code = "JAM"
category = "failure"
)";

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool percent(std::uint64_t chance) { return below(100) < chance; }
  template <class List>
  std::string of(const List& list) {
    return std::string{list[below(std::size(list))]};
  }
  std::mt19937_64& engine() { return random_; }

 private:
  std::mt19937_64 random_;
};

struct Operation {
  std::string method, path;
  std::vector<std::string> required, optional;
  bool has_body = false;
};

std::vector<Operation> operations_of(const Json& openapi) {
  std::vector<Operation> operations;
  for (const auto& [path, methods] : openapi.at("paths").items()) {
    for (const auto& [method, description] : methods.items()) {
      Operation operation{method, path, {}, {}, description.contains("requestBody")};
      for (char& c : operation.method) c = static_cast<char>(std::toupper(c));
      for (const Json& p : description.value("parameters", Json::array()))
        (p["required"].get<bool>() ? operation.required : operation.optional).push_back(p["name"]);
      operations.push_back(std::move(operation));
    }
  }
  return operations;
}

/// Percent-encoded already: some of it is wrong in itself.
constexpr std::array kNasty = {"",
                               "%20",
                               "0",
                               "-1",
                               "1",
                               "+1",
                               "1e308",
                               "-1e999",
                               "nan",
                               "inf",
                               "0x10",
                               "1.",
                               "65536",
                               "2147483648",
                               "9223372036854775807",
                               "-9223372036854775808",
                               "18446744073709551615",
                               "18446744073709551616",
                               "9223372036854775807s",
                               "106751991167300d",
                               "1us",
                               "-5m",
                               "1900-01-01T00:00:00Z",
                               "9999-12-31T23:59:59.999999Z",
                               "2025-02-30T00:00:00Z",
                               "2025-01-06T06:00:60Z",
                               "2025-01-06T06:00:00+99:99",
                               "2025-01-06T06:00:00%2B14:00",
                               "253402300799999999",
                               "-2208988800000000",
                               "%27%20OR%201=1%20--",
                               "%22;DROP%20TABLE%20machine;--",
                               "%3Cscript%3Ealert(1)%3C/script%3E",
                               "..%2F..%2F..%2Fetc%2Fpasswd",
                               "$%7Bjndi:ldap://x%7D",
                               "x%0D%0ASet-Cookie:%20a=b",
                               "%00",
                               "M1%00",
                               "%01%02%7F",
                               "%FF%FE",
                               "%C3%28",
                               "%ED%A0%80",
                               "%F4%90%80%80",
                               "%F0%9F%98%80",
                               "%",
                               "%4",
                               "%zz",
                               "%25%32%35",
                               "plant,plant",
                               "plant:",
                               "machine:",
                               "machine:%FF",
                               "line:L9",
                               "area:%22",
                               "M1;M2",
                               "[]",
                               "%7B%7D",
                               "null",
                               "true",
                               "\xff\xfe",
                               "\xc3"};

std::string valid_value(const std::string& name, Dice& dice, const std::string& then) {
  static constexpr std::array kScopes = {"plant", "area:A1", "line:L1", "machine:M1", "machine:M2"};
  static constexpr std::array kTimes = {
      "2025-01-06T06:00:00Z",      "2025-01-06T14:00:00Z", "2025-01-07T00:00:00%2B01:00",
      "2025-01-07T00:00:00+01:00", "1736143200000000",     "2024-01-01T00:00:00Z",
      "2026-01-01T00:00:00Z",      "1900-01-01T00:00:00Z", "9999-01-01T00:00:00Z"};
  static const std::map<std::string, std::vector<std::string>> kChoices = {
      {"grain", {"hour", "shift", "day", "week", "month", "year", "total"}},
      {"group", {"machine", "line", "area"}},
      {"by", {"reason", "category", "machine"}},
      {"agg", {"avg", "min", "max", "sum", "count", "first", "last", "delta"}},
      {"step", {"1us", "60s", "5m", "1h", "1d", "52w", "3600"}},
      {"quality", {"good"}},
      {"rules", {"nelson", "western_electric", "none"}},
      {"chart", {"p", "np", "c", "u"}},
      {"machine", {"M1", "M2"}},
      {"tag", {"load", "text"}},
      {"characteristic", {"diameter"}},
      {"product", {"X"}},
      {"lsl", {"9.5", "-1e300"}},
      {"usl", {"10.5", "1e300"}},
      {"target", {"10"}},
      {"subgroup_size", {"1", "2", "5", "25"}},
      {"whole", {"0", "1"}},
      {"dry_run", {"1"}},
      {"limit", {"1", "1000"}},
      {"after", {"0", "5", "18446744073709551615"}},
      {"format", {"json", "ndjson"}},
      {"q", {"CREATE%20DATABASE%20x"}},
      {"precision", {"ns", "us", "ms", "s", "m", "h"}}};
  if (name == "scope") return dice.of(kScopes);
  if (name == "as_of") return then;
  if (name == "from" || name == "to" || name == "valid_from") return dice.of(kTimes);
  const auto choices = kChoices.find(name);
  return choices == kChoices.end() ? "some" : dice.of(choices->second);
}

/// Nothing in it is of a machine that there is, and no description of a plant or a token is whole: what is kept
/// must stay as it is, whatever is sent.
std::string body_for(const Operation& operation, Dice& dice) {
  static const std::string kEvent =
      R"({"type":"count","machine":"nobody","ts":"2025-01-06T06:00:00Z","good":1,"attributes":{"a":[1,{"b":null}]}})";
  static const std::array<std::string, 13> kBodies = {
      "",
      "{}",
      "[]",
      "null",
      "\"text\"",
      "{\"to\":\"relative\",\"keep\":-1}",
      "{\"name\":\"x\",\"role\":\"nobody\",\"scopes\":[1]}",
      "{\"name\":\"\\u0000\\ud800\",\"token\":\"takt_x\"}",
      "{\"a\":" + std::string(2000, '[') + std::string(2000, ']') + "}",
      "{\"a\":1e999999,\"b\":-99999999999999999999999}",
      std::string("\xef\xbb\xbf{\0}", 6),
      "q=CREATE+DATABASE+x",
      std::string(100'000, 'x')};
  if (dice.percent(30)) return dice.of(kBodies);
  if (operation.path == "/v1/plant")
    return mutated("[plant]\nid = \"P1\"\ntimezone = \"Europe/Berlin\"\n[[machine]]\nid = \"M1\"\n",
                   dice.engine()) +
           "\n[[machine]]\nname = 7\n";
  if (operation.path.ends_with("write") && dice.percent(20)) return "# nothing\n";
  if (operation.path.ends_with("write"))
    return mutated("cell,machine=nobody,tag=a\\ b value=1.5,text=\"x\",n=7i 1736143200000000000\n", dice.engine());
  switch (dice.below(4)) {
    case 0:
      return mutated("[" + kEvent + "," + kEvent + "]", dice.engine());
    case 1:
      return mutated("type,machine,ts,state\nstate,nobody,2025-01-06T06:00:00Z,\"run\nning\"\n", dice.engine());
    case 2:
      return mutated(std::string{"\x10\x00\x00\x00TKTB", 8} + std::string(60, '\x04'), dice.engine());
    default:
      return mutated(kEvent + "\n" + kEvent + "\n", dice.engine());
  }
}

/// A request, and what can be expected of its answer.
struct Sent {
  std::string bytes, method;
  std::string operation;         ///< that it was made of
  bool in_influx_words = false;  ///< whose clients expect errors of another shape
  bool must_be_refused = false;
};

class RequestMaker {
 public:
  RequestMaker(std::vector<Operation> operations, std::string then)
      : operations_(std::move(operations)), then_(std::move(then)) {}

  Sent make(std::uint64_t seed) const {
    Dice dice{seed};
    const Operation& operation = operations_.at(dice.below(operations_.size()));
    Sent sent;
    sent.method = operation.method;
    sent.operation = operation.method + ' ' + operation.path;
    std::string path = operation.path;
    if (dice.percent(8)) {
      static constexpr std::array kMethods = {"GET",   "HEAD",    "POST",  "PUT",  "DELETE",
                                              "PATCH", "OPTIONS", "TRACE", "BREW", "get"};
      sent.method = dice.of(kMethods);
    }
    if (dice.percent(5)) {
      static constexpr std::array kTails = {"/", "//", "/..", "%2e%2e", "%00",  "%FF",
                                            "?", "x",  "%",   "#",      "\xff", ";a=b"};
      path += dice.of(kTails);
    }
    const bool is_its_own = sent.method == operation.method && path == operation.path;
    sent.in_influx_words = operation.path.ends_with("write") || operation.path == "/query";
    std::string query = query_for(operation, dice, sent);
    if (sent.operation == "PUT /v1/plant" && dice.percent(30)) query = "dry_run=1", sent.must_be_refused = false;
    if (dice.percent(5)) query = without_spaces(mutated(query, dice.engine())), sent.must_be_refused = false;
    if (!is_its_own) sent.must_be_refused = false;
    const std::string target = path + (query.empty() ? "" : "?" + query);
    sent.bytes =
        sent.method + ' ' + target + " HTTP/1.1\r\nHost: takt\r\n" + headers_and_body(operation, target, dice);
    return sent;
  }

 private:
  static std::string without_spaces(std::string text) {
    std::erase_if(text, [](char c) { return c == '\r' || c == '\n' || c == ' '; });
    return text;
  }
  std::string value_for(const std::string& name, Dice& dice, std::uint64_t nasty_percent) const {
    if (dice.percent(1)) return std::string(1000 + dice.below(8000), 'a');
    return dice.percent(nasty_percent) ? dice.of(kNasty) : valid_value(name, dice, then_);
  }
  std::string query_for(const Operation& operation, Dice& dice, Sent& sent) const {
    std::string query;
    const auto add = [&](const std::string& name, const std::string& value) {
      query += (query.empty() ? "" : "&") + name + (value.empty() && dice.percent(50) ? "" : "=" + value);
    };
    for (const std::string& name : operation.required) {
      if (dice.percent(5))
        sent.must_be_refused = true;
      else
        add(name, value_for(name, dice, 10));
    }
    for (const std::string& name : operation.optional) {
      if (!dice.percent(35)) continue;
      add(name, value_for(name, dice, 30));
      if (dice.percent(3)) add(name, value_for(name, dice, 30)), sent.must_be_refused = true;
    }
    if (dice.percent(4)) add(dice.percent(50) ? "colour" : dice.of(kNasty), "red"), sent.must_be_refused = true;
    // These take no parameters, nor care for any: whoever asks whether we live may say so as he likes.
    static const std::set<std::string> kCareless = {"/healthz",      "/readyz", "/metrics",
                                                    "/openapi.json", "/ping",   "/query"};
    if (kCareless.contains(operation.path) || operation.method == "DELETE") sent.must_be_refused = false;
    return query;
  }
  static std::string headers_and_body(const Operation& operation, const std::string& target, Dice& dice) {
    static constexpr std::array kTypes = {"application/json",
                                          "application/x-ndjson",
                                          "text/csv",
                                          "application/x-flatbuffers",
                                          "application/toml",
                                          "text/plain",
                                          "application/xml",
                                          "\xff",
                                          ""};
    static constexpr std::array kAccepts = {"text/csv", "application/toml", "*/*", "\xff", "a/b;q=0"};
    std::string headers;
    if (dice.percent(20)) headers += "Accept: " + dice.of(kAccepts) + "\r\n";
    if (dice.percent(20)) headers += "Accept-Encoding: gzip\r\n";
    if (dice.percent(3)) headers += "Authorization: Bearer \xff takt_nobody\r\n";
    if (!operation.has_body && dice.percent(95)) return headers + "\r\n";
    std::string body = body_for(operation, dice);
    // Whole descriptions only where nothing can come of them.
    if (target == "/v1/plant?dry_run=1") body = dice.percent(30) ? kPlant : mutated(kPlant, dice.engine());
    if (body == kPlant) {
      headers += "Content-Type: application/toml\r\n";
    } else if (dice.percent(80)) {
      headers += "Content-Type: " + dice.of(kTypes) + "\r\n";
    }
    if (dice.percent(10)) {
      headers += "Content-Encoding: gzip\r\n";
      const std::string packed = gzip_member(body).value();
      body = dice.percent(50) ? packed : mutated(packed, dice.engine());
    }
    return headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  std::vector<Operation> operations_;
  std::string then_;
};

// ---------------------------------------- what comes back

/// Bytes as a C string has them, cut where they go on for long.
std::string shown(std::string_view bytes) { return testing::PrintToString(std::string{bytes.substr(0, 3000)}); }

bool is_json(const std::string& text) { return Json::accept(text); }

/// What is wrong with an answer; empty: nothing.
std::string fault_of(const RawAnswer& answer, const Sent& sent) {
  if (answer.status == 0) return "no answer";
  const bool took_long = answer.status == 503 && answer.body.find("query time-out") != std::string::npos;
  if (answer.status >= 500 && !took_long) return "a fault of the server: " + answer.body;
  if (answer.head.find("Set-Cookie: a=b") != std::string::npos) return "a header of the client's making";
  if (sent.must_be_refused && answer.status < 400) return "is not refused";
  if (sent.method == "HEAD") return "";
  const std::string type = answer.header("Content-Type");
  const std::string body = answer.header("Content-Encoding") == "gzip" ? gunzip(answer.body) : answer.body;
  if (answer.status >= 400) {
    if (sent.in_influx_words && type == "application/json") return is_json(body) ? "" : "no JSON";
    if (type != "application/problem+json") return "an error of type " + type;
    const Json problem = Json::parse(body, nullptr, false);
    if (!problem.is_object()) return "a problem that is no JSON";
    if (problem.value("status", 0) != answer.status) return "a problem of another status";
    if (problem.value("title", "").empty() || problem.value("detail", "").empty())
      return "a problem without words";
    return "";
  }
  if (type == "application/json" && !is_json(body)) return "no JSON, or no UTF-8";
  return "";
}

// ---------------------------------------- the server

class ApiUnderFire : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server_.wait_until_ready());
    std::vector<Json> events = {event("state", "06:00", {{"state", "running"}}),
                                event("state", "08:00", {{"state", "down"}, {"reason", "JAM"}}),
                                event("state", "09:00", {{"state", "running"}}),
                                event("state", "14:00", {{"state", "off"}}),
                                event("count", "10:00", {{"good", 5000}, {"scrap", 40}, {"product", "X"}}),
                                event("order", "06:00", {{"order", "O1"}, {"action", "start"}}),
                                event("energy", "06:00", {{"kwh_total", 5}}),
                                event("energy", "07:00", {{"kwh_total", 7}})};
    for (int i = 10; i < 60; ++i) {
      const std::string at = "07:" + std::to_string(i);
      events.push_back(event("reading", at, {{"tag", "load"}, {"value", i / 8.0}}));
      events.push_back(event("reading", at, {{"tag", "text"}, {"value", "t" + std::to_string(i)}}));
      events.push_back(event("quality", at,
                             {{"characteristic", "diameter"},
                              {"product", "X"},
                              {"value", 10 + i % 7 / 8.0},
                              {"serial", at},
                              {"result", i % 9 == 0 ? "fail" : "pass"}}));
    }
    client_.send(events);
    client_.send(extremes_of_m2());
    client_.post("/v1/events", "nonsense\n");
  }
  /// The largest and the smallest of what can be measured.
  static std::vector<Json> extremes_of_m2() {
    const auto event = [](const char* type, const char* ts, Json more) {
      more.update({{"type", type}, {"machine", "M2"}, {"ts", ts}});
      return more;
    };
    const char* const first = "2024-12-30T00:00:00Z";
    std::vector<Json> events = {event("state", first, {{"state", "running"}}),
                                event("count", first, {{"good", 1'000'000'000}, {"scrap", 1'000'000'000}}),
                                event("order", first, {{"order", "O2"}, {"action", "start"}}),
                                event("energy", first, {{"kwh_total", 0}}),
                                event("energy", "2025-01-06T06:00:00Z", {{"kwh_total", 1.7e308}}),
                                event("energy", "2025-01-06T07:00:00Z", {{"kwh_total", 1.6e308}}),
                                event("state", "2025-01-06T06:00:00Z", {{"state", "down"}})};
    for (int i = 10; i < 30; ++i) {
      const std::string ts = "2025-01-06T06:00:" + std::to_string(i) + "Z";
      const double value = i % 3 == 0 ? 1.7e308 : i % 3 == 1 ? -1.7e308 : 4.9e-324;
      events.push_back(event("reading", ts.c_str(), {{"tag", "load"}, {"value", value}}));
      events.push_back(
          event("quality", ts.c_str(), {{"characteristic", "diameter"}, {"value", value}, {"serial", ts}}));
    }
    return events;
  }
  static Json event(const char* type, const std::string& time, Json more) {
    more.update({{"type", type}, {"machine", "M1"}, {"ts", "2025-01-06T" + time + ":00+01:00"}});
    return more;
  }
  /// All that is kept but for what was refused, and that does not change by the clock.
  std::string what_is_kept() {
    const std::string range = "from=2025-01-06T00:00:00Z&to=2025-01-07T00:00:00Z";
    std::string kept;
    for (const std::string& target :
         {"/v1/oee?grain=hour&group=machine&" + range, "/v1/timeline?machine=M1&" + range,
          "/v1/series?machine=M1&tag=load&" + range, "/v1/series?machine=M1&tag=text&" + range,
          "/v1/quality?machine=M1&characteristic=diameter&" + range,
          "/v1/quality?machine=M2&characteristic=diameter&" + range, "/v1/series?machine=M2&tag=load&" + range,
          "/v1/schedule?" + range, "/v1/kpis?" + range, std::string{"/v1/plant"}, std::string{"/v1/audit"},
          std::string{"/v1/tokens"}})
      kept += client_.json(target).dump() + '\n';
    return kept;
  }

  TemporaryFolder folder_;
  RunningServer server_{folder_, kPlant};
  Client client_{server_};
};

TEST_F(ApiUnderFire, AnswersAndKeepsWhatItHas) {
  const std::vector<Operation> operations = operations_of(client_.json("/openapi.json"));
  const RequestMaker maker{operations, format_time(Clock::system().now())};
  const std::string before = what_is_kept();
  const bool soak = std::getenv("TAKT_SOAK") != nullptr;
  const std::uint64_t first = number_given("TAKT_FIRST_SEED", soak ? std::random_device{}() : 1);
  const std::uint64_t end = first + number_given("TAKT_SEEDS", soak ? kRequestsOfASoak : kRequests);
  std::set<int> seen;
  std::set<std::string> granted;
  auto connection = std::make_unique<RawClient>(server_.port());
  int faults = 0;
  for (std::uint64_t seed = first; seed < end && faults < 20; ++seed) {
    const Sent sent = maker.make(seed);
    connection->send(sent.bytes);
    const RawAnswer answer = connection->read_answer(sent.method == "HEAD");
    const std::string fault = fault_of(answer, sent);
    if (!fault.empty()) {
      ++faults;
      ADD_FAILURE() << fault << "\nof seed " << seed << ": " << shown(sent.bytes)
                    << "\nanswered: " << shown(answer.head) << shown(answer.body);
    }
    seen.insert(answer.status);
    if (answer.status < 300 && sent.operation.starts_with(sent.method + ' ')) granted.insert(sent.operation);
    const bool streams = answer.header("Content-Type") == "text/event-stream";
    if (streams || answer.status == 0 || answer.header("Connection") == "close")
      connection = std::make_unique<RawClient>(server_.port());
  }
  EXPECT_EQ(client_.get("/healthz").status, 200);
  EXPECT_EQ(what_is_kept(), before);
  EXPECT_EQ(server_.stop(), 0);
  EXPECT_EQ(run_takt({"verify", "--data", folder_.data().string()}).status, 0);
  if (end - first < kRequests) return;
  for (const int status : {200, 204, 400, 404, 405, 414}) EXPECT_TRUE(seen.contains(status)) << status;
  // What would change what is kept has no good body here.
  const std::set<std::string> never = {"POST /v1/alerts/acknowledge", "POST /v1/backup", "POST /v1/session",
                                       "POST /v1/tokens", "POST /v1/tokens/revoke"};
  for (const Operation& operation : operations) {
    const std::string name = operation.method + ' ' + operation.path;
    EXPECT_TRUE(granted.contains(name) || never.contains(name))
        << name << " was always refused: that tests little";
  }
}

}  // namespace
}  // namespace takt::test
