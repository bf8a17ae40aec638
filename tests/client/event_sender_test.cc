#include "client/event_sender.h"

#include "tests/client/scripted_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace takt {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using Kind = Step::Kind;

const std::string kReceipt =
    R"({"accepted":2,"duplicate":1,"rejected":1,"rejects":[{"index":3,"code":"bad_value","message":"good is -1"}],"sequence":7})";

EventSender sender_to(const ScriptedServer& server, EventSenderOptions options = {}) {
  Result<HttpClient> client = HttpClient::open(server.url());
  EXPECT_TRUE(client);
  return {std::move(*client), options};
}

TEST(EventSender, ReadsTheReceipt) {
  ScriptedServer server{{{Kind::answer, 200, kReceipt}}};
  const Result<SendReceipt> receipt = sender_to(server).send("{}\n");
  ASSERT_TRUE(receipt) << receipt.error().context;
  EXPECT_EQ(receipt->accepted, 2U);
  EXPECT_EQ(receipt->duplicate, 1U);
  EXPECT_EQ(receipt->rejected, 1U);
  ASSERT_THAT(receipt->refusals, SizeIs(1));
  EXPECT_EQ(receipt->refusals[0].index, 3U);
  EXPECT_EQ(receipt->refusals[0].code, "bad_value");
  EXPECT_EQ(server.requests()[0]["Content-Type"], "application/x-ndjson");
}

TEST(EventSender, TriesTheSameBatchAgainUntilItIsTaken) {
  ScriptedServer server{{{Kind::answer, 429, "", "0"},
                         {Kind::answer, 503, "", "0"},
                         {Kind::answer, 503, "", "Sun, 06 Nov 1994 08:49:37 GMT"},
                         {Kind::hang_up},
                         {Kind::answer, 200, kReceipt}}};
  const Result<SendReceipt> receipt = sender_to(server).send("{\"a\":1}\n");
  ASSERT_TRUE(receipt) << receipt.error().context;
  ASSERT_THAT(server.requests(), SizeIs(5));
  for (const auto& request : server.requests()) EXPECT_EQ(request.body(), "{\"a\":1}\n");
}

TEST(EventSender, DoesNotRepeatWhatTheServerRefuses) {
  ScriptedServer server{{{Kind::answer, 400, R"({"title":"Bad","detail":"nothing readable"})"}}};
  const Result<SendReceipt> receipt = sender_to(server).send("x");
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(receipt.error().context, HasSubstr("nothing readable"));
}

TEST(EventSender, LosesPatienceRatherThanWaitLongerThanItMay) {
  ScriptedServer server{{{Kind::answer, 429, "", "30"}}};
  EventSenderOptions options;
  options.patience = std::chrono::milliseconds{10};
  const Result<SendReceipt> receipt = sender_to(server, options).send("x");
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().code, ErrorCode::unavailable);
}

TEST(EventSender, StopsWaitingWhenAskedTo) {
  ScriptedServer server{{{Kind::answer, 429, "", "30"}}};
  const std::atomic<bool> stop{true};
  EventSenderOptions options;
  options.stop = &stop;
  const Result<SendReceipt> receipt = sender_to(server, options).send("x");
  ASSERT_FALSE(receipt);
  EXPECT_EQ(receipt.error().context, "stopped");
}

TEST(EventSender, NoticesThatTheServerIsSomethingElse) {
  ScriptedServer server{{{Kind::answer, 200, "<html>"}}};
  EXPECT_FALSE(sender_to(server).send("x"));
}

TEST(ProblemOf, SaysTheMostItKnows) {
  EXPECT_EQ(problem_of({400, {}, R"({"title":"t","detail":"d"})"}), "d");
  EXPECT_EQ(problem_of({400, {}, R"({"title":"t"})"}), "t");
  EXPECT_EQ(problem_of({500, {}, "oops"}), "status 500");
}

}  // namespace
}  // namespace takt
