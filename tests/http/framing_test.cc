// Where a request ends must be as plain to us as to the proxy before us: what could be read in two ways is refused
// and the connection closed, so that nothing behind it is taken for a request (RFC 9112 sections 2.2, 5, 6,
// 7, 11.2).
#include "server/http/http_server.h"
#include "server/http/router.h"
#include "tests/http/raw_client.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace takt {
namespace {

using namespace std::chrono_literals;
using test::get;
using test::RawAnswer;
using test::RawClient;

/// Says what it was asked: the path, then the body.
std::unique_ptr<HttpServer> echoing_server(HttpOptions options = {}) {
  Router router;
  router.get("/hello", [](const HttpRequest&, Responder r) { r.send({200, "text/plain", "hello"}); });
  router.get("/secret", [](const HttpRequest&, Responder r) { r.send({200, "text/plain", "smuggled"}); });
  router.post("/echo", [](const HttpRequest& q, Responder r) {
    r.send({200, "text/plain", q.path + '|' + q.body});
  });
  auto server = HttpServer::listen({"127.0.0.1", 0}, std::move(options), std::move(router));
  EXPECT_TRUE(server) << server.error().context;
  return std::move(server.value());
}

std::string post_with(const std::string& headers, const std::string& after = "") {
  return "POST /echo HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n" + after;
}

struct Framing {
  const char* name;
  std::string bytes;
  std::string body = {};  ///< of the answer
};

void PrintTo(const Framing& framing, std::ostream* out) { *out << framing.name; }
std::string name_of(const testing::TestParamInfo<Framing>& info) { return info.param.name; }

// ---------------------------------------- refused

class UnclearFraming : public testing::TestWithParam<Framing> {};

TEST_P(UnclearFraming, IsRefusedAndNothingBehindItIsRead) {
  const auto server = echoing_server();
  RawClient client{server->port()};
  client.send(GetParam().bytes + get("/secret"));
  const RawAnswer answer = client.read_answer();
  EXPECT_TRUE(answer.status == 400 || answer.status == 413 || answer.status == 501) << answer.head << answer.body;
  EXPECT_EQ(answer.header("Content-Type"), "application/problem+json");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(RawClient{server->port()}.ask(get("/hello")).body, "hello");
}

const std::string kChunked = "Transfer-Encoding: chunked\r\n";

INSTANTIATE_TEST_SUITE_P(
    Of, UnclearFraming,
    testing::Values(
        Framing{"LengthAndChunks", post_with("Content-Length: 5\r\n" + kChunked, "0\r\n\r\n")},
        Framing{"ChunksAndLength", post_with(kChunked + "Content-Length: 5\r\n", "0\r\n\r\n")},
        Framing{"LengthAndFoldedChunks",
                post_with("Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
        Framing{"TwoLengths", post_with("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!")},
        Framing{"ListOfLengths", post_with("Content-Length: 5, 6\r\n", "hello!")},
        Framing{"LengthWithSign", post_with("Content-Length: +5\r\n", "hello")},
        Framing{"NegativeLength", post_with("Content-Length: -5\r\n", "hello")},
        Framing{"HexadecimalLength", post_with("Content-Length: 0x5\r\n", "hello")},
        Framing{"EmptyLength", post_with("Content-Length:\r\n", "hello")},
        Framing{"LengthBeyond64Bits", post_with("Content-Length: 18446744073709551621\r\n", "hello")},
        Framing{"LengthOf64Bits", post_with("Content-Length: 18446744073709551615\r\n", "hello")},
        Framing{"LengthWithWords", post_with("Content-Length: 5 5\r\n", "hello")},
        Framing{"UnknownCoding", post_with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
        Framing{"ChunkedNotLast", post_with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")},
        Framing{"ChunkedTwice", post_with("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
        Framing{"ChunkedInTwoFields", post_with(kChunked + kChunked, "0\r\n\r\n")},
        Framing{"ChunkedThenIdentity", post_with(kChunked + "Transfer-Encoding: identity\r\n", "0\r\n\r\n")},
        Framing{"ChunkedInQuotes", post_with("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
        Framing{"ChunkedBehindAVerticalTab", post_with("Transfer-Encoding: \x0b"
                                                       "chunked\r\n",
                                                       "0\r\n\r\n")},
        Framing{"ChunkedOfHttp10",
                "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n" + kChunked + "\r\n0\r\n\r\n"},
        Framing{"SpaceBeforeTheColon", post_with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")},
        Framing{"SpaceBeforeTheColonOfALength", post_with("Content-Length : 5\r\n", "hello")},
        Framing{"SpaceBeforeTheFirstField", "GET /hello HTTP/1.1\r\n Host: t\r\n\r\n"},
        Framing{"NulInAName", post_with(std::string{"X\0Y: 1\r\n", 8})},
        Framing{"NulInAValue", post_with(std::string{"X: a\0b\r\n", 8})},
        Framing{"CarriageReturnInAValue", post_with("X: a\rContent-Length: 5\r\n", "hello")},
        Framing{"BareLineFeeds", "POST /echo HTTP/1.1\nHost: t\nContent-Length: 0\n\n"},
        Framing{"ABareLineFeedBetweenFields", post_with("X: a\nContent-Length: 5\r\n", "hello")},
        Framing{"ABareLineFeedAtTheEnd", "GET /hello HTTP/1.1\r\nHost: t\r\n\n"},
        Framing{"TwoHosts", "GET /hello HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n"},
        Framing{"ANameWithoutAColon", "GET /hello HTTP/1.1\r\nHost: t\r\nX\r\n\r\n"},
        Framing{"ASpaceInTheTarget", "GET /hello /secret HTTP/1.1\r\nHost: t\r\n\r\n"},
        Framing{"ANumberSignInTheTarget", "GET /hello#?a=1 HTTP/1.1\r\nHost: t\r\n\r\n"},
        Framing{"ATabInTheRequestLine", "GET\t/hello HTTP/1.1\r\nHost: t\r\n\r\n"},
        Framing{"ChunkSizeBeyond64Bits", post_with(kChunked, "10000000000000005\r\nhello\r\n0\r\n\r\n")},
        Framing{"ChunkSizeOf64Bits", post_with(kChunked, "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n")},
        Framing{"ChunkSizesThatWrapTogether",
                post_with(kChunked, "5\r\nhello\r\nFFFFFFFFFFFFFFFB\r\nhello\r\n0\r\n\r\n")},
        Framing{"ChunkSizeWithSign", post_with(kChunked, "+5\r\nhello\r\n0\r\n\r\n")},
        Framing{"ChunkSizeWithPrefix", post_with(kChunked, "0x5\r\nhello\r\n0\r\n\r\n")},
        Framing{"NoChunkSize", post_with(kChunked, "\r\nhello\r\n0\r\n\r\n")},
        Framing{"SpaceBeforeAChunkSize", post_with(kChunked, " 5\r\nhello\r\n0\r\n\r\n")},
        Framing{"ChunkThatIsLongerThanItsSize", post_with(kChunked, "5\r\nhello!\r\n0\r\n\r\n")},
        Framing{"ALengthInATrailer", post_with(kChunked, "5\r\nhello\r\n0\r\nContent-Length: 40\r\n\r\n")},
        Framing{"BareLineFeedBehindAChunkSize", post_with(kChunked, "5\nhello\r\n0\r\n\r\n")},
        Framing{"BareLineFeedBehindAChunk", post_with(kChunked, "5\r\nhello\n0\r\n\r\n")},
        Framing{"BareLineFeedInAChunkExtension", post_with(kChunked, "5;a\nb\r\nhello\r\n0\r\n\r\n")}),
    name_of);

// ---------------------------------------- read in the one way that there is

class ClearFraming : public testing::TestWithParam<Framing> {};

TEST_P(ClearFraming, IsReadToItsEndAndWhatFollowsIsTheNextRequest) {
  const auto server = echoing_server();
  RawClient client{server->port()};
  client.send(GetParam().bytes + get("/hello"));
  EXPECT_EQ(client.read_answer().body, GetParam().body);
  EXPECT_EQ(client.read_answer().body, "hello");
  client.end_output();
  EXPECT_EQ(client.read_all(), "");
}

const std::string kInner = get("/secret");

INSTANTIATE_TEST_SUITE_P(
    Of, ClearFraming,
    testing::Values(
        Framing{"ARequestInABody", test::post("/echo", kInner), "/echo|" + kInner},
        Framing{"ARequestInAChunk", post_with(kChunked, "5\r\nGET /\r\n0\r\n\r\n"), "/echo|GET /"},
        Framing{"TwoEqualLengths", post_with("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"),
                "/echo|hello"},
        Framing{"ChunkedInCapitals", post_with("TRANSFER-ENCODING: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"),
                "/echo|hello"},
        Framing{"AChunkSizeWithZeros", post_with(kChunked, "0005\r\nhello\r\n000\r\n\r\n"), "/echo|hello"},
        Framing{"ChunkExtensions", post_with(kChunked, "5;a=b;c=\"d\"\r\nhello\r\n0;last\r\n\r\n"), "/echo|hello"},
        Framing{"Trailers", post_with(kChunked, "5\r\nhello\r\n0\r\nHost: u\r\nX: a\r\n\r\n"), "/echo|hello"},
        Framing{"ABodyOfAGet", "GET /hello HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", "hello"},
        Framing{"AFoldedValue", post_with("X: a\r\n b\r\nContent-Length: 5\r\n", "hello"), "/echo|hello"},
        Framing{"AnotherHostInTheTarget", "GET http://other:81/hello HTTP/1.1\r\nHost: t\r\n\r\n", "hello"}),
    name_of);

// ---------------------------------------- thousands of idle connections

TEST(IdleConnections, OfThousandsTheOldestGoAndEverybodyIsAnswered) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  HttpOptions options;
  options.idle_timeout = options.header_timeout = 10min;  // only room is scarce
  // Both ends of a connection are in this process.
  options.max_connections = std::min<std::size_t>(options.max_connections, files.rlim_cur * 2 / 5 - 100);
  const std::size_t number = options.max_connections * 5 / 4;
  const std::size_t most = options.max_connections;
  const auto server = echoing_server(options);
  std::vector<std::unique_ptr<RawClient>> idle;
  for (std::size_t i = 0; i < number; ++i) {
    idle.push_back(std::make_unique<RawClient>(server->port()));
    // Of each four one has been served, one has begun a request, and two have said nothing.
    if (i % 4 == 0) {
      ASSERT_EQ(idle.back()->ask(get("/hello")).body, "hello") << i;
    } else if (i % 4 == 1) {
      idle.back()->send("GET /hel");
    }
  }
  EXPECT_EQ(RawClient{server->port()}.ask(get("/hello")).body, "hello");
  EXPECT_LE(server->connections(), most);
  EXPECT_GT(server->connections(), most / 2) << "no more go than there is need";
  EXPECT_EQ(idle.front()->read_all(), "");
  EXPECT_EQ(idle.at((number - 1) / 4 * 4)->ask(get("/hello")).body, "hello") << "of the newest";
}

}  // namespace
}  // namespace takt
