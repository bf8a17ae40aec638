// A change of the plant beside backups, compaction and sealing: what is restored holds the old description wholly
// or the new one wholly, with its figures and its entry in the audit log.
#include "engine/backup.h"
#include "engine/compact.h"
#include "engine/inspect.h"
#include "tests/engine/engine_store.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

namespace takt {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;

const Timestamp kMidnight = from_micros(1'767'571'200'000'000);  // 2026-01-05T00:00:00Z, a Monday
const Timestamp kNow = kMidnight + 11 * 24h;
const Timestamp kFrom = kMidnight + 4 * 24h;  // when new descriptions begin to hold: in the past of both machines
const TimeRange kAll{kBeginOfTime, kEndOfTime};
constexpr std::int64_t kDays = 10, kDaysBefore = 4, kPieces = 100;

/// Ten days with an hour of running, a stop of five minutes in it, and a hundred pieces each.
std::vector<Event> ten_days(std::string_view machine) {
  std::vector<Event> events;
  for (int day = 0; day < kDays; ++day) {
    const Timestamp t = kMidnight + day * 24h + 8h;
    events.push_back(state(machine, t, "running"));
    events.push_back(state(machine, t + 10min, "down"));
    events.push_back(state(machine, t + 15min, "running"));
    events.push_back(count(machine, t + 30min, kPieces));
    events.push_back(state(machine, t + 1h, "off"));
  }
  return events;
}

/// A cycle of `seconds` for both machines; with an odd one their stops are minor, with an even one they are not.
Plant described(int seconds) {
  Plant plant = small_plant();
  plant.name = plant.id;
  for (Machine& machine : plant.machines) {
    machine.ideal_cycle = std::chrono::seconds{seconds};
    machine.minor_stop = seconds % 2 == 1 ? 300s : 60s;
  }
  return plant;
}

std::vector<std::string> damages_of(const fs::path& data) {
  std::vector<std::string> texts;
  InspectionOptions options;
  options.tell = [&](const Damage& damage) { texts.push_back(to_string(damage)); };
  EXPECT_TRUE(inspect_store(data, options));
  return texts;
}

/// Looks a folder through, then opens it: both machines are wholly by one description, whose cycle is returned.
int expect_one_description(const fs::path& data, const StoreOptions& options) {
  EXPECT_THAT(damages_of(data), ElementsAre());
  const auto store = Store::open(data, options);
  if (!store) {
    ADD_FAILURE() << store.error().context;
    return 0;
  }
  const auto plant = (*store)->plant();
  const auto seconds = static_cast<int>(plant->machine("M1")->ideal_cycle.value_or(0s) / 1s);
  EXPECT_TRUE(*plant == described(seconds));
  const StoreView view = (*store)->read();
  for (const char* machine : {"M1", "M2"}) {
    SCOPED_TRACE(machine);
    EXPECT_EQ(view.machine(machine)->check(), std::nullopt);
    const Account a = view.machine(machine)->account(kAll, kNow);
    EXPECT_EQ(a.good, kDays * kPieces);
    const std::int64_t of_days = kDaysBefore + (kDays - kDaysBefore) * seconds;
    EXPECT_EQ(static_cast<std::int64_t>(a.ideal_good), kPieces * 1'000'000 * of_days);
    EXPECT_EQ(a.stops, kDays);
    EXPECT_EQ(a.minor_stops, seconds % 2 == 1 ? kDays : kDaysBefore);
  }
  const std::vector<AuditEntry> audit = (*store)->audit(0, 1000).value();
  EXPECT_EQ(audit.size(), static_cast<std::size_t>(seconds));
  for (std::size_t i = 0; i < audit.size(); ++i)
    EXPECT_EQ(audit[i].previous, i == 0 ? std::string(64, '0') : audit[i - 1].hash);
  return seconds;
}

/// A store that takes a new description as slowly as it can, and lets the test in between.
struct Scene {
  std::function<void()> between_looks = [] {};
  EngineStore s;
  fs::path backups = s.folder.path() / "backups";
  int restored = 0;

  explicit Scene(Duration look = 0us) : s{kNow, described(1), options(look)} {
    s.commit(ten_days("M1"));
    s.commit(ten_days("M2"));
  }
  StoreOptions options(Duration look) {
    StoreOptions how;
    how.plant_change_look = look;
    how.fold_every = 0ms;
    how.between_looks = [this] { between_looks(); };
    return how;
  }
  /// Of the store itself, once it is closed, and of what is restored: no more seams.
  StoreOptions plain() {
    StoreOptions how;
    how.clock = &s.clock;
    return how;
  }
  std::uint32_t back_up() {
    const auto made = s.store->back_up(backups, {});
    if (made) return made->backup.number;
    ADD_FAILURE() << made.error().context;
    return 0;
  }
  fs::path restore(std::uint32_t number) {
    const fs::path to = s.folder.path() / ("restored" + std::to_string(++restored));
    const auto done = restore_backup(backups, number, to, [](const fs::path&) { return Result<void>{}; });
    if (!done) ADD_FAILURE() << done.error().context;
    return to;
  }
  void change_to(int seconds) {
    const auto changed = s.store->set_plant(described(seconds), kFrom, false);
    if (!changed) ADD_FAILURE() << changed.error().context;
  }
};

TEST(ReplanBackup, MadeAtAnyPointOfAChangeIsWhollyOfTheOldDescription) {
  Scene scene;
  std::vector<std::uint32_t> meanwhile;
  int looks = 0;
  scene.between_looks = [&] {
    if (looks++ % 3 == 0) meanwhile.push_back(scene.back_up());
  };
  scene.change_to(2);
  scene.between_looks = [] {};
  const std::uint32_t after = scene.back_up();
  ASSERT_GE(meanwhile.size(), 4U);
  for (const std::uint32_t number : meanwhile)
    EXPECT_EQ(expect_one_description(scene.restore(number), scene.plain()), 1) << number;
  EXPECT_EQ(expect_one_description(scene.restore(after), scene.plain()), 2);
}

TEST(ReplanBackup, OfAChangeThatDidNotEndCanBeChangedAgain) {
  Scene scene;
  int looks = 0;
  std::uint32_t number = 0;
  scene.between_looks = [&] {
    if (++looks == 8) number = scene.back_up();
  };
  scene.change_to(2);
  ASSERT_NE(number, 0U);
  const fs::path restored = scene.restore(number);
  {
    const auto store = Store::open(restored, scene.plain());
    ASSERT_TRUE(store) << store.error().context;
    ASSERT_TRUE((*store)->set_plant(described(2), kFrom, false));
  }
  EXPECT_EQ(expect_one_description(restored, scene.plain()), 2);
}

TEST(ReplanBackup, WithCompactionAndSealingBetweenTheLooksChangesNoFigure) {
  Scene scene;
  std::uint32_t last = 0;
  int looks = 0;
  scene.between_looks = [&] {
    const int turn = looks++ % 3;
    EXPECT_TRUE(turn != 0 || scene.s.store->seal());
    EXPECT_TRUE(turn != 1 || scene.s.store->compact());
    if (turn == 2) last = scene.back_up();
  };
  scene.change_to(2);
  scene.between_looks = [] {};
  ASSERT_GE(looks, 8);
  EXPECT_TRUE(scene.s.store->seal());
  EXPECT_TRUE(scene.s.store->compact());
  EXPECT_EQ(expect_one_description(scene.restore(last), scene.plain()), 1);
  EXPECT_EQ(expect_one_description(scene.restore(scene.back_up()), scene.plain()), 2);
  scene.s.store.reset();
  EXPECT_EQ(expect_one_description(scene.s.data(), scene.plain()), 2);
}

TEST(ReplanBackup, OfAStoreThatIsCompactedWhenStoppedInTheMidst) {
  Scene scene;
  int looks = 0;
  scene.between_looks = [&] {
    if (++looks == 8) scene.s.store->stop_intake();
  };
  const auto changed = scene.s.store->set_plant(described(2), kFrom, false);
  ASSERT_FALSE(changed);
  scene.s.store.reset();
  const auto compacted = compact_store(scene.s.data(), {});
  ASSERT_TRUE(compacted) << compacted.error().context;
  const auto made = back_up(scene.s.data(), scene.backups, {});
  ASSERT_TRUE(made) << made.error().context;
  EXPECT_EQ(expect_one_description(scene.s.data(), scene.plain()), 1);
  EXPECT_EQ(expect_one_description(scene.restore(made->backup.number), scene.plain()), 1);
}

/// Whoever comes first: descriptions one after another, backups, and all that rewrites files.
TEST(ReplanBackupConcurrency, HoldsOneDescriptionInEveryBackup) {
  Scene scene{1ms};
  std::atomic<bool> done{false};
  std::thread changes{[&] {
    for (int seconds = 2; seconds <= 40 && !done; ++seconds) scene.change_to(seconds);
  }};
  std::thread compactions{[&] {
    while (!done) {
      EXPECT_TRUE(scene.s.store->seal());
      EXPECT_TRUE(scene.s.store->compact());
    }
  }};
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 6; ++i) numbers.push_back(scene.back_up());
  done = true;
  changes.join();
  compactions.join();
  numbers.push_back(scene.back_up());
  int newest = 0;
  for (const std::uint32_t number : numbers) {
    const int seconds = expect_one_description(scene.restore(number), scene.plain());
    EXPECT_GE(seconds, newest) << "backup " << number;
    newest = seconds;
  }
  scene.s.store.reset();
  EXPECT_EQ(expect_one_description(scene.s.data(), scene.plain()), newest);
}

}  // namespace
}  // namespace takt
