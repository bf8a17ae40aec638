// Events go by local days when the plant retains them no more; figures stay what they were.
#include "tests/engine/engine_store.h"

#include <algorithm>
#include <random>

#include "engine/inspect.h"

namespace takt {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();

Plant retaining(std::int64_t events_days, Plant plant = small_plant()) {
  plant.retention_events_days = events_days;
  return plant;
}

struct ByHand : EngineStore {
  ByHand(Timestamp now, Plant plant) : EngineStore(now, std::move(plant), by_hand()) {}
  static StoreOptions by_hand() {
    StoreOptions options;
    options.fold_every = std::chrono::milliseconds{0};
    return options;
  }
};

const MachineRecord& record_of(const StoreView& view, std::string_view machine = "M1") {
  return *view.machine(machine);
}

std::uint64_t damages(const std::filesystem::path& folder) {
  InspectionOptions options;
  options.tell = [](const Damage& damage) { ADD_FAILURE() << to_string(damage); };
  const auto inspected = inspect_store(folder, options);
  EXPECT_TRUE(inspected) << inspected.error().context;
  return inspected ? inspected->damages : 1;
}

/// Down for ten minutes at the begin of every hour, running else, with a count a minute while it runs.
std::vector<Event> hour_of_work(Timestamp begin) {
  std::vector<Event> events{state("M1", begin, "down", "FAIL"), state("M1", begin + minutes{10}, "running")};
  for (int minute = 10; minute < 60; ++minute) events.push_back(count("M1", begin + minutes{minute}, 40, 1));
  return events;
}

void work(ByHand& s, Timestamp from, Timestamp to) {
  for (Timestamp t = from; t < to; t += hours{1}) {
    s.clock.set(t + hours{1});
    s.commit(hour_of_work(t));
  }
}

TEST(EventRetention, DropsWholeDaysAndKeepsTheirFigures) {
  ByHand s{kMonday, retaining(2)};
  work(s, kMonday, kMonday + days{4} + hours{3});
  const TimeRange first_day{kMonday, kMonday + days{1}}, all{kMonday, kMonday + days{5}};
  const Account before = s.account("M1", first_day), whole = s.account("M1", all);
  EXPECT_EQ(before.good, 24 * 50 * 40);
  EXPECT_EQ(before.failures, 24);
  EXPECT_EQ(s.store->events_kept_from(), kMonday + days{2});
  // Of two days, but the state that holds at midnight: it was running since ten past eleven.
  EXPECT_EQ(*s.store->expire_events(), 2U * 24 * 52 - 1);
  EXPECT_EQ(*s.store->expire_events(), 0U);
  EXPECT_EQ(s.store->horizon(), kMonday + days{2});
  for (const bool again : {false, true}) {
    if (again) s.reopen();
    EXPECT_EQ(s.account("M1", first_day), before);
    EXPECT_EQ(s.account("M1", all), whole);
    const StoreView view = s.store->read();
    const MachineRecord& record = record_of(view);
    EXPECT_EQ(record.check(), std::nullopt);
    EXPECT_EQ(record.timeline().states().size(), 2U * 51 + 1);
    EXPECT_EQ(record.pieces().pieces().size(), 50U * 51);
    EXPECT_EQ(record.timeline().state_before(kMonday + days{2})->at, kMonday + days{1} + hours{23} + minutes{10});
    EXPECT_EQ(record.horizon(), (Horizon{kMonday + days{2}, kMonday + days{2}}));
  }
  EXPECT_EQ(s.store->event_chunks().events, 52U * 51 + 1);
  s.store.reset();
  EXPECT_EQ(damages(s.data()), 0U);
}

TEST(EventRetention, TakesNothingInOfBeforeWhateverIsRetainedNow) {
  ByHand s{kMonday, retaining(2)};
  work(s, kMonday, kMonday + days{4});
  ASSERT_TRUE(s.store->expire_events());
  s.describe(retaining(100));
  s.reopen();
  const Timestamp horizon = s.store->horizon();
  EXPECT_EQ(horizon, kMonday + days{1});
  const Account before = s.account("M1", {kMonday, kMonday + days{1}});
  const Receipt receipt = s.commit({count("M1", horizon - seconds{1}, 7), count("M1", horizon, 7)});
  EXPECT_EQ(receipt.accepted, 1U);
  EXPECT_EQ(s.account("M1", {kMonday, kMonday + days{1}}), before);
}

TEST(EventRetention, JudgesAStopWholeThatLastsOverTheHorizon) {
  Plant plant = retaining(1);
  plant.machines[0].minor_stop = hours{4};
  ByHand s{kMonday, plant};
  const Timestamp midnight = kMonday + days{1};
  s.clock.set(kMonday + days{2} + hours{2});
  s.commit({state("M1", kMonday, "running"), state("M1", midnight - hours{2}, "down"),
            state("M1", midnight + hours{1}, "running"), count("M1", midnight - hours{3}, 5)});
  ASSERT_EQ(*s.store->expire_events(), 1U);  // the count: the states are those before and in the stop
  const TimeRange day{kMonday, midnight}, next{midnight, midnight + days{1}};
  EXPECT_EQ(s.store->read().machine("M1")->horizon(), (Horizon{midnight, midnight - hours{2}}));
  EXPECT_EQ(s.account("M1", day).minor_stop, hours{2});
  EXPECT_EQ(s.account("M1", day).minor_stops, 1);
  EXPECT_EQ(s.account("M1", next).minor_stop, hours{1});
  EXPECT_EQ(s.account("M1", next).minor_stops, 0);
  s.reopen();
  s.commit({withdrawn(state("M1", midnight + hours{1}, ""))});  // so it lasts until now
  EXPECT_EQ(s.account("M1", day).stop, hours{2});
  EXPECT_EQ(s.account("M1", day).minor_stop, hours{0});
  EXPECT_EQ(s.account("M1", day).minor_stops, 0);
  EXPECT_EQ(s.account("M1", day).good, 5);
}

TEST(EventRetention, CountersGoOnFromWhatTheyLastRead) {
  ByHand s{kMonday, retaining(1)};
  const auto total = [](Timestamp at, std::int64_t good) {
    Event e = event_at(EventType::count, "M1", at);
    e.good_total = good;
    return e;
  };
  s.clock.set(kMonday + days{5});
  s.commit({state("M1", kMonday, "running"), total(kMonday + hours{1}, 100), total(kMonday + hours{2}, 130),
            total(kMonday + hours{3}, 160)});
  EXPECT_EQ(*s.store->expire_events(), 2U);
  s.reopen();
  s.commit({total(kMonday + days{4}, 200)});
  EXPECT_EQ(s.account("M1", {kMonday, kMonday + days{1}}).good, 60);
  EXPECT_EQ(s.account("M1", {kMonday, kMonday + days{5}}).good, 100);
}

TEST(EventRetention, ADescriptionForAllTimeMeansFromTheHorizonOn) {
  ByHand s{kMonday, retaining(2)};
  work(s, kMonday, kMonday + days{4});
  ASSERT_TRUE(s.store->expire_events());
  const Timestamp horizon = s.store->horizon();
  const TimeRange gone{kMonday, horizon}, kept{horizon, horizon + days{1}};
  const Account before = s.account("M1", gone), then = s.account("M1", kept);
  Plant plant = retaining(2);
  plant.machines[0].ideal_cycle = seconds{2};
  s.describe(plant);
  EXPECT_EQ(s.account("M1", gone), before);
  EXPECT_EQ(s.account("M1", kept).ideal_good, 2 * then.ideal_good);
  plant.timezone = "Europe/Berlin";
  const auto moved = s.store->set_plant(plant, std::nullopt, false);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ErrorCode::conflict);
  s.reopen();
  EXPECT_EQ(s.account("M1", gone), before);
  EXPECT_EQ(s.account("M1", kept).ideal_good, 2 * then.ideal_good);
}

/// Readings are kept longer, and may come late: what they say of before the horizon changes no figure any more.
TEST(EventRetention, AReadingOfBeforeTheHorizonChangesNothingBeforeIt) {
  for (const bool down : {false, true}) {
    Plant plant = retaining(2);
    plant.machines[0].silence_timeout = minutes{10};
    ByHand s{kMonday, plant};
    const Timestamp horizon = kMonday + days{2};
    s.clock.set(kMonday + days{4} + hours{2});
    s.commit({state("M1", horizon - days{2} + hours{10}, "down"),
              state("M1", horizon + minutes{1}, down ? "down" : "running"),
              state("M1", horizon + minutes{8}, "running")});
    ASSERT_TRUE(s.store->expire_events());
    ASSERT_EQ(s.store->horizon(), horizon);
    const TimeRange gone{kMonday, horizon}, day{horizon, horizon + days{1}};
    const Account before = s.account("M1", gone);
    s.commit({reading("M1", "t", horizon - minutes{2}, 1)});
    for (const bool again : {false, true}) {
      if (again) {
        s.clock.set(s.clock.now() + minutes{1});
        ASSERT_TRUE(s.store->seal());
        s.reopen();
      }
      ASSERT_EQ(s.store->read_only_reason(), "");
      const StoreView view = s.store->read();
      EXPECT_EQ(record_of(view).damage(), "");
      EXPECT_EQ(record_of(view).check(), std::nullopt);
      EXPECT_TRUE(record_of(view).account(gone, s.clock.now()) == before);
      // The state of before is heard of again, from the horizon on.
      const Account after = record_of(view).account(day, s.clock.now());
      EXPECT_EQ(after.stops, 1);
      EXPECT_EQ(after.stop, down ? minutes{8} : minutes{1});
    }
  }
}

TEST(EventRetention, RollupsThatAreDamagedOrMissingTakeTheirMachineOut) {
  for (const bool missing : {false, true}) {
    ByHand s{kMonday, retaining(2)};
    work(s, kMonday, kMonday + days{4});
    s.commit({state("M2", kMonday + days{3}, "running")});
    ASSERT_TRUE(s.store->expire_events());
    s.store.reset();
    if (!missing) {
      EXPECT_EQ(damage_all(s.data(), Store::Disk::rollup), 1U);
    } else {
      const auto disk = Store::Disk::open(s.data());
      rocksdb::WriteBatch batch;
      batch.Delete((**disk)[Store::Disk::rollup], rollup_key(MachineId{0}, kMonday + days{1}));
      ASSERT_TRUE((*disk)->write(batch));
    }
    s.open();
    ASSERT_TRUE(s.store);
    EXPECT_NE(s.store->read().machine("M1")->damage(), "");
    EXPECT_EQ(s.store->read().machine("M2")->damage(), "");
    EXPECT_NE(s.store->read_only_reason(), "");
  }
}

// ---------------------------------------- a store that forgets, and one that does not

/// Events of a few days before `now`, of every kind; later ones may correct or withdraw earlier ones.
class Plausible {
 public:
  explicit Plausible(std::uint64_t seed) : random_(seed) {}

  std::size_t pick(std::size_t n) { return random_() % n; }
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }

  Event next(Timestamp now) {
    if (!sent_.empty() && chance(12)) {
      Event again = sent_[sent_.size() - 1 - pick(std::min<std::size_t>(sent_.size(), 60))];
      again.revision += static_cast<std::int64_t>(pick(3));
      if (chance(40)) again = withdrawn(again);
      if (again.type == EventType::count && again.good != kAbsent) again.good += 1;
      return again;
    }
    const Event event = fresh(now);
    sent_.push_back(event);
    return event;
  }

 private:
  Timestamp moment(Timestamp now) {
    const auto back = chance(80) ? seconds{pick(3600 * 6)} : seconds{pick(3600 * 60)};
    return now - back;
  }
  Event fresh(Timestamp now) {
    static constexpr const char* kStates[] = {"running", "down", "idle", "setup", "off"};
    static constexpr const char* kReasons[] = {"", "", "FAIL", "TOOL", "CLEAN"};
    static constexpr const char* kProducts[] = {"", "X", "Y"};
    static constexpr const char* kOrders[] = {"O1", "O2", "O3", "O4"};
    static constexpr OrderAction kActions[] = {OrderAction::plan, OrderAction::start, OrderAction::stop,
                                               OrderAction::complete};
    const char* machine = chance(70) ? "M1" : "M2";
    const Timestamp at = moment(now);
    switch (pick(10)) {
      case 0:
      case 1:
      case 2:
        return state(machine, at, kStates[pick(5)], kReasons[pick(5)]);
      case 3:
      case 4: {
        Event e = count(machine, at, static_cast<std::int64_t>(pick(50)), static_cast<std::int64_t>(pick(3)));
        e.product = kProducts[pick(3)], e.startup = chance(10);
        return e;
      }
      case 5: {
        Event e = event_at(EventType::count, machine, at);
        e.good_total = static_cast<std::int64_t>(pick(100'000));
        if (chance(30)) e.scrap_total = static_cast<std::int64_t>(pick(1000));
        return e;
      }
      case 6: {
        Event e = event_at(EventType::cycle, machine, at);
        e.end = at + seconds{pick(4000)};
        e.product = kProducts[pick(3)];
        return e;
      }
      case 7: {
        Event e = event_at(EventType::order, machine, at);
        e.order = kOrders[pick(4)], e.action = kActions[pick(4)];
        if (chance(50)) e.product = kProducts[pick(3)];
        return e;
      }
      case 8: {
        Event e = event_at(EventType::classify, machine, at);
        if (chance(60)) e.end = at + minutes{1 + pick(300)};
        e.reason = kReasons[2 + pick(3)];
        e.recorded_at = now;
        return e;
      }
      default: {
        Event e = event_at(chance(50) ? EventType::quality : EventType::energy, machine, at);
        e.kwh_total = 1.0;
        if (e.type == EventType::quality) e.characteristic = "d", e.result = "pass";
        return e;
      }
    }
  }

  std::mt19937_64 random_;
  std::vector<Event> sent_;
};

Plant busy_plant(bool silence) {
  Plant plant = small_plant();
  plant.timezone = "Europe/Berlin";
  for (const auto& [id, start, end] :
       {std::tuple{"early", hours{6}, hours{14}}, std::tuple{"late", hours{14}, hours{22}},
        std::tuple{"night", hours{22}, hours{6}}}) {
    Shift shift;
    shift.id = id, shift.start = start, shift.end = end;
    plant.shifts.push_back(shift);
  }
  if (silence) plant.machines[1].silence_timeout = minutes{40};
  return plant;
}

std::map<std::pair<Grain, Timestamp>, std::pair<Account, Sequence>> sums_of(const MachineRecord& record,
                                                                            Timestamp revisions_from) {
  std::map<std::pair<Grain, Timestamp>, std::pair<Account, Sequence>> sums;
  for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
    for (const Cell& cell : record.cells(grain)) {
      if (cell.range.end > record.settled_until() || cell.account == Account{}) continue;
      const Timestamp start = cell.range.begin;
      const Sequence revision = start >= revisions_from ? record.revision(grain, cell.range) : 0;
      sums[{grain, start}] = {cell.account, revision};
    }
  }
  return sums;
}

struct Twins {
  ByHand forgetful, lasting;
  Timestamp now;
  bool changed = false;  // the description
  bool revised = true;   // revisions are those of the same commits

  Twins(Timestamp begin, const Plant& plant)
      : forgetful(begin, retaining(3, plant)), lasting(begin, plant), now(begin) {}

  void to(Timestamp t) {
    now = t;
    forgetful.clock.set(t), lasting.clock.set(t);
  }
  void commit(std::vector<Event> events) {
    std::erase_if(events, [&](const Event& e) { return e.at < forgetful.store->horizon(); });
    const Receipt a = forgetful.commit(events), b = lasting.commit(events);
    ASSERT_EQ(a.accepted, b.accepted);
    ASSERT_EQ(a.sequence, b.sequence);
  }
  void describe(Plant plant) {
    const Timestamp horizon = forgetful.store->horizon();
    const auto from = horizon == kBeginOfTime ? std::nullopt : std::optional{horizon};
    ASSERT_TRUE(forgetful.store->set_plant(retaining(3, plant), std::nullopt, false));
    ASSERT_TRUE(lasting.store->set_plant(plant, from, false));
    changed = true;
  }
  void compare() const {
    const StoreView a = forgetful.store->read(), b = lasting.store->read();
    for (const char* machine : {"M1", "M2"}) {
      const MachineRecord &left = record_of(a, machine), &right = record_of(b, machine);
      ASSERT_EQ(left.check(), std::nullopt) << machine;
      const Timestamp horizon = left.horizon().pieces;
      const Timestamp told = changed ? horizon : kBeginOfTime;
      const auto sums = sums_of(left, told), wanted = sums_of(right, told);
      for (const auto& [key, sum] : wanted) {
        const auto found = sums.find(key);
        ASSERT_TRUE(found != sums.end()) << machine << ' ' << name_of(key.first) << ' ' << format_time(key.second);
        ASSERT_TRUE(found->second.first == sum.first)
            << machine << ' ' << name_of(key.first) << ' ' << format_time(key.second) << " horizon "
            << format_time(horizon) << ' ' << format_time(left.horizon().timeline);
        // Who remembers a state that goes on cannot say that its last change came after the bucket.
        if (!revised || (key.second < horizon && found->second.second < sum.second)) continue;
        ASSERT_EQ(found->second.second, sum.second)
            << machine << ' ' << name_of(key.first) << ' ' << format_time(key.second);
      }
      compare_events(left, right, horizon);
    }
  }
  void compare_events(const MachineRecord& left, const MachineRecord& right, Timestamp horizon) const {
    const TimeRange kept{std::max(horizon, now - days{6}), now};
    const auto a = left.timeline().segments(kept, now), b = right.timeline().segments(kept, now);
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(intersect(a[i].range, kept), intersect(b[i].range, kept));
      ASSERT_TRUE(a[i].category == b[i].category && a[i].minor_stop == b[i].minor_stop);
    }
    const auto made = left.pieces().counted(kept), wanted = right.pieces().counted(kept);
    ASSERT_EQ(made.size(), wanted.size());
    for (std::size_t i = 0; i < made.size(); ++i)
      ASSERT_TRUE(made[i].at == wanted[i].at && made[i].good == wanted[i].good &&
                  made[i].scrap == wanted[i].scrap);
    const TimeRange odd{kept.begin + minutes{17}, kept.end - minutes{3}};
    ASSERT_TRUE(left.account(odd, now) == right.account(odd, now));
    const TimeRange far{kMonday - days{1}, now};
    ASSERT_TRUE(left.account(far, now) == right.account(far, now));
  }
};

class ForgetfulAndLasting : public testing::TestWithParam<int> {};

TEST_P(ForgetfulAndLasting, HaveTheSameFigures) {
  const auto seed = static_cast<std::uint64_t>(GetParam());
  Plausible random{seed};
  const Plant plant = busy_plant(seed % 2 == 1);
  Twins twins{kMonday, plant};
  for (int round = 0; round < 50; ++round) {
    twins.to(twins.now + minutes{20 + random.pick(600)});
    std::vector<Event> events;
    for (std::size_t i = 1 + random.pick(25); i > 0; --i) events.push_back(random.next(twins.now));
    ASSERT_NO_FATAL_FAILURE(twins.commit(std::move(events)));
    if (random.chance(40)) {
      ASSERT_TRUE(twins.forgetful.store->expire_events());
    }
    if (random.chance(15)) {
      ASSERT_TRUE(twins.forgetful.store->seal());
    }
    if (random.chance(4)) {
      Plant other = plant;
      other.machines[random.pick(2)].minor_stop = minutes{random.pick(60)};
      other.machines[0].ideal_cycle = seconds{1 + random.pick(5)};
      ASSERT_NO_FATAL_FAILURE(twins.describe(other));
    }
    if (random.chance(15)) {
      twins.forgetful.reopen();
      // A start judges silence anew once for all withdrawals of its journal, and not commit by commit.
      twins.revised = twins.revised && seed % 2 == 0;
    }
    ASSERT_NO_FATAL_FAILURE(twins.compare()) << "round " << round;
  }
  const StoreView a = twins.forgetful.store->read(), b = twins.lasting.store->read();
  EXPECT_LT(record_of(a).timeline().states().size(), record_of(b).timeline().states().size());
  EXPECT_LT(record_of(a).pieces().pieces().size(), record_of(b).pieces().pieces().size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, ForgetfulAndLasting, testing::Range(0, 12));

/// What stays of before the horizon may have come after the moment asked about; what it took the place of is gone.
TEST(EventRetention, LeavesWhatHoldsAtTheHorizonToAMomentBeforeItCame) {
  ByHand s{kMonday, retaining(2)};
  s.clock.set(kMonday + hours{9});
  Event reading = count("M1", kMonday + hours{7}, kAbsent);
  reading.good_total = 100;
  s.commit({state("M1", kMonday + hours{6}, "down"), reading});
  const Timestamp thursday = kMonday + days{3};
  s.clock.set(thursday + hours{1});
  reading.at = thursday + hours{1}, reading.good_total = 150;
  s.commit({reading});
  const Timestamp then = thursday + hours{2};
  s.clock.set(thursday + hours{3});
  reading.at = kMonday + hours{8}, reading.good_total = 120;
  s.commit({state("M1", kMonday + hours{7}, "running"), reading});
  s.clock.set(kMonday + days{4} + hours{1});
  ASSERT_EQ(*s.store->expire_events(), 2U);
  const auto chosen = [](const StoreView&) { return std::vector{MachineId{0}}; };
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_TRUE(s.store->seal());
    }
    const auto view = s.store->as_of(then, chosen);
    ASSERT_TRUE(view) << view.error().context;
    const Account account =
        view->machine(MachineId{0}).account({thursday, thursday + hours{1} + minutes{1}}, then);
    EXPECT_EQ(account.production, hours{1} + minutes{1});
    EXPECT_EQ(account.good, 30);
  }
}

}  // namespace
}  // namespace takt
