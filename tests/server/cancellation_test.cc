// Queries over real sockets whose client leaves. The one thread for long queries is held until the server has
// noticed, so no test depends on which of both is quicker.
#include "server/alerts/alert_book.h"
#include "server/api/front.h"
#include "tests/engine/engine_store.h"
#include "tests/http/raw_client.h"

#include <chrono>
#include <future>
#include <thread>

#include <gmock/gmock.h>

namespace takt {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::RawClient;
using testing::HasSubstr;
constexpr Timestamp kMonday = from_micros(1'767'571'200'000'000);  // 2026-01-05

class CancelledQuery : public testing::Test {
 protected:
  CancelledQuery() {
    for (int i = 0; i < 10; ++i) engine_.commit({reading("M1", "t", kMonday + 1s * i, i)});
    EXPECT_TRUE(engine_.store->seal());
    HttpOptions options;
    options.presence_interval = options.half_close_patience = 1ms;
    auto server = HttpServer::listen({"127.0.0.1", 0}, options, [this](HttpRequest request, Responder responder) {
      router_(std::move(request), std::move(responder));
    });
    EXPECT_TRUE(server) << server.error().context;
    server_ = std::move(*server);
    api_ =
        std::make_unique<Api>(Api{*engine_.store, ingestor_, *exporter_, live_, *tokens_, gate_, front_, *alerts_,
                                  workers_, scanners_, *server_, std::chrono::steady_clock::now(), stopping_});
    for (const Route& route : query_routes()) {
      router_.add(std::string{route.method}, std::string{route.path},
                  [this, handle = route.handle](HttpRequest request, Responder responder) {
                    handle(*api_, request, std::move(responder));
                  });
    }
    scanners_.run([this] { held_.get_future().wait(); });
  }
  ~CancelledQuery() override { server_.reset(); }

  void wait_until_cancelled(std::uint64_t count) {
    while (server_->cancelled_requests() < count) std::this_thread::sleep_for(1ms);
  }
  void let_the_queries_run() { held_.set_value(); }

  EngineStore engine_{kMonday + 24h};
  Ingestor ingestor_{*engine_.store};
  std::unique_ptr<Exporter> exporter_ = *Exporter::open(*engine_.store, {});
  LiveHub live_{*engine_.store};
  std::unique_ptr<AlertBook> alerts_{
      std::move(*AlertBook::open(*engine_.store, ingestor_, *exporter_, std::nullopt))};
  std::unique_ptr<TokenBook> tokens_{std::move(*TokenBook::open(*engine_.store))};
  Gate gate_{*engine_.store, *tokens_};
  ApiFront front_{gate_, {.query_timeout = 0ms}};
  std::promise<void> held_;
  std::atomic<bool> stopping_{false};
  Router router_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  WorkerPool workers_{1}, scanners_{1};  // end before what their tasks use
};

// A client that has shut down its side still hears what became of its request, so the test can, too.
TEST_F(CancelledQuery, IsGivenUpInsteadOfScanned) {
  const std::string range = "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z";
  const std::string years = "from=2016-01-01T00:00:00Z&to=2026-01-05T00:00:00Z";
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const std::string& request : {
           get("/v1/series?machine=M1&tag=t&" + range),
           get("/v1/series?machine=M1&tag=t&step=1s&" + range),
           get("/v1/series?machine=M1&tag=t&" + range, "Accept: text/csv\r\n"),
           get("/v1/oee?grain=hour&" + years),
       }) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->send(request);
    clients.back()->end_output();
  }
  wait_until_cancelled(clients.size());
  let_the_queries_run();
  for (const auto& client : clients) {
    const test::RawAnswer answer = client->read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr("given up"));
  }
  EXPECT_THAT(metrics(*api_), HasSubstr("takt_http_requests_cancelled_total 4\n"));
}

TEST_F(CancelledQuery, DoesNotHoldTheNextOne) {
  { RawClient(server_->port()).send(get("/v1/series?machine=M1&tag=t")); }
  wait_until_cancelled(1);
  RawClient stays(server_->port());
  stays.send(
      get("/v1/series?machine=M1&tag=t&from=2026-01-05T00:00:00Z&to=2026-01-06T00:00:00Z&agg=count&step=1d"));
  let_the_queries_run();
  const test::RawAnswer answer = stays.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("[\"2026-01-05T00:00:00Z\",10]"));
}

TEST_F(CancelledQuery, IsOneThatIsCutOffWhenTheServerStops) {
  RawClient client(server_->port());
  client.send(get("/v1/series?machine=M1&tag=t"));
  while (server_->connections() == 0) std::this_thread::yield();
  EXPECT_FALSE(server_->drain(20ms));
  wait_until_cancelled(1);
  let_the_queries_run();
  EXPECT_EQ(client.read_answer().status, 0);
}

// What can be answered at once is, whoever holds the threads for long queries.
TEST_F(CancelledQuery, IsNotWaitedForByShortOnes) {
  RawClient client(server_->port());
  EXPECT_EQ(client.ask(get("/v1/oee?grain=hour")).status, 200);
  EXPECT_EQ(client.ask(get("/v1/oee/current")).status, 200);
  let_the_queries_run();
}

}  // namespace
}  // namespace takt
