// The end of a store that is not given the time to take in all that waits.
#include "tests/engine/engine_store.h"

#include <future>

namespace takt {
namespace {

constexpr Timestamp kNow = from_micros(1'767'600'000'000'000);

EventBatch one_piece(Timestamp at) {
  EventBatch batch;
  batch.events = {count("M1", at, 1)};
  return batch;
}

TEST(StoppingTheIntake, AnswersWhatWaitsWithARefusalAndKeepsWhatWasAccepted) {
  EngineStore s{kNow + std::chrono::hours{1}};
  std::promise<void> begun, released;
  s.store->set_listener([&](const CommitNotice& notice) {
    if (notice.events.empty()) return;
    begun.set_value();
    released.get_future().wait();  // the committer is in the midst of the first commit
  });
  std::promise<Result<Receipt>> first, second, third;
  const auto into = [](auto& promise) {
    return [&](const Result<Receipt>& receipt) { promise.set_value(receipt); };
  };
  ASSERT_TRUE(s.store->submit(one_piece(kNow), "test", into(first)));
  begun.get_future().wait();
  ASSERT_TRUE(s.store->submit(one_piece(kNow + Duration{1}), "test", into(second)));
  s.store->stop_intake();
  ASSERT_TRUE(s.store->submit(one_piece(kNow + Duration{2}), "test", into(third)));
  released.set_value();
  EXPECT_EQ(first.get_future().get()->accepted, 1U);
  for (auto* refused : {&second, &third}) {
    const auto receipt = refused->get_future().get();
    ASSERT_FALSE(receipt);
    EXPECT_EQ(receipt.error().code, ErrorCode::unavailable);
  }
  s.reopen();
  EXPECT_EQ(s.account("M1", {kNow, kNow + Duration{9}}).good, 1);
  s.commit({count("M1", kNow + Duration{1}, 1)});
  EXPECT_EQ(s.account("M1", {kNow, kNow + Duration{9}}).good, 2);
}

}  // namespace
}  // namespace takt
