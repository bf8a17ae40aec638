// What every answer of the API has in common: its form, its tag, its pages, its limits. Over real sockets.
#include "server/api/front.h"
#include "server/access/request_rate.h"
#include "server/alerts/alert_book.h"
#include "server/api/answer_form.h"
#include "tests/engine/engine_store.h"
#include "tests/http/raw_client.h"

#include <chrono>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace takt {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::RawAnswer;
using test::RawClient;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;
constexpr Timestamp kMonday = from_micros(1'767'571'200'000'000);  // 2026-01-05
const std::string kDay = "from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z";

class Front : public testing::Test {
 protected:
  Front() {
    for (int i = 0; i < 300; ++i) {
      const Timestamp at = kMonday + 4min * i;
      engine_.commit({state("M1", at, i % 3 == 1 ? "down" : "running", i % 6 == 1 ? "FAIL" : ""),
                      count("M1", at + 1s, i % 5, i % 2), reading("M1", "t", at, i * 0.1)});
    }
  }
  ~Front() override {
    engine_.store->set_listener({});
    server_.reset();
  }

  void serve(FrontOptions options) {
    engine_.store->set_listener([this](const CommitNotice& notice) { live_.committed(notice); });
    auto server = HttpServer::listen({"127.0.0.1", 0}, {}, [this](HttpRequest request, Responder responder) {
      router_(std::move(request), std::move(responder));
    });
    ASSERT_TRUE(server) << server.error().context;
    server_ = std::move(*server);
    front_ = std::make_unique<ApiFront>(gate_, options);
    api_ =
        std::make_unique<Api>(Api{*engine_.store, ingestor_, *exporter_, live_, *tokens_, gate_, *front_, *alerts_,
                                  workers_, scanners_, *server_, std::chrono::steady_clock::now(), stopping_});
    for (const Route& route : all_routes())
      router_.add(std::string{route.method}, std::string{route.path}, front_->around(route, *api_));
  }
  void serve() { serve({.query_timeout = 0ms}); }

  RawAnswer ask(const std::string& target, const std::string& headers = {}) const {
    return RawClient(server_->port()).ask(get(target, headers));
  }
  Json json(const std::string& target) const {
    const RawAnswer answer = ask(target);
    EXPECT_EQ(answer.status, 200) << target << '\n' << answer.body;
    return Json::parse(answer.body);
  }

  EngineStore engine_{kMonday + 24h};
  Ingestor ingestor_{*engine_.store};
  std::unique_ptr<Exporter> exporter_ = *Exporter::open(*engine_.store, {});
  LiveHub live_{*engine_.store};
  std::unique_ptr<AlertBook> alerts_{
      std::move(*AlertBook::open(*engine_.store, ingestor_, *exporter_, std::nullopt))};
  std::unique_ptr<TokenBook> tokens_{std::move(*TokenBook::open(*engine_.store))};
  Gate gate_{*engine_.store, *tokens_};
  std::promise<void> held_;
  std::atomic<bool> stopping_{false};
  Router router_;
  std::unique_ptr<ApiFront> front_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  WorkerPool workers_{1}, scanners_{1};  // end before what their tasks use
};

TEST_F(Front, AnAnswerThatIsKnownIsNotSentAgain) {
  serve();
  const std::string target = "/v1/oee?grain=hour&" + kDay;
  const RawAnswer first = ask(target);
  const std::string tag = first.header("ETag");
  ASSERT_THAT(tag, MatchesRegex("W/\"[0-9a-f]{32}\""));
  EXPECT_EQ(first.header("Cache-Control"), "private, no-cache");
  for (const std::string& known : {tag, "\"x\", " + tag, tag.substr(2), std::string{"*"}}) {
    const RawAnswer again = ask(target, "If-None-Match: " + known + "\r\n");
    EXPECT_EQ(again.status, 304) << known;
    EXPECT_EQ(again.header("ETag"), tag);
    EXPECT_EQ(again.body, "");
  }
  EXPECT_EQ(ask(target, "If-None-Match: \"x\"\r\n").status, 200);
  EXPECT_EQ(ask(target + "&x=1", "If-None-Match: *\r\n").status, 400) << "a fault stays one";
  EXPECT_NE(ask(target, "Accept: text/csv\r\n").header("ETag"), tag) << "another form is another answer";

  engine_.commit({count("M1", kMonday + 1h, 7)});
  const RawAnswer changed = ask(target, "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(changed.status, 200);
  EXPECT_NE(changed.header("ETag"), tag);
}

TEST(AcceptedForm, IsTheOneLikedBest) {
  const std::vector<std::pair<std::string, AnswerForm>> all{
      {"", AnswerForm::json},
      {"*/*", AnswerForm::json},
      {"text/csv", AnswerForm::csv},
      {"TEXT/CSV; charset=utf-8", AnswerForm::csv},
      {"application/x-ndjson", AnswerForm::ndjson},
      {"application/jsonl", AnswerForm::ndjson},
      {"application/json, text/csv", AnswerForm::json},
      {"text/csv, application/json", AnswerForm::csv},
      {"application/json;q=0.5, text/csv;q=0.9", AnswerForm::csv},
      {"text/csv;q=0.1, */*", AnswerForm::json},
      {"text/csv;q=0", AnswerForm::json},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", AnswerForm::json},
      {"image/png", AnswerForm::json},
      {",;,q=,", AnswerForm::json},
  };
  for (const auto& [accept, form] : all) EXPECT_EQ(accepted_form(accept), form) << accept;
}

/// Cells of a CSV without quotes.
std::vector<std::vector<std::string>> cells(const std::string& csv) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t at = 0; at < csv.size();) {
    const std::size_t end = csv.find("\r\n", at);
    std::vector<std::string> row{""};
    for (const char c : csv.substr(at, end - at)) c == ',' ? void(row.emplace_back()) : row.back().push_back(c);
    rows.push_back(row);
    at = end + 2;
  }
  return rows;
}

// One serialisation path: the same digits in every form.
TEST_F(Front, RowsComeAsCsvAndNdjsonDigitByDigit) {
  serve();
  const std::vector<std::pair<std::string, std::string>> calls{
      {"/v1/oee?grain=hour&" + kDay, "buckets"},
      {"/v1/oee/current", "machines"},
      {"/v1/timeline?machine=M1&" + kDay, "intervals"},
      {"/v1/losses?" + kDay, "losses"},
      {"/v1/downtime/pareto?" + kDay, "items"},
      {"/v1/production?" + kDay, "items"},
      {"/v1/quality/pareto?" + kDay, "items"},
      {"/v1/kpis?" + kDay, "kpis"},
      {"/v1/reliability?" + kDay, "modes"},
      {"/v1/health", "machines"},
      {"/v1/sources", "sources"},
  };
  for (const auto& [target, rows] : calls) {
    SCOPED_TRACE(target);
    const Json whole = json(target);
    const RawAnswer lines = ask(target, "Accept: application/x-ndjson\r\n");
    EXPECT_EQ(lines.header("Content-Type"), "application/x-ndjson");
    EXPECT_EQ(lines.header("Vary"), "Accept");
    std::vector<Json> each;
    for (std::size_t at = 0; at < lines.body.size();) {
      const std::size_t end = lines.body.find('\n', at);
      each.push_back(Json::parse(lines.body.substr(at, end - at)));
      at = end + 1;
    }
    EXPECT_EQ(Json(each), whole[rows]);
    const RawAnswer csv = ask(target, "Accept: text/csv\r\n");
    EXPECT_THAT(csv.header("Content-Type"), StartsWith("text/csv"));
    if (target.find("timeline") == std::string::npos) continue;
    const auto table = cells(csv.body);
    ASSERT_EQ(table.size(), each.size() + 1);
    for (std::size_t i = 0; i < each.size(); ++i) {
      for (std::size_t k = 0; k < table[0].size(); ++k) {
        const Json& value = each[i][table[0][k]];
        EXPECT_EQ(table[i + 1][k], value.is_null()     ? ""
                                   : value.is_string() ? value.get<std::string>()
                                                       : value.dump());
      }
    }
  }
  const Json series = json("/v1/series?machine=M1&tag=t&" + kDay)["points"];
  const RawAnswer lines = ask("/v1/series?machine=M1&tag=t&" + kDay, "Accept: application/x-ndjson\r\n");
  EXPECT_THAT(lines.body, StartsWith(R"({"time":"2026-01-05T00:00:00Z","value":0})"));
  EXPECT_EQ(std::ranges::count(lines.body, '\n'), static_cast<std::ptrdiff_t>(series.size()));
  EXPECT_THAT(ask("/v1/oee?grain=day&group=machine&" + kDay, "Accept: application/x-ndjson\r\n").body,
              StartsWith(R"({"scope":"machine:M1","start":"2026-01-05T00:00:00Z")"));
  EXPECT_EQ(ask("/v1/status", "Accept: text/csv\r\n").header("Content-Type"), "application/json") << "no rows";
  EXPECT_EQ(ask("/v1/oee?from=x", "Accept: text/csv\r\n").header("Content-Type"), "application/problem+json");
}

TEST_F(Front, PagesOfAnySizeMakeTheWhole) {
  serve();
  const std::vector<std::pair<std::string, std::string>> calls{
      {"/v1/oee?grain=hour&" + kDay, "buckets"},
      {"/v1/oee?grain=shift&" + kDay, "buckets"},
      {"/v1/timeline?machine=M1&" + kDay, "intervals"},
      {"/v1/series?machine=M1&tag=t&" + kDay, "points"},
      {"/v1/series?machine=M1&tag=t&step=7m&" + kDay, "points"},
      {"/v1/series?machine=M1&tag=t&step=7m&agg=last&" + kDay, "points"},
  };
  for (const auto& [target, rows] : calls) {
    const Json whole = json(target);
    EXPECT_FALSE(whole.contains("next_cursor"));
    for (const std::size_t limit : {1UL, 7UL, whole[rows].size() - 1, whole[rows].size(), 5000UL}) {
      if (limit == 0) continue;
      SCOPED_TRACE(target + " by " + std::to_string(limit));
      Json all = Json::array();
      std::string cursor;
      do {
        const Json page =
            json(target + "&limit=" + std::to_string(limit) + (cursor.empty() ? "" : "&cursor=" + cursor));
        ASSERT_TRUE(page.contains("next_cursor"));
        ASSERT_FALSE(page[rows].empty());
        ASSERT_LE(page[rows].size(), limit);
        all.insert(all.end(), page[rows].begin(), page[rows].end());
        cursor = page["next_cursor"].is_null() ? "" : page["next_cursor"].get<std::string>();
      } while (!cursor.empty() && all.size() <= whole[rows].size());
      EXPECT_EQ(all, whole[rows]);
    }
  }
  EXPECT_EQ(ask("/v1/timeline?machine=M1&limit=2&" + kDay, "Accept: text/csv\r\n").header("Takt-Next-Cursor"),
            json("/v1/timeline?machine=M1&limit=2&" + kDay)["next_cursor"]);
  for (const char* wrong : {"limit=0", "limit=100001", "limit=x", "cursor=x", "cursor=", "limit=1&group=machine"})
    EXPECT_EQ(ask("/v1/oee?grain=hour&" + kDay + "&" + wrong).status, 400) << wrong;
}

// The one thread for long queries is held until the question's time is over, however quick this machine is.
TEST_F(Front, AQuestionThatTakesTooLongIsGivenUp) {
  serve({.query_timeout = 1ms});
  std::promise<void> overran;
  scanners_.run([&] { overran.get_future().wait(); });
  RawClient client(server_->port());
  client.send(get("/v1/series?machine=M1&tag=t&" + kDay));
  while (ask("/metrics").body.find("takt_queries_timed_out_total 1\n") == std::string::npos)
    std::this_thread::sleep_for(1ms);
  overran.set_value();
  const RawAnswer answer = client.read_answer();
  EXPECT_EQ(answer.status, 503);
  const Json problem = Json::parse(answer.body);
  EXPECT_EQ(problem["title"], "query time-out");
  EXPECT_THAT(problem["detail"].get<std::string>(), HasSubstr("0.001 s"));
}

TEST_F(Front, EveryAnswerIsGuardedAndCounted) {
  serve();
  for (const char* target : {"/v1/oee", "/v1/oee?grain=x", "/v1/nothing", "/healthz"}) {
    const RawAnswer answer = ask(target);
    EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff") << target;
    EXPECT_EQ(answer.header("X-Frame-Options"), "DENY") << target;
    EXPECT_EQ(answer.header("Referrer-Policy"), "no-referrer") << target;
    EXPECT_EQ(answer.header("Cross-Origin-Resource-Policy"), "same-origin") << target;
    EXPECT_EQ(answer.header("Content-Security-Policy"), "default-src 'none'; frame-ancestors 'none'") << target;
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "") << target;
    EXPECT_EQ(answer.header("Strict-Transport-Security"), "") << "only TLS may ask for TLS";
  }
  EXPECT_EQ(ask("/v1/oee?grain=x").header("Cache-Control"), "no-store");
  const std::string text = ask("/metrics").body;
  EXPECT_THAT(text, HasSubstr("takt_http_requests_total{method=\"GET\",path=\"/v1/oee\",code=\"2xx\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("takt_http_requests_total{method=\"GET\",path=\"/v1/oee\",code=\"4xx\"} 2\n"));
  EXPECT_THAT(text,
              HasSubstr("takt_http_request_seconds_bucket{method=\"GET\",path=\"/v1/oee\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("takt_http_request_seconds_count{method=\"GET\",path=\"/v1/oee\"} 3\n"));
  EXPECT_THAT(text, Not(HasSubstr("path=\"/v1/losses\"")));
}

TEST_F(Front, AListenerWhoComesAgainHearsWhatHeMissed) {
  serve();
  std::string id;
  {
    RawClient live(server_->port());
    live.send(get("/v1/live?scope=machine:M1"));
    ASSERT_TRUE(live.read_past("event: oee\n"));
    engine_.commit({count("M1", kMonday + 20h, 11)});
    std::string before;
    ASSERT_TRUE(live.read_past("event: count\n", &before));
    id = before.substr(before.rfind("id: ") + 4);
    id.resize(id.find('\n'));
  }
  engine_.commit({count("M1", kMonday + 20h + 1s, 22), count("M2", kMonday + 20h, 33)});
  engine_.commit({state("M1", kMonday + 21h, "setup")});
  // Another listener shows that all of it was told.
  RawClient other(server_->port());
  other.send(get("/v1/live"));
  ASSERT_TRUE(other.read_past("event: oee\n"));
  engine_.commit({count("M1", kMonday + 22h, 44)});
  ASSERT_TRUE(other.read_past("\"good\":44"));

  RawClient again(server_->port());
  again.send(get("/v1/live?scope=machine:M1", "Last-Event-ID: " + id + "\r\n"));
  std::string missed;
  ASSERT_TRUE(again.read_past("\"good\":44", &missed));
  EXPECT_THAT(missed, HasSubstr("\"good\":22"));
  EXPECT_THAT(missed, HasSubstr("event: state\n"));
  EXPECT_THAT(missed, Not(HasSubstr("\"good\":11"))) << "he has heard it";
  EXPECT_THAT(missed, Not(HasSubstr("M2"))) << "it is not in his scope";
  EXPECT_THAT(missed, Not(HasSubstr("event: gap\n")));

  for (const char* unknown : {"x", "5-0-1", "-", "99999999999999999999999"}) {
    RawClient lost(server_->port());
    lost.send(get("/v1/live?scope=machine:M1", std::string{"Last-Event-ID: "} + unknown + "\r\n"));
    std::string first;
    ASSERT_TRUE(lost.read_past("event: oee\n", &first)) << unknown;
    EXPECT_THAT(first, HasSubstr("event: gap\n")) << unknown;
  }
}

TEST_F(Front, AStreamEndsWithTheTokenThatOpenedIt) {
  serve();
  RawClient nobody(server_->port());
  nobody.send(get("/v1/live"));
  ASSERT_TRUE(nobody.read_past("event: oee\n"));
  const Author author{"test", ""};
  ASSERT_TRUE(tokens_->create({{"boss", Role::admin, {}}, {}}, author));
  const auto viewer = tokens_->create({{"wall", Role::viewer, {}}, {}}, author);
  ASSERT_TRUE(viewer) << viewer.error().context;
  nobody.read_all();  // the server ends it: from the first token on nobody listens without one
  RawClient wall(server_->port());
  wall.send(get("/v1/live", "Authorization: Bearer " + viewer->secret + "\r\n"));
  ASSERT_TRUE(wall.read_past("event: oee\n"));
  ASSERT_TRUE(tokens_->revoke(viewer->token.id, author));
  wall.read_all();
}

TEST(RequestRate, LetsTwoSecondsOfItThroughAtOnceAndThenAsMuchAsItSays) {
  RequestRate rate{10};
  const auto begin = RequestRate::Clock::now();
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += rate.admit("192.0.2.1", begin) ? 1 : 0;
  EXPECT_EQ(admitted, 20);
  EXPECT_TRUE(rate.admit("192.0.2.2", begin)) << "each has his own";
  for (int i = 0; i < 100; ++i) admitted += rate.admit("192.0.2.1", begin + 1s) ? 1 : 0;
  EXPECT_EQ(admitted, 30);
  EXPECT_TRUE(RequestRate{0}.admit("192.0.2.1", begin));
}

}  // namespace
}  // namespace takt
