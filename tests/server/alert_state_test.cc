#include "server/alerts/alert_state.h"
#include "server/alerts/alert_delivery.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <vector>

namespace takt {
namespace {

using namespace std::chrono_literals;
constexpr Timestamp kBegin = from_micros(1'767'571'200'000'000);  // 2026-01-05

Alert low_oee() {
  Alert alert;
  alert.id = "low", alert.on = "oee";
  alert.below = 0.6, alert.clear = 0.65;
  alert.for_at_least = 10s;
  return alert;
}

TEST(AlertState, FiresWhenItHasLastedAndEndsWhereItIsClear) {
  const Alert alert = low_oee();
  AlertSituation s;
  struct Step {
    Duration at;
    std::optional<double> value;
    AlertTurn turn;
    AlertState state;
  };
  const std::vector<Step> steps{
      {0s, 0.7, AlertTurn::none, AlertState::ok},
      {1s, 0.59, AlertTurn::none, AlertState::pending},
      {5s, 0.61, AlertTurn::none, AlertState::ok},  // it did not last
      {6s, 0.59, AlertTurn::none, AlertState::pending},
      {12s, std::nullopt, AlertTurn::none, AlertState::pending},  // not known: neither good nor bad
      {15s, 0.5, AlertTurn::none, AlertState::pending},
      {16s, 0.5, AlertTurn::fired, AlertState::firing},  // ten seconds, exactly
      {17s, 0.62, AlertTurn::none, AlertState::firing},  // better than the limit, not yet clear
      {18s, 0.3, AlertTurn::none, AlertState::firing},   // it is told once
      {19s, 0.65, AlertTurn::resolved, AlertState::ok},  // clear, exactly
      {20s, 0.5, AlertTurn::none, AlertState::pending},  // and again
      {30s, 0.5, AlertTurn::fired, AlertState::firing},
  };
  for (const Step& step : steps) {
    SCOPED_TRACE(step.at.count());
    EXPECT_EQ(judge(alert, step.value, kBegin + step.at, s), step.turn);
    EXPECT_EQ(s.state, step.state);
  }
  EXPECT_EQ(s.fired, kBegin + 30s);
  EXPECT_EQ(s.resolved, std::nullopt);
}

TEST(AlertState, AnAcknowledgementEndsWithTheFiringThatItIsOf) {
  Alert alert = low_oee();
  alert.for_at_least = 0s;
  AlertSituation s;
  EXPECT_EQ(judge(alert, 0.1, kBegin, s), AlertTurn::fired);
  s.acknowledged = {"anna", "on it", kBegin};
  EXPECT_EQ(judge(alert, 0.1, kBegin + 1s, s), AlertTurn::none);
  EXPECT_TRUE(s.acknowledged);
  EXPECT_EQ(judge(alert, 0.9, kBegin + 2s, s), AlertTurn::resolved);
  EXPECT_FALSE(s.acknowledged);
  EXPECT_EQ(s.resolved, kBegin + 2s);
}

/// The same by looking at the whole history: slow, and without a memory of its own.
bool fires_by_history(const Alert& alert, const std::vector<std::pair<Timestamp, std::optional<double>>>& looks) {
  bool firing = false;
  for (std::size_t i = 0; i < looks.size(); ++i) {
    const auto beyond = [&](double v) { return alert.above ? v > *alert.above : v < *alert.below; };
    const auto clear = [&](double v) {
      return alert.above ? v <= alert.clear.value_or(*alert.above) : v >= alert.clear.value_or(*alert.below);
    };
    if (!looks[i].second) continue;
    if (firing) {
      firing = !clear(*looks[i].second);
      continue;
    }
    if (!beyond(*looks[i].second)) continue;
    // Back to the first look of this stretch beyond the limit that began after it last fired.
    Timestamp since = looks[i].first;
    for (std::size_t k = i; k-- > 0;) {
      if (!looks[k].second) continue;
      const std::vector<std::pair<Timestamp, std::optional<double>>> before(
          looks.begin(), looks.begin() + static_cast<long>(k) + 1);
      if (!beyond(*looks[k].second) || fires_by_history(alert, before)) break;
      since = looks[k].first;
    }
    firing = looks[i].first - since >= alert.for_at_least;
  }
  return firing;
}

TEST(AlertState, IsWhatItsHistorySays) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random{seed};
    const auto number = [&](int to) { return static_cast<int>(random() % static_cast<unsigned>(to)); };
    Alert alert;
    const bool above = number(2) == 0;
    (above ? alert.above : alert.below) = 5;
    if (number(2) == 0) alert.clear = above ? 5 - number(3) : 5 + number(3);
    alert.for_at_least = std::chrono::seconds{number(4)};
    AlertSituation s;
    std::vector<std::pair<Timestamp, std::optional<double>>> looks;
    for (int i = 0; i < 14; ++i) {
      const Timestamp at = kBegin + std::chrono::seconds{i};
      looks.emplace_back(at, number(6) == 0 ? std::nullopt : std::optional<double>{number(11)});
      const bool before = s.state == AlertState::firing;
      const AlertTurn turn = judge(alert, looks.back().second, at, s);
      const bool now = s.state == AlertState::firing;
      EXPECT_EQ(now, fires_by_history(alert, looks)) << "seed " << seed << " look " << i;
      EXPECT_EQ(turn, now == before ? AlertTurn::none : now ? AlertTurn::fired : AlertTurn::resolved);
    }
  }
}

TEST(AlertDelivery, ShowsNoSecretOfItsTarget) {
  EXPECT_EQ(shown_target("webhook:https://user:secret@chat.example/hook?token=abc#x"),
            "webhook:https://chat.example/hook");
  EXPECT_EQ(shown_target("webhook:http://127.0.0.1:9000/a@b"), "webhook:http://127.0.0.1:9000/a@b");
  EXPECT_EQ(shown_target("mqtt:plant/alerts"), "mqtt:plant/alerts");
}

TEST(AlertDelivery, IsTriedAgainLaterAndLater) {
  EXPECT_EQ(pause_after(1, 0.5), 1s);
  EXPECT_EQ(pause_after(4, 0.5), 8s);
  EXPECT_EQ(pause_after(1'000'000, 0.5), 5min);
  EXPECT_EQ(pause_after(1, 0), 800ms);
  EXPECT_EQ(pause_after(1, 1), 1200ms);
}

}  // namespace
}  // namespace takt
