// The limits of questions that `takt serve` is told on the command line.
#include "tests/system/running_server.h"

#include <gmock/gmock.h>

namespace takt::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Limits, WhatIsSlowIsLoggedWithWhatWasAsked) {
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant(), {"--slow-query", "1us"}};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  // A millisecond is the least that can be asked for: some answer takes longer than that.
  const auto is_logged = [&] {
    return server.process().error_text().find("http: slow: GET /v1/oee/explain?scope=machine:M1 took ") !=
           std::string::npos;
  };
  for (int i = 0; i < 10'000 && !is_logged(); ++i)
    EXPECT_EQ(client.get("/v1/oee/explain?scope=machine:M1").status, 200);
  EXPECT_TRUE(is_logged());
}

TEST(Limits, NothingIsSlowForWhoSaysNever) {
  const TemporaryFolder folder;
  RunningServer server{folder, simple_plant(), {"--slow-query", "never"}};
  ASSERT_TRUE(server.wait_until_ready());
  Client client{server};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.get("/v1/oee/explain").status, 200);
  EXPECT_THAT(server.process().error_text(), Not(HasSubstr("slow")));
}

TEST(Limits, ThatMakeNoSenseAreRefused) {
  const TemporaryFolder folder;
  for (const char* option : {"--query-timeout", "--slow-query"}) {
    const Finished refused = run_takt({"serve", "--data", folder.data().string(), option, "soon"});
    EXPECT_EQ(refused.status, 2) << option;
    EXPECT_THAT(refused.error, HasSubstr("\"soon\" is not a length of time"));
  }
  EXPECT_EQ(run_takt({"serve", "--data", folder.data().string(), "--rate-limit", "-1"}).status, 2);
}

}  // namespace
}  // namespace takt::test
