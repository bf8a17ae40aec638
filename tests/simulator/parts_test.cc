// The simulator's small parts: numbers, shifts, and the mischief of delivery.
#include "simulator/random.h"
#include "simulator/shift_clock.h"
#include "simulator/unreliable_delivery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

Second at(std::string_view time) { return micros(*parse_time(time)) / 1'000'000; }

TEST(Random, IsSplitMix64ForHashing) {
  EXPECT_EQ(mix(0), 0xE220A8397B1DCDAFULL);  // the first number of the reference implementation, seed 0
}

TEST(Random, HasTheMomentsItPromises) {
  Random random{1};
  double uniform = 0, normal = 0, squares = 0, skewed = 0;
  constexpr int kDraws = 200'000;
  for (int i = 0; i < kDraws; ++i) {
    uniform += random.uniform();
    const double n = random.normal();
    normal += n;
    squares += n * n;
    skewed += random.skewed(10, 50);
  }
  EXPECT_NEAR(uniform / kDraws, 0.5, 0.01);
  EXPECT_NEAR(normal / kDraws, 0, 0.01);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
  EXPECT_NEAR(skewed / kDraws, 20, 0.2);
}

TEST(ShiftClock, ChangesTheClockWithBerlin) {
  EXPECT_EQ(berlin_offset(at("2026-03-29T00:59:59Z")), 3600);
  EXPECT_EQ(berlin_offset(at("2026-03-29T01:00:00Z")), 7200);
  EXPECT_EQ(berlin_offset(at("2026-10-25T00:59:59Z")), 7200);
  EXPECT_EQ(berlin_offset(at("2026-10-25T01:00:00Z")), 3600);
}

TEST(ShiftClock, KnowsBreaksAndTheFreeNight) {
  EXPECT_EQ(duty_at(at("2026-01-10T21:59:59+01:00")), Duty::working);  // a Saturday
  EXPECT_EQ(duty_at(at("2026-01-10T22:00:00+01:00")), Duty::off);
  EXPECT_EQ(duty_at(at("2026-01-11T05:59:59+01:00")), Duty::off);
  EXPECT_EQ(duty_at(at("2026-01-11T06:00:00+01:00")), Duty::working);
  EXPECT_EQ(duty_at(at("2026-07-07T09:00:00+02:00")), Duty::on_break);
  EXPECT_EQ(duty_at(at("2026-07-07T09:30:00+02:00")), Duty::working);
  EXPECT_EQ(duty_at(at("2026-07-07T01:15:00+02:00")), Duty::on_break);
}

TEST(ShiftClock, PlansAroundTheFreeNight) {
  EXPECT_EQ(after_work(at("2026-01-10T20:00:00+01:00"), 3600), at("2026-01-10T21:00:00+01:00"));
  EXPECT_EQ(after_work(at("2026-01-10T20:00:00+01:00"), 3 * 3600), at("2026-01-11T07:00:00+01:00"));
  EXPECT_EQ(after_work(at("2026-01-10T23:00:00+01:00"), 60), at("2026-01-11T06:01:00+01:00"));
}

std::vector<std::string> numbers(int count) {
  std::vector<std::string> lines;
  for (int i = 0; i < count; ++i) lines.push_back(std::to_string(i));
  return lines;
}

std::vector<std::string> delivered(const DeliveryOptions& options, int count) {
  UnreliableDelivery delivery{options};
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    delivery.add(from_micros(i * 1'000'000LL), std::to_string(i));
    const std::vector<std::string> now = delivery.arrived(from_micros((i + 1) * 1'000'000LL));
    all.insert(all.end(), now.begin(), now.end());
  }
  const std::vector<std::string> rest = delivery.arrived(kEndOfTime);
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

TEST(UnreliableDelivery, IsInOrderUnlessAskedOtherwise) { EXPECT_EQ(delivered({}, 50), numbers(50)); }

TEST(UnreliableDelivery, BringsEverythingAtLeastOnceHoweverDisorderly) {
  const DeliveryOptions options{0.3, 0.2, true, 9};
  const std::vector<std::string> lines = delivered(options, 5000);
  EXPECT_FALSE(
      std::is_sorted(lines.begin(), lines.end(), [](auto& a, auto& b) { return std::stoi(a) < std::stoi(b); }));
  EXPECT_NEAR(static_cast<double>(lines.size()), 6000, 150);
  std::vector<std::string> once = lines, expected = numbers(5000);
  std::sort(once.begin(), once.end());
  once.erase(std::unique(once.begin(), once.end()), once.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(once, expected);
  EXPECT_EQ(delivered(options, 5000), lines) << "the same seed, another mischief";
}

TEST(UnreliableDelivery, HoldsNothingBackForMoreThanAnHour) {
  UnreliableDelivery delivery{{1, 0, false, 3}};
  for (int i = 0; i < 100; ++i) delivery.add(from_micros(0), std::to_string(i));
  EXPECT_THAT(delivery.arrived(from_micros(1)), SizeIs(0));
  EXPECT_THAT(delivery.arrived(from_micros(3'600'000'001)), SizeIs(100));
}

TEST(UnreliableDelivery, ShufflesWhatIsDueTogether) {
  UnreliableDelivery delivery{{0, 0, true, 3}};
  for (int i = 0; i < 100; ++i) delivery.add(from_micros(i), std::to_string(i));
  const std::vector<std::string> lines = delivery.arrived(kEndOfTime);
  EXPECT_NE(lines, numbers(100));
  EXPECT_THAT(lines, testing::UnorderedElementsAreArray(numbers(100)));
}

}  // namespace
}  // namespace takt
