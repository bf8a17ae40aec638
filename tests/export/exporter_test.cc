// The exporter keeps its targets up to date, says how they do, and never stands in the way.
#include "export/exporter.h"
#include "tests/export/warehouse_fixture.h"

namespace takt {
namespace {

class ExporterConcurrency : public WarehouseTest {
 protected:
  std::unique_ptr<Exporter> exporter(Duration interval, Duration last_flush = std::chrono::hours{1}) {
    auto opened = Exporter::open(store(), {"sqlite:" + file().string()}, {interval, interval, last_flush});
    if (!opened) ADD_FAILURE() << opened.error().context;
    return std::move(*opened);
  }
  void count(int good) {
    send(R"({"type":"count","machine":"M1","id":")" + std::to_string(good) +
         R"(","ts":"2026-01-06T08:00:00Z","good":)" + std::to_string(good) + "}");
  }
};

TEST_F(ExporterConcurrency, FlushNowShowsWhatWasCommittedBefore) {
  use_plant(kSmallPlant);
  const auto running = exporter(std::chrono::hours{1});
  for (int i = 1; i <= 20; ++i) {
    count(i);
    running->flush_now();
    const TargetStatus status = running->status().at(0);
    EXPECT_EQ(status.state, "ok") << status.last_error;
    EXPECT_EQ(status.watermark, store().sequence());
    EXPECT_EQ(status.lag_s, 0);
  }
  ExportTarget t = target();
  EXPECT_EQ(one(t, "SELECT good_quantity FROM oee_rollup_daily WHERE machine='M1'"), "210");
}

TEST_F(ExporterConcurrency, StoppingFlushesWhatIsLeft) {
  use_plant(kSmallPlant);
  {
    const auto running = exporter(std::chrono::hours{1});
    running->flush_now();
    count(5);
  }
  ExportTarget t = target();
  EXPECT_EQ(one(t, "SELECT good_quantity FROM oee_rollup_daily WHERE machine='M1'"), "5");
  expect_equal(t);
}

TEST_F(ExporterConcurrency, StoppingWaitsNoLongerThanAllowedAndLeavesTheTargetWhole) {
  use_plant(kSmallPlant);
  {
    const auto running = exporter(std::chrono::hours{1}, Duration{0});
    count(5);
    running->flush_now();
    count(3);
  }
  ExportTarget t = target();
  EXPECT_EQ(one(t, "SELECT good_quantity FROM oee_rollup_daily WHERE machine='M1'"), "5");
  { const auto again = exporter(std::chrono::hours{1}); }
  EXPECT_EQ(one(t, "SELECT good_quantity FROM oee_rollup_daily WHERE machine='M1'"), "8");
  expect_equal(t);
}

TEST_F(ExporterConcurrency, AFailingTargetIsToldAndTriedAgain) {
  use_plant(kSmallPlant);
  std::filesystem::create_directory(file());  // where the file should be
  const auto running = exporter(std::chrono::milliseconds{1});
  running->flush_now();
  EXPECT_EQ(running->status().at(0).state, "failing");
  EXPECT_FALSE(running->status().at(0).last_error.empty());
  count(5);
  std::filesystem::remove(file());
  running->flush_now();
  EXPECT_EQ(running->status().at(0).state, "ok") << running->status().at(0).last_error;
}

TEST_F(ExporterConcurrency, FlushesWhileEventsComeInAndEndsEqual) {
  use_plant(kSmallPlant);
  {
    const auto running = exporter(std::chrono::milliseconds{1});
    for (int i = 1; i <= 100; ++i) {
      count(i);
      clock_.set(clock_.now() + std::chrono::minutes{1});
    }
  }
  ExportTarget t = target();
  expect_equal(t);
}

TEST_F(ExporterConcurrency, RefusesAnUnknownTarget) { EXPECT_FALSE(Exporter::open(store(), {"mysql://x"})); }

}  // namespace
}  // namespace takt
