#include "client/http_client.h"

#include "client/gzip.h"
#include "tests/client/scripted_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace takt {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Kind = Step::Kind;

HttpClient client_of(const std::string& url, HttpClientOptions options = {}) {
  Result<HttpClient> client = HttpClient::open(url, options);
  EXPECT_TRUE(client) << url;
  return std::move(*client);
}

std::string gunzip(const std::string& packed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string plain(1U << 20U, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  plain.resize(stream.total_out);
  inflateEnd(&stream);
  return plain;
}

TEST(HttpClient, KeepsItsConnection) {
  ScriptedServer server{{{Kind::answer, 200, "one"}, {Kind::answer, 404, "two"}}};
  {
    HttpClient client = client_of(server.url());
    const Result<HttpReply> one = client.get("/a?b=c"), two = client.get("/d");
    ASSERT_TRUE(one && two);
    EXPECT_EQ(one->body, "one");
    EXPECT_TRUE(one->ok());
    EXPECT_EQ(two->status, 404);
    EXPECT_FALSE(two->ok());
    EXPECT_EQ(one->header("content-LENGTH"), "3");
    EXPECT_EQ(one->header("no-such"), std::nullopt);
  }
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(server.requests()[0].target(), "/a?b=c");
}

TEST(HttpClient, ConnectsAgainWhenTheServerHasHungUpMeanwhile) {
  ScriptedServer server{{{Kind::answer_and_close, 200, "one"}, {Kind::answer, 200, "two"}}};
  HttpClient client = client_of(server.url());
  ASSERT_TRUE(client.get("/"));
  const Result<HttpReply> two = client.get("/");
  ASSERT_TRUE(two) << two.error().context;
  EXPECT_EQ(two->body, "two");
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, DoesNotRepeatARequestThatANewConnectionSwallowed) {
  ScriptedServer server{{{Kind::hang_up}}};
  HttpClient client = client_of(server.url());
  const Result<HttpReply> reply = client.get("/");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST(HttpClient, GivesUpOnASilentServer) {
  ScriptedServer server{{{Kind::stay_silent}}};
  HttpClientOptions options;
  options.request_timeout = std::chrono::milliseconds{50};
  HttpClient client = client_of(server.url(), options);
  const Result<HttpReply> reply = client.get("/");
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().context, HasSubstr("did not answer in time"));
}

TEST(HttpClient, SendsBodiesPlainAndPackedBelowAPrefix) {
  ScriptedServer server{{{}, {}}};
  HttpClient client = client_of(server.url() + "/takt/");
  const std::string content(100'000, 'x');
  ASSERT_TRUE(client.put("/v1/plant", {"a = 1", "application/toml"}, {{"X-Who", "me"}}));
  ASSERT_TRUE(client.post("/v1/events", {content, "application/x-ndjson", Compression::gzip}));
  const auto& requests = server.requests();
  EXPECT_EQ(requests[0].target(), "/takt/v1/plant");
  EXPECT_EQ(requests[0].method_string(), "PUT");
  EXPECT_EQ(requests[0].body(), "a = 1");
  EXPECT_EQ(requests[0]["Content-Type"], "application/toml");
  EXPECT_EQ(requests[0]["X-Who"], "me");
  EXPECT_EQ(requests[1]["Content-Encoding"], "gzip");
  EXPECT_LT(requests[1].body().size(), content.size() / 10);
  EXPECT_EQ(gunzip(requests[1].body()), content);
}

TEST(HttpClient, RefusesAnAnswerThatIsTooLong) {
  ScriptedServer server{{{Kind::answer, 200, std::string(5000, 'x')}}};
  HttpClientOptions options;
  options.max_reply_bytes = 1000;
  HttpClient client = client_of(server.url(), options);
  const Result<HttpReply> reply = client.get("/");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::io);
}

TEST(HttpClient, SaysWhatIsWrongWithAnAddress) {
  for (const char* url : {"", "127.0.0.1:8080", "https://", "http://", "http://a b", "ftp://x"}) {
    const Result<HttpClient> client = HttpClient::open(url);
    ASSERT_FALSE(client) << url;
    EXPECT_EQ(client.error().code, ErrorCode::invalid_argument) << url;
  }
}

TEST(HttpClient, SaysThatNobodyListens) {
  std::string url;
  {
    ScriptedServer gone{{}};
    url = gone.url();
  }
  HttpClient client = client_of(url);
  const Result<HttpReply> reply = client.get("/");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ErrorCode::unavailable);
  EXPECT_THAT(reply.error().context, HasSubstr(url));
}

TEST(Gzip, PacksNothingToo) {
  const Result<std::string> packed = gzip_member("");
  ASSERT_TRUE(packed);
  EXPECT_EQ(gunzip(*packed), "");
}

}  // namespace
}  // namespace takt
