// Laws that hold for every history, whatever its figures are (docs/development.md names the invariant of each).
#include "tests/figures/engine_answers.h"
#include "tests/figures/temporary_store.h"
#include "tests/oracle/event_set.h"
#include "tests/oracle/oracle.h"
#include "tests/oracle/random_history.h"

#include <algorithm>
#include <cstdlib>
#include <random>

namespace takt {
namespace {

using Json = nlohmann::json;
using Events = std::vector<Json>;

/// A hash of every sum kept, and what the sums do not say: what still lasts.
Json state_of(const Store& store, const RandomHistory& history) {
  Json state;
  {
    const StoreView view = store.read();
    for (const Machine& machine : history.plant.machines) {
      const MachineRecord& record = *view.machine(machine.id);
      state[machine.id] = {{"sums", record.checkpoint(view.sequence(), kBeginOfTime).digest},
                           {"settled", format_time(record.settled_until())},
                           {"check", record.check().value_or("right")}};
    }
  }
  for (const Machine& machine : history.plant.machines)
    state[machine.id]["timeline"] = engine_timeline(store, machine.id, history.span, history.now);
  return state;
}

Events slice(const Events& events, std::size_t begin, std::size_t end) {
  return {events.begin() + static_cast<std::ptrdiff_t>(std::min(begin, events.size())),
          events.begin() + static_cast<std::ptrdiff_t>(std::min(end, events.size()))};
}

class AnyLife : public testing::TestWithParam<std::uint64_t> {
 protected:
  Json state(const TemporaryStore& temporary) const { return state_of(*temporary.store, history_); }
  Json state_after(const Events& events) const {
    TemporaryStore temporary{history_.now};
    temporary.describe(history_.plant);
    temporary.send(events);
    return state(temporary);
  }

  const RandomHistory history_ = random_history(GetParam());
  std::mt19937_64 random_{GetParam()};
};

TEST_P(AnyLife, HasTheSameSumsInAnyOrderRepetitionAndBatching) {
  const Json expected = state_after(history_.events);
  Events sent = history_.events;
  for (const Json& event : history_.events) sent.insert(sent.end(), random_() % 3, event);
  std::shuffle(sent.begin(), sent.end(), random_);
  TemporaryStore temporary{history_.now};
  temporary.describe(history_.plant);
  for (std::size_t at = 0; at < sent.size();) {
    const std::size_t size = 1 + random_() % 60;
    temporary.send(slice(sent, at, at + size));
    at += size;
  }
  EXPECT_EQ(state(temporary), expected);
  temporary.reopen();
  EXPECT_EQ(state(temporary), expected);
}

TEST_P(AnyLife, EqualsTheOracleAfterEveryPrefix) {
  TemporaryStore temporary{history_.now};
  temporary.describe(history_.plant);
  const std::size_t prefixes = std::min<std::size_t>(history_.events.size(), 30);
  for (std::size_t n = 1; n <= prefixes; ++n) {
    temporary.send({history_.events[n - 1]});
    const Oracle oracle{history_.plant, slice(history_.events, 0, n), history_.now};
    Json total = engine_oee(*temporary.store, "plant", history_.span, "total", history_.now)["buckets"][0];
    total.erase("revision");
    ASSERT_EQ(total, oracle.oee("plant", history_.span, "total")[0]) << "after " << n << " events";
  }
}

TEST_P(AnyLife, IsAsIfWhatIsWithdrawnHadNeverBeen) {
  std::map<std::vector<std::string>, bool> is_withdrawn;
  Events kept, withdrawals;
  for (const Json& event : history_.events) {
    const auto [identity, is_new] = is_withdrawn.try_emplace(oracle::identity_of(event), random_() % 3 == 0);
    if (!identity->second) {
      kept.push_back(event);
    } else if (is_new) {
      withdrawals.push_back(event);
      withdrawals.back().update({{"revision", 1000}, {"deleted", true}});
    }
  }
  const Json expected = state_after(kept);
  for (const bool in_advance : {false, true}) {
    TemporaryStore temporary{history_.now};
    temporary.describe(history_.plant);
    temporary.send(in_advance ? withdrawals : history_.events);
    temporary.send(in_advance ? history_.events : withdrawals);
    EXPECT_EQ(state(temporary), expected) << (in_advance ? "withdrawn in advance" : "withdrawn afterwards");
  }
}

TEST_P(AnyLife, IsTheSameAfterReclassifyingThereAndBack) {
  TemporaryStore temporary{history_.now};
  temporary.describe(history_.plant);
  temporary.send(history_.events);
  const Json before = state(temporary);
  const std::int64_t length = history_.span.length().count();
  const auto half = static_cast<std::uint64_t>(length / 2);
  const Timestamp start = history_.span.begin + Duration{static_cast<std::int64_t>(random_() % half)};
  Json classify{{"type", "classify"}, {"machine", "M1"},
                {"id", "law"},        {"start", format_time(start)},
                {"reason", "SETUP"},  {"end", format_time(start + Duration{length / 2})},
                {"revision", 0},      {"recorded_at", "2040-01-01T00:00:00Z"}};
  const auto send = [&](const char* reason) {
    classify["revision"] = classify["revision"].get<int>() + 1;
    classify["reason"] = reason;
    temporary.send({classify});
    return state(temporary);
  };
  const Json setup = send("SETUP");
  const Json failure = send("FAIL");
  EXPECT_EQ(send("SETUP"), setup);
  EXPECT_EQ(send("FAIL"), failure);
  classify["deleted"] = true;
  EXPECT_EQ(send("FAIL"), before);
}

/// Another plant of the same machines: other cycles, limits, policies and no shifts.
Plant changed(Plant plant) {
  for (Machine& machine : plant.machines) {
    machine.ideal_cycle = std::chrono::seconds{7};
    machine.minor_stop = std::chrono::seconds{120};
    machine.silence_timeout = machine.silence_timeout > Duration{0} ? Duration{0} : std::chrono::minutes{50};
    machine.counter_modulus = machine.counter_modulus > 0 ? 0 : 1000;
  }
  for (Reason& reason : plant.reasons) {
    if (reason.category == ReasonCategory::failure) reason.category = ReasonCategory::planned;
  }
  plant.shifts.clear();
  plant.closures.clear();
  plant.ideal_cycles.clear();
  return plant;
}

TEST_P(AnyLife, IsTheSameAfterItsPlantWasAnotherMeanwhile) {
  const Json expected = state_after(history_.events);
  const std::size_t third = history_.events.size() / 3;
  TemporaryStore temporary{history_.now};
  temporary.describe(history_.plant);
  temporary.send(slice(history_.events, 0, third));
  temporary.describe(changed(history_.plant));
  temporary.send(slice(history_.events, third, 2 * third));
  temporary.describe(history_.plant);
  temporary.send(slice(history_.events, 2 * third, history_.events.size()));
  EXPECT_EQ(state(temporary), expected);
}

/// No time or number is negative, and the times of a bucket fit into what is planned of it.
void expect_sound(const Account& a, Duration planned, const std::string& where) {
  for (const Duration time : {a.production, a.setup, a.stop, a.planned_stop, a.minor_stop, a.unplanned_production})
    EXPECT_GE(time, Duration{0}) << where;
  for (const std::int64_t number : {a.stops, a.minor_stops, a.failures, a.good, a.scrap, a.rework,
                                    a.unplanned_produced, a.unplanned_good, a.pieces_without_cycle})
    EXPECT_GE(number, 0) << where;
  EXPECT_LE(a.production + a.setup + a.stop + a.planned_stop, planned) << where;
  EXPECT_LE(a.minor_stop, a.stop) << where;
  EXPECT_LE(a.minor_stops, a.stops) << where;
  EXPECT_TRUE(a.ideal_good <= a.ideal_produced && a.ideal_good >= 0) << where;
}

TEST_P(AnyLife, HasNoNegativeCellAndNoneThatHoldsMoreThanItsTime) {
  TemporaryStore temporary{history_.now};
  temporary.describe(history_.plant);
  temporary.send(history_.events);
  const StoreView view = temporary.store->read();
  for (const Machine& machine : history_.plant.machines) {
    const MachineRecord& record = *view.machine(machine.id);
    for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
      for (const Cell& cell : record.cells(grain))
        expect_sound(cell.account, view.master().planned_time(record.id(), cell.range),
                     machine.id + " " + std::string{name_of(grain)} + " of " + format_time(cell.range.begin));
    }
  }
}

/// Every place of the random histories once; in a soak ten times.
std::uint64_t lives() { return std::getenv("TAKT_SOAK") != nullptr ? 110 : 11; }

INSTANTIATE_TEST_SUITE_P(Seed, AnyLife, testing::Range(std::uint64_t{100}, 100 + lives()));

}  // namespace
}  // namespace takt
