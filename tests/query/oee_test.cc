// One answer for many machines and buckets is the same as many answers for one.
#include "query/oee.h"
#include "query/render.h"
#include "tests/engine/engine_store.h"

#include <random>

namespace takt {
namespace {

using namespace std::chrono_literals;
constexpr Timestamp kMonday = from_micros(1'767'571'200'000'000);  // 2026-01-05
constexpr std::int64_t kHours = 10'500;  // two machines of which are shared by two threads

struct TwoYears : EngineStore {
  TwoYears() : EngineStore(kMonday + 1h * kHours) {
    std::mt19937 random{1};
    for (std::int64_t hour = 0; hour < kHours; hour += 1 + static_cast<std::int64_t>(random() % 90)) {
      const Timestamp at = kMonday + 1h * hour;
      for (const char* machine : {"M1", "M2"})
        commit({state(machine, at + 1s * (random() % 3000), random() % 2 == 0 ? "running" : "down"),
                count(machine, at + 1min, 7)});
    }
  }
  std::string answer(const OeeRequest& request) const {
    return render_oee(request, *oee(store->read(), request, clock.now()));
  }
};

OeeRequest hours_of(Scope scope) {
  OeeRequest request;
  request.scope = std::move(scope);
  request.range = {kMonday, kMonday + 1h * kHours};
  request.grain = Grain::hour;
  request.group = GroupBy::machine;
  return request;
}

TEST(ConcurrentOee, OfAGroupIsThatOfEachOfItsMachines) {
  const TwoYears s;
  const auto both = oee(s.store->read(), hours_of({}), s.clock.now());
  ASSERT_TRUE(both);
  ASSERT_EQ(both->size(), 2U);
  for (const OeeSeries& series : *both) {
    const OeeRequest alone = hours_of(series.scope);
    EXPECT_EQ(render_oee(alone, {series}), s.answer(alone)) << series.scope.id;
  }
}

TEST(OeeOfHours, IsThatOfEachHourAskedAlone) {
  const TwoYears s;
  const StoreView view = s.store->read();
  const auto all = oee(view, hours_of({Scope::Kind::machine, "M2"}), s.clock.now());
  ASSERT_TRUE(all);
  ASSERT_EQ((*all)[0].buckets.size(), static_cast<std::size_t>(kHours));
  const MachineId machine = view.machine("M2")->id();
  for (const OeeBucket& bucket : (*all)[0].buckets) {
    const Account right = view.machine(machine).account_from_events(bucket.range, s.clock.now());
    const Elements elements{right, view.master().planned_time(machine, bucket.range), bucket.range.length()};
    const Figures figures = figures_of(elements, policies_of(view.master().latest().plant()));
    ASSERT_EQ(bucket.figures.actual_production, figures.actual_production);
    ASSERT_EQ(bucket.figures.good, figures.good);
    ASSERT_EQ(bucket.figures.unknown, figures.unknown);
    ASSERT_EQ(bucket.figures.oee, figures.oee);
  }
}

}  // namespace
}  // namespace takt
