#include "server/http/http_server.h"

#include "server/http/content_coding.h"
#include "server/http/router.h"
#include "tests/http/raw_client.h"

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

namespace takt {
namespace {

constexpr std::size_t kHugeBytes = std::size_t{64} << 20;  // no socket buffers hold it

using namespace std::chrono_literals;
using test::get;
using test::post;
using test::RawAnswer;
using test::RawClient;
using testing::HasSubstr;
using testing::StartsWith;

// Answers that the test gives by hand.
class Pending {
 public:
  void put(Responder responder) {
    const std::lock_guard lock(mutex_);
    responders_.push_back(std::move(responder));
    arrived_.notify_all();
  }
  Responder take() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !responders_.empty(); });
    Responder first = std::move(responders_.front());
    responders_.erase(responders_.begin());
    return first;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Responder> responders_;
};

// Handlers on threads of their own that end when they are cancelled, or when the test has failed.
class LongWork {
 public:
  void begin(HttpRequest request, Responder responder) {
    const std::lock_guard begins(mutex_);
    threads_.emplace_back([this, request = std::move(request), r = std::move(responder)]() mutable {
      std::unique_lock lock(mutex_);
      ++begun_;
      changed_.notify_all();
      changed_.wait_for(lock, request.cancelled, kPatience, [] { return false; });
      if (request.cancelled.stop_requested()) ++cancelled_;
      changed_.notify_all();
      r.send({503, "text/plain", "given up"});
    });
  }
  bool has_begun() { return wait_for(begun_); }
  bool is_cancelled() { return wait_for(cancelled_); }

 private:
  static constexpr auto kPatience = 20s;
  bool wait_for(const int& count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return count > 0; });
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  int begun_ = 0, cancelled_ = 0;
  std::vector<std::jthread> threads_;
};

class Http : public testing::Test {
 protected:
  std::unique_ptr<HttpServer> serve(HttpOptions options = {}) {
    Router router;
    router.get("/hello", [](HttpRequest, Responder r) { r.send({200, "text/plain", "hello"}); });
    router.get("/echo", [](HttpRequest q, Responder r) {
      r.send({200, "text/plain", q.path + "|" + std::string(q.query.get("a").value_or("-")) + "|" + q.remote});
    });
    router.post("/echo", [](HttpRequest q, Responder r) { r.send({200, "text/plain", std::move(q.body)}); });
    router.post("/size", [](HttpRequest q, Responder r) {
      r.send({200, "text/plain", std::to_string(q.body.size())});
    });
    router.get("/big", [](HttpRequest, Responder r) {
      r.send({200, "application/json", std::string(100'000, 'x')});
    });
    router.get("/huge", [](HttpRequest, Responder r) {
      r.send({200, "text/plain", std::string(kHugeBytes, 'x')});
    });
    router.get("/packed", [](HttpRequest, Responder r) {
      r.send(
          {200, "text/html", gzip(std::string(50'000, 'p')), {{"Content-Encoding", "gzip"}, {"ETag", "\"1\""}}});
    });
    router.get("/split", [](HttpRequest, Responder r) {
      r.send({200, "text/plain", "x", {{"X-A", "1\r\nX-B: 2"}}});
    });
    router.get("/throw", [](HttpRequest, Responder) { throw std::runtime_error("secret of the handler"); });
    router.get("/forget", [](HttpRequest, Responder) {});
    router.get("/later", [this](HttpRequest, Responder r) { pending_.put(std::move(r)); });
    router.get("/long", [this](HttpRequest q, Responder r) { long_work_.begin(std::move(q), std::move(r)); });
    router.get("/events", [this](HttpRequest, Responder r) { pending_.put(std::move(r)); });
    auto server = HttpServer::listen({"127.0.0.1", 0}, options, std::move(router));
    EXPECT_TRUE(server) << server.error().context;
    return std::move(server.value());
  }

  Pending pending_;  // outlives every server
  LongWork long_work_;
};

// A client's leaving is noticed at once, even if it may have shut down its side only.
HttpOptions attentive() {
  HttpOptions options;
  options.presence_interval = options.half_close_patience = 1ms;
  return options;
}

TEST_F(Http, AnswersWithItsStandardHeaders) {
  const auto server = serve();
  RawClient client(server->port());
  const RawAnswer answer = client.ask(get("/hello"));
  EXPECT_THAT(answer.head, StartsWith("HTTP/1.1 200 OK\r\nServer: takt\r\nDate: "));
  EXPECT_EQ(answer.header("Content-Length"), "5");
  EXPECT_EQ(answer.header("Content-Type"), "text/plain");
  EXPECT_EQ(answer.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(answer.header("Connection"), "");
  EXPECT_EQ(answer.body, "hello");
}

TEST_F(Http, KeepsTheConnectionForManyRequests) {
  const auto server = serve();
  RawClient client(server->port());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.ask(post("/echo", std::to_string(i))).body, std::to_string(i));
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(Http, DecodesPathAndQuery) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_THAT(client.ask(get("/%65cho?a=b%26c")).body, StartsWith("/echo|b&c|127.0.0.1:"));
  EXPECT_THAT(client.ask(get("http://other/echo?a=1")).body, StartsWith("/echo|1|"));
}

TEST_F(Http, AnswersAPipelineInItsOrder) {
  const auto server = serve();
  RawClient client(server->port());
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += post("/echo", std::to_string(i)) + "\r\n";  // one line break too many
  client.send(requests + get("/later") + get("/hello"));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(client.read_answer().body, std::to_string(i));
  pending_.take().send({200, "text/plain", "at last"});
  EXPECT_EQ(client.read_answer().body, "at last");
  EXPECT_EQ(client.read_answer().body, "hello");
}

TEST_F(Http, AcceptsARequestByteByByte) {
  const auto server = serve();
  RawClient client(server->port());
  for (const char c : post("/echo", "drop by drop")) client.send({&c, 1});
  EXPECT_EQ(client.read_answer().body, "drop by drop");
}

TEST_F(Http, SpeaksHttp10) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_EQ(client.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").header("Connection"),
            "keep-alive");
  EXPECT_EQ(client.ask("GET /hello HTTP/1.0\r\n\r\n").header("Connection"), "close");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(Http, ClosesWhenAsked) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get("/hello", "Connection: close\r\n")).header("Connection"), "close");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(Http, ReadsChunkedBodies) {
  const auto server = serve();
  RawClient client(server->port());
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(client.ask(head + "5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n").body,
            "hello world");
  EXPECT_EQ(client.ask(head + "0\r\n\r\n").body, "");
  EXPECT_EQ(client.ask(head + "zz\r\nhello\r\n").status, 400);
}

TEST_F(Http, BoundsEndlessTrailers) {
  const auto server = serve();
  RawClient client(server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ");
  EXPECT_EQ(client.ask(std::string(200'000, 'x')).status, 431);
}

TEST_F(Http, InvitesTheBodyOfA100Continue) {
  const auto server = serve();
  RawClient client(server->port());
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(client.read_past("HTTP/1.1 100 Continue\r\n\r\n"));
  EXPECT_EQ(client.ask("body").body, "body");
}

TEST_F(Http, RefusesA100ContinueThatIsTooLarge) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_EQ(
      client.ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
          .status,
      413);
}

TEST_F(Http, DecodesGzipAndZstd) {
  const auto server = serve();
  RawClient client(server->port());
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i * 7919);
  EXPECT_EQ(client.ask(post("/echo", gzip(text), "Content-Encoding: gzip\r\n")).body, text);
  EXPECT_EQ(client.ask(post("/echo", gzip("two ") + gzip("members"), "Content-Encoding: x-gzip\r\n")).body,
            "two members");
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  EXPECT_EQ(client.ask(post("/echo", packed, "Content-Encoding: zstd\r\n")).body, text);
  packed.resize(packed.size() - 1);
  EXPECT_EQ(client.ask(post("/echo", packed, "Content-Encoding: zstd\r\n")).status, 400);
}

TEST_F(Http, RefusesBrokenAndTruncatedGzip) {
  const auto server = serve();
  const std::string packed = gzip(std::string(10'000, 'a') + "tail");
  for (const std::string& body :
       {packed.substr(0, packed.size() - 1), packed.substr(0, 5), std::string("plain text"), packed + "!"}) {
    RawClient client(server->port());
    const RawAnswer answer = client.ask(post("/echo", body, "Content-Encoding: gzip\r\n"));
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(client.read_all(), "");
  }
}

TEST_F(Http, StopsADecompressionBombAtTheLimit) {
  HttpOptions options;
  options.max_body_bytes = 1 << 20;
  const auto server = serve(options);
  const std::string bomb = gzip(std::string((1 << 20) + 1, '0'));
  const std::string fits = gzip(std::string(1 << 20, '0'));
  RawClient client(server->port());
  EXPECT_EQ(client.ask(post("/size", fits, "Content-Encoding: gzip\r\n")).body, "1048576");
  EXPECT_EQ(client.ask(post("/size", bomb, "Content-Encoding: gzip\r\n")).status, 413);
}

TEST_F(Http, RefusesUnknownEncodings) {
  const auto server = serve();
  RawClient client(server->port());
  const RawAnswer answer = client.ask(post("/echo", "x", "Content-Encoding: br\r\n"));
  EXPECT_EQ(answer.status, 415);
  EXPECT_EQ(answer.header("Accept-Encoding"), "gzip, zstd");
  RawClient second(server->port());
  EXPECT_EQ(second.ask("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip, chunked\r\n\r\n").status, 501);
}

TEST_F(Http, TellsATooLargeBodyEvenWhileItIsSent) {
  HttpOptions options;
  options.max_body_bytes = 1000;
  const auto server = serve(options);
  RawClient announced(server->port());
  EXPECT_EQ(announced.ask(post("/size", std::string(8 << 20, 'x'))).status, 413);
  RawClient chunked(server->port());
  chunked.send("POST /size HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(chunked.ask("800000\r\n" + std::string(8 << 20, 'x')).status, 413);
}

TEST_F(Http, TakesABodyOfTheWholeLimit) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_EQ(client.ask(post("/size", std::string(kHugeBytes, 'x'))).body, "67108864");
}

TEST_F(Http, BoundsTheBodiesOfAllRequestsTogether) {
  HttpOptions options;
  options.max_bodies_bytes = 1000;
  const auto server = serve(options);
  RawClient client(server->port());
  // More than there is room for is taken of one request at a time, or none might ever get through.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask(post("/size", std::string(1500, 'x'))).status, 200);
  const std::string long_one = post("/size", std::string(3000, 'x'));
  ASSERT_TRUE(client.send(std::string_view{long_one}.substr(0, long_one.size() - 1)));
  const auto ask = [&] {
    RawClient another(server->port());
    return another.ask(post("/size", std::string(1001, 'x')));
  };
  RawAnswer answer = ask();
  while (answer.status == 200) answer = ask();  // until the long one is read
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  ASSERT_TRUE(client.send(std::string_view{long_one}.substr(long_one.size() - 1)));
  EXPECT_EQ(client.read_answer().status, 200);
  while (ask().status != 200) continue;  // until its room is given back
}

TEST_F(Http, RefusesLongUrlsAndHeaders) {
  const auto server = serve();
  for (const std::size_t length : {8'200U, 15'000U, 100'000U}) {
    RawClient client(server->port());
    EXPECT_EQ(client.ask(get("/" + std::string(length, 'u'))).status, 414) << length;
  }
  for (const std::size_t length : {17'000U, 200'000U}) {
    RawClient client(server->port());
    EXPECT_EQ(client.ask(get("/hello", "X-Long: " + std::string(length, 'h') + "\r\n")).status, 431) << length;
  }
}

TEST_F(Http, RefusesWhatIsNoRequest) {
  const auto server = serve();
  for (const std::string& bytes :
       {std::string("\x16\x03\x01 nonsense\r\n\r\n"), std::string("GET /hello HTTP/3.0\r\nHost: t\r\n\r\n"),
        std::string("GET /hello\r\n\r\n"), std::string("GET /hello HTTP/1.1\r\n\r\n"), get("/%zz"),
        get("/hello?a=%4"), get("/hello", "no colon\r\n"), get("/hello", "Content-Length: -1\r\n"),
        get("/hello", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
        get("/hello", "Content-Length: 1\r\nContent-Length: 2\r\n")}) {
    RawClient client(server->port());
    const RawAnswer answer = client.ask(bytes);
    EXPECT_EQ(answer.status, 400) << bytes;
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_EQ(client.read_all(), "");
  }
}

TEST_F(Http, RoutesByPathAndMethod) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get("/nowhere")).status, 404);
  const RawAnswer refused = client.ask("DELETE /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("Allow"), "OPTIONS, GET, HEAD, POST");
  const RawAnswer options = client.ask("OPTIONS /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("Allow"), "OPTIONS, GET, HEAD, POST");
  EXPECT_EQ(options.header("Content-Length"), "");
  EXPECT_EQ(client.ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n").status, 204);
}

TEST_F(Http, AnswersHeadWithoutABody) {
  const auto server = serve();
  RawClient client(server->port());
  client.send("HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n");
  const RawAnswer head = client.read_answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("Content-Length"), "5");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST_F(Http, PacksLargeAnswersForThoseWhoAcceptIt) {
  const auto server = serve();
  RawClient client(server->port());
  const RawAnswer packed = client.ask(get("/big", "Accept-Encoding: br, gzip\r\n"));
  EXPECT_EQ(packed.header("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.header("Vary"), "Accept-Encoding");
  EXPECT_EQ(test::gunzip(packed.body), std::string(100'000, 'x'));
  const RawAnswer plain = client.ask(get("/big"));
  EXPECT_EQ(plain.header("Content-Encoding"), "");
  EXPECT_EQ(plain.body.size(), 100'000U);
  EXPECT_EQ(client.ask(get("/hello", "Accept-Encoding: gzip\r\n")).body, "hello");
  const RawAnswer own = client.ask(get("/packed", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(test::gunzip(own.body), std::string(50'000, 'p'));
  EXPECT_EQ(own.header("ETag"), "\"1\"");
}

TEST_F(Http, SendsNoHeaderThatWouldSplitTheAnswer) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get("/split")).head.find("X-"), client.ask(get("/hello")).head.find("X-"));
  EXPECT_EQ(client.ask(get("/split")).head.find("X-B"), std::string::npos);
}

TEST_F(Http, SurvivesHandlersThatThrowOrForget) {
  const auto server = serve();
  RawClient client(server->port());
  for (const char* path : {"/throw", "/forget"}) {
    const RawAnswer answer = client.ask(get(path));
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
    EXPECT_THAT(answer.body, testing::Not(HasSubstr("secret")));
  }
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

TEST_F(Http, TakesAnswersFromOtherThreads) {
  const auto server = serve();
  std::jthread worker([this] {
    for (int i = 0; i < 400; ++i) pending_.take().send({200, "text/plain", "from afar"});
  });
  std::vector<std::jthread> clients;
  for (int c = 0; c < 4; ++c)
    clients.emplace_back([&] {
      RawClient client(server->port());
      for (int i = 0; i < 100; ++i) EXPECT_EQ(client.ask(get("/later")).body, "from afar");
    });
}

TEST_F(Http, ForgivesAnAnswerAfterTheClientHasLeftOrTheServerIsGone) {
  auto server = serve();
  { RawClient(server->port()).send(get("/later")); }
  pending_.take().send({200, "text/plain", std::string(1 << 20, 'x')});
  RawClient client(server->port());
  client.send(get("/later"));
  Responder late = pending_.take();
  server.reset();
  EXPECT_EQ(client.read_answer().status, 0);
  EXPECT_TRUE(late.stream()->closed());
  late.send({200, "text/plain", "twice"});
}

TEST_F(Http, AnswersHalfClosedClients) {
  const auto server = serve();
  RawClient whole(server->port());
  whole.send(get("/later"));
  whole.end_output();
  pending_.take().send({200, "text/plain", std::string(100'000, 'x')});
  EXPECT_EQ(whole.read_answer().body.size(), 100'000U);
  EXPECT_EQ(whole.read_all(), "");
  RawClient cut(server->port());
  cut.send(post("/echo", "whole body").substr(0, 60));
  cut.end_output();
  EXPECT_EQ(cut.read_answer().status, 400);
  RawClient silent(server->port());
  silent.end_output();
  EXPECT_EQ(silent.read_all(), "");
}

TEST_F(Http, CancelsTheRequestOfAClientThatLeaves) {
  const auto server = serve(attentive());
  {
    RawClient client(server->port());
    client.send(get("/long"));
    ASSERT_TRUE(long_work_.has_begun());
    EXPECT_EQ(server->cancelled_requests(), 0U);
  }
  EXPECT_TRUE(long_work_.is_cancelled());
  while (server->connections() > 0) std::this_thread::yield();
  EXPECT_EQ(server->cancelled_requests(), 1U);
}

TEST_F(Http, CancelsTheRequestOfAResetConnectionWithoutPatience) {
  HttpOptions options = attentive();
  options.half_close_patience = 1h;
  const auto server = serve(options);
  {
    RawClient client(server->port());
    client.send(get("/hello") + get("/long"));
    ASSERT_TRUE(long_work_.has_begun());
  }  // closed with an answer unread, the connection is reset
  EXPECT_TRUE(long_work_.is_cancelled());
}

TEST_F(Http, TakesThePipelinesNextRequestsForNoLeaving) {
  const auto server = serve(attentive());
  RawClient client(server->port());
  client.send(get("/later"));
  Responder responder = pending_.take();
  client.send(get("/hello") + post("/echo", std::string(100'000, 'x')));
  std::this_thread::sleep_for(20ms);  // for it to be mistaken
  responder.send({200, "text/plain", "after a while"});
  EXPECT_EQ(client.read_answer().body, "after a while");
  EXPECT_EQ(client.read_answer().body, "hello");
  EXPECT_EQ(client.read_answer().body.size(), 100'000U);
  EXPECT_EQ(server->cancelled_requests(), 0U);
}

TEST_F(Http, NoticesThatAClientLeftBehindItsPipeline) {
  const auto server = serve(attentive());
  RawClient client(server->port());
  client.send(get("/long"));
  ASSERT_TRUE(long_work_.has_begun());
  client.send(get("/hello") + get("/hello"));
  client.end_output();
  EXPECT_TRUE(long_work_.is_cancelled());
  EXPECT_EQ(client.read_answer().status, 503);  // it had shut down its side only, and still reads
  EXPECT_EQ(client.read_answer().body, "hello");
  EXPECT_EQ(client.read_answer().body, "hello");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(Http, ClosesIdleConnectionsWithoutAWord) {
  HttpOptions options;
  options.idle_timeout = 50ms;
  const auto server = serve(options);
  RawClient silent(server->port());
  EXPECT_EQ(silent.read_all(), "");
  RawClient used(server->port());
  EXPECT_EQ(used.ask(get("/hello")).status, 200);
  EXPECT_EQ(used.read_all(), "");
}

TEST_F(Http, RefusesSlowHeadersAndBodies) {
  HttpOptions options;
  options.header_timeout = 50ms;
  options.progress_timeout = 50ms;
  const auto server = serve(options);
  RawClient header(server->port());
  EXPECT_EQ(header.ask("GET /hello HTTP/1.1\r\nHo").status, 408);
  EXPECT_EQ(header.read_all(), "");
  RawClient body(server->port());
  EXPECT_EQ(body.ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n12345").status, 408);
}

TEST_F(Http, RefusesWhatComesDropByDrop) {
  HttpOptions options;
  options.header_timeout = options.progress_timeout = options.linger_timeout = 50ms;
  const auto server = serve(options);
  const std::string drops(4000, 'x');
  for (const std::string& begun :
       {std::string{"GET /hello HTTP/1.1\r\nHost: t\r\nX-Slow: "},
        std::string{"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4000\r\n\r\n"}}) {
    RawClient client(server->port());
    ASSERT_TRUE(client.send(begun));
    std::size_t sent = 0;
    while (sent < drops.size() && client.send(drops.substr(sent, 1))) {
      ++sent;
      std::this_thread::sleep_for(2ms);
    }
    EXPECT_LT(sent, drops.size()) << "each drop would have given it more time: " << begun;
  }
}

TEST_F(Http, WaitsForSlowHandlersLongerThanForSlowClients) {
  HttpOptions options;
  options.idle_timeout = options.header_timeout = options.progress_timeout = 20ms;
  const auto server = serve(options);
  RawClient waiting(server->port());
  waiting.send(get("/later"));
  Responder responder = pending_.take();
  EXPECT_EQ(RawClient(server->port()).read_all(), "");  // an idle one came and was closed meanwhile
  responder.send({200, "text/plain", "patience"});
  EXPECT_EQ(waiting.read_answer().body, "patience");
}

TEST_F(Http, CutsOffAClientThatDoesNotRead) {
  HttpOptions options;
  options.progress_timeout = 50ms;
  const auto server = serve(options);
  RawClient stuck(server->port(), 4096);
  stuck.send(get("/huge"));
  ASSERT_TRUE(stuck.read_past("200"));  // it is being answered
  while (server->connections() > 0) std::this_thread::yield();
  EXPECT_LT(stuck.read_all().size(), kHugeBytes);
}

TEST_F(Http, ClosesTheLongestIdleWhenItIsFull) {
  HttpOptions options;
  options.max_connections = 20;
  const auto server = serve(options);
  RawClient busy(server->port());
  busy.send(get("/later"));
  Responder responder = pending_.take();
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 60; ++i) {
    idle.push_back(std::make_unique<RawClient>(server->port()));
    EXPECT_EQ(idle.back()->ask(get("/hello")).status, 200);
  }
  EXPECT_LE(server->connections(), 20U);
  EXPECT_EQ(idle.front()->read_all(), "");
  responder.send({200, "text/plain", "still here"});
  EXPECT_EQ(busy.read_answer().body, "still here");
}

TEST_F(Http, StreamsEvents) {
  const auto server = serve();
  RawClient client(server->port());
  client.send(get("/events"));
  auto stream = pending_.take().stream();
  EXPECT_TRUE(stream->push("state", "{\"a\":1}", "7"));
  EXPECT_TRUE(stream->push("two\nlines", "first\r\nsecond\n"));
  std::string head;
  ASSERT_TRUE(client.read_past("\r\n\r\n", &head));
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
  std::string events;
  ASSERT_TRUE(client.read_past("data: second\ndata: \n\n", &events));
  EXPECT_EQ(events, "id: 7\nevent: state\ndata: {\"a\":1}\n\nevent: two\ndata: first\ndata: second\ndata: \n\n");
  stream->push("last", "words");
  stream.reset();
  EXPECT_EQ(client.read_all(), "event: last\ndata: words\n\n");
}

TEST_F(Http, SendsHeartbeatsOnQuietStreams) {
  HttpOptions options;
  options.heartbeat_interval = 10ms;
  options.idle_timeout = 5ms;
  const auto server = serve(options);
  RawClient client(server->port());
  client.send(get("/events"));
  const auto stream = pending_.take().stream();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(client.read_past(":\n\n"));
  EXPECT_TRUE(stream->push("state", "alive"));
  EXPECT_TRUE(client.read_past("data: alive\n\n"));
}

TEST_F(Http, NoticesThatAStreamsClientLeft) {
  HttpOptions options;
  options.heartbeat_interval = 10ms;
  const auto server = serve(options);
  std::promise<void> closed;
  std::shared_ptr<EventStream> stream;
  {
    RawClient client(server->port());
    client.send(get("/events"));
    stream = pending_.take().stream();
    stream->on_close([&] { closed.set_value(); });
    ASSERT_TRUE(client.read_past("\r\n\r\n"));
  }
  closed.get_future().wait();
  EXPECT_TRUE(stream->closed());
  EXPECT_FALSE(stream->push("state", "x"));
  bool called = false;
  stream->on_close([&] { called = true; });
  EXPECT_TRUE(called);
}

TEST_F(Http, DropsASlowStreamAndServesTheOthers) {
  HttpOptions options;
  options.stream_queue_bytes = 64 * 1024;
  const auto server = serve(options);
  RawClient slow(server->port(), 4096);
  slow.send(get("/events"));
  const auto slow_stream = pending_.take().stream();
  std::promise<void> dropped;
  slow_stream->on_close([&] { dropped.set_value(); });
  RawClient quick(server->port());
  quick.send(get("/events"));
  const auto quick_stream = pending_.take().stream();
  const std::string data(10'000, 'd');
  while (slow_stream->push("state", data)) {
  }
  dropped.get_future().wait();
  EXPECT_TRUE(quick_stream->push("state", "for the quick"));
  EXPECT_TRUE(quick.read_past("data: for the quick\n\n"));
}

TEST_F(Http, DrainsWhatIsInFlight) {
  const auto server = serve();
  RawClient busy(server->port());
  busy.send(get("/later"));
  Responder responder = pending_.take();
  RawClient idle(server->port());
  EXPECT_EQ(idle.ask(get("/hello")).status, 200);
  RawClient listener(server->port());
  listener.send(get("/events"));
  const auto stream = pending_.take().stream();
  stream->push("state", "before the end");
  auto drained = std::async(std::launch::async, [&] { return server->drain(10s); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_THAT(listener.read_all(), HasSubstr("data: before the end\n\n"));
  EXPECT_TRUE(stream->closed());
  responder.send({200, "text/plain", "the last answer"});
  const RawAnswer last = busy.read_answer();
  EXPECT_EQ(last.body, "the last answer");
  EXPECT_EQ(last.header("Connection"), "close");
  EXPECT_TRUE(drained.get());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(Http, AsksForLastWordsBeforeItCutsOff) {
  HttpOptions options;
  options.last_words = 20s;  // of as much patience: at once
  const auto server = serve(options);
  RawClient client(server->port());
  client.send(get("/long"));
  ASSERT_TRUE(long_work_.has_begun());
  bool given_up = false;
  EXPECT_TRUE(server->drain(20s, [&] { given_up = true; }));
  EXPECT_TRUE(given_up);
  EXPECT_EQ(client.read_answer().status, 503);
}

TEST_F(Http, DrainsNoLongerThanItsPatience) {
  auto server = serve();
  RawClient client(server->port());
  client.send(get("/later"));
  Responder never = pending_.take();
  EXPECT_FALSE(server->drain(10ms));
  EXPECT_EQ(client.read_answer().status, 0);
  server.reset();
}

TEST_F(Http, FreesThePortWhenItStopsAccepting) {
  const auto server = serve();
  RawClient client(server->port());
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
  server->stop_accepting();
  const auto next = HttpServer::listen({"127.0.0.1", server->port()}, {}, Router());
  EXPECT_TRUE(next) << next.error().context;
  EXPECT_EQ(client.ask(get("/hello")).status, 200);
}

TEST_F(Http, SaysWhatIsWrongWithAnAddress) {
  const auto server = serve();
  const auto taken = HttpServer::listen({"127.0.0.1", server->port()}, {}, Router());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::conflict);
  EXPECT_THAT(taken.error().context, HasSubstr("port is in use"));
  const auto foreign = HttpServer::listen({"192.0.2.1", 0}, {}, Router());
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(HttpServer::listen({"no address", 0}, {}, Router()).error().code, ErrorCode::invalid_argument);
}

TEST(ListenAddress, IsParsed) {
  EXPECT_EQ(ListenAddress::parse("[::1]:8080")->host, "::1");
  EXPECT_EQ(ListenAddress::parse("[::1]:8080")->to_string(), "[::1]:8080");
  EXPECT_EQ(ListenAddress::parse(":80")->to_string(), "127.0.0.1:80");
  EXPECT_EQ(ListenAddress::parse("localhost:0")->port, 0);
  for (const char* text :
       {"", "8080", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "::1:80", "[::1]", "plant:80"})
    EXPECT_FALSE(ListenAddress::parse(text)) << text;
}

TEST(HttpOverIpv6, ListensOnTheLoopbackAddress) {
  const auto server = HttpServer::listen({"::1", 0}, {}, Router());
  if (!server && server.error().code == ErrorCode::invalid_argument) GTEST_SKIP() << "no IPv6 on this machine";
  ASSERT_TRUE(server) << server.error().context;
  EXPECT_NE((*server)->port(), 0);
}

}  // namespace
}  // namespace takt
