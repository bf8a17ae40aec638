// Readings go by whole days when the plant retains them no more; nothing else does.
#include "tests/engine/engine_store.h"

#include <map>
#include <random>
#include <thread>

#include "engine/disk.h"
#include "engine/inspect.h"

namespace takt {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

const Timestamp kMonday = parse_time("2026-01-05T00:00:00Z").value();
const TimeRange kAll{kMonday - days{30}, kMonday + days{60}};

Plant retaining(std::int64_t readings_days, Plant plant = small_plant()) {
  plant.retention_readings_days = readings_days;
  return plant;
}

std::size_t rows_of(const EngineStore& s, std::string_view tag, TimeRange range = kAll) {
  const StoreView view = s.store->read();
  const ReadingSeries* series = view.series(view.machine("M1")->id(), tag);
  const auto rows = series->snapshot(range).rows(view.chunks());
  EXPECT_TRUE(rows) << rows.error().context;
  return rows ? rows->size() : 0;
}

/// One reading every hour of these days.
void feed(EngineStore& s, Timestamp from, int hours_long) {
  std::vector<Event> events;
  for (int i = 0; i < hours_long; ++i) {
    for (const char* tag : {"a", "b"}) events.push_back(reading("M1", tag, from + hours{i}, i));
  }
  s.commit(std::move(events));
}

std::uint64_t damages(const std::filesystem::path& folder) {
  InspectionOptions options;
  options.tell = [](const Damage& damage) { ADD_FAILURE() << to_string(damage); };
  const auto inspected = inspect_store(folder, options);
  EXPECT_TRUE(inspected) << inspected.error().context;
  return inspected ? inspected->damages : 1;
}

std::uint64_t chunks_on_disk(const std::filesystem::path& folder) {
  const auto disk = Store::Disk::open_to_read(folder);
  EXPECT_TRUE(disk) << disk.error().context;
  std::uint64_t count = 0;
  EXPECT_TRUE(
      (*disk)->scan(Store::Disk::chunk, "", [&](std::string_view, std::string_view) { return ++count, true; }));
  return count;
}

struct ByHand : EngineStore {
  ByHand(Timestamp now, Plant plant) : EngineStore(now, std::move(plant), by_hand()) {}
  static StoreOptions by_hand() {
    StoreOptions options;
    options.fold_every = std::chrono::milliseconds{0};
    return options;
  }
};

TEST(Retention, DropsWholeDaysOfReadingsSealedOrNot) {
  ByHand s{kMonday + days{3} + hours{12}, retaining(2)};
  EXPECT_EQ(s.store->readings_kept_from(), kMonday + days{1});
  s.clock.set(kMonday + hours{1});
  feed(s, kMonday, 48);
  ASSERT_TRUE(s.store->seal());
  s.commit({reading("M1", "late", kMonday + hours{3}, 1), reading("M1", "late", kMonday + hours{30}, 1)});
  EXPECT_EQ(*s.store->expire_readings(), 0U);
  s.clock.set(kMonday + days{3} + hours{12});
  // Of both tags 24 of Monday, and one that is in memory.
  EXPECT_EQ(*s.store->expire_readings(), 49U);
  EXPECT_EQ(*s.store->expire_readings(), 0U);
  for (const bool again : {false, true}) {
    if (again) s.reopen();
    EXPECT_EQ(rows_of(s, "a"), 24U);
    EXPECT_EQ(rows_of(s, "late"), 1U);
    const StoreView view = s.store->read();
    const MachineId machine = view.machine("M1")->id();
    EXPECT_EQ(view.series(machine, "a")->first(), kMonday + hours{24});
    EXPECT_EQ(view.series(machine, "a")->last(), kMonday + hours{47});
    EXPECT_EQ(view.series(machine, "late")->first(), kMonday + hours{30});
  }
  s.store.reset();
  EXPECT_EQ(damages(s.data()), 0U);
  EXPECT_EQ(chunks_on_disk(s.data()), 1U) << "Tuesday's, of both tags";
}

TEST(Retention, LeavesASnapshotWhatItHoldsAndAStopInTheMidstNoDamage) {
  ByHand s{kMonday + hours{1}, retaining(2)};
  feed(s, kMonday, 48);
  ASSERT_TRUE(s.store->seal());
  const TemporaryFolder elsewhere;
  {
    SeriesSnapshot held;
    const ChunkSource* source = nullptr;
    {
      const StoreView view = s.store->read();
      held = view.series(view.machine("M1")->id(), "a")->snapshot(kAll);
      source = &view.chunks();
    }
    s.clock.set(kMonday + days{9});
    EXPECT_EQ(*s.store->expire_readings(), 96U);
    EXPECT_EQ(rows_of(s, "a"), 0U);
    const auto rows = held.rows(*source);
    ASSERT_TRUE(rows) << rows.error().context;
    EXPECT_EQ(rows->size(), 48U);
    // What kill -9 would leave: the days are out of the index, their bytes are there.
    std::filesystem::copy(s.data(), elsewhere.path() / "killed", std::filesystem::copy_options::recursive);
  }
  EXPECT_EQ(*s.store->expire_readings(), 0U);
  s.store.reset();
  EXPECT_EQ(chunks_on_disk(s.data()), 0U);
  EXPECT_EQ(damages(s.data()), 0U);

  const std::filesystem::path killed = elsewhere.path() / "killed";
  EXPECT_EQ(chunks_on_disk(killed), 2U);
  EXPECT_EQ(damages(killed), 0U);
  {
    const auto opened = Store::open(killed, s.options);
    ASSERT_TRUE(opened) << opened.error().context;
    const StoreView view = (*opened)->read();
    EXPECT_FALSE(view.series(view.machine("M1")->id(), "a")->first());
  }
  EXPECT_EQ(chunks_on_disk(killed), 0U);
  EXPECT_EQ(damages(killed), 0U);
}

TEST(Retention, TakesOldDaysInAgainOnceMoreIsRetained) {
  ByHand s{kMonday + hours{1}, retaining(2)};
  feed(s, kMonday, 24);
  s.clock.set(kMonday + days{9});
  // In memory alone, so that the journal has them still.
  EXPECT_EQ(*s.store->expire_readings(), 48U);
  const Event old = reading("M1", "a", kMonday + hours{3}, 7);
  EXPECT_EQ(s.commit({old}).accepted, 1U);
  EXPECT_EQ(rows_of(s, "a"), 0U) << "too old: gone with its day";
  s.describe(retaining(100));
  EXPECT_EQ(s.commit({old}).accepted, 1U);
  EXPECT_EQ(s.commit({old}).duplicate, 1U);
  EXPECT_EQ(rows_of(s, "a"), 1U);
  s.reopen();
  EXPECT_EQ(rows_of(s, "a"), 1U);
  EXPECT_EQ(rows_of(s, "b"), 0U);
  ASSERT_TRUE(s.store->seal());
  s.reopen();
  EXPECT_EQ(rows_of(s, "a"), 1U);
  s.describe(retaining(2));
  EXPECT_EQ(*s.store->expire_readings(), 1U);
  s.reopen();
  EXPECT_EQ(rows_of(s, "a"), 0U);
  s.store.reset();
  EXPECT_EQ(damages(s.data()), 0U);
}

// ---------------------------------------- figures

Plant heeding_silence(Duration timeout, std::int64_t readings_days) {
  Plant plant = retaining(readings_days);
  for (Machine& machine : plant.machines) machine.silence_timeout = timeout;
  return plant;
}

/// What silence decides: how long the machine ran, hour by hour, for as many hours as there are.
std::vector<Duration> running(const EngineStore& s, int hours_long = 30) {
  std::vector<Duration> list;
  for (int i = 0; i < hours_long; ++i) {
    list.push_back(s.account("M1", {kMonday + hours{i}, kMonday + hours{i + 1}}).production);
  }
  return list;
}

/// Heard for 20 minutes of each hour, by readings; the state alone says nothing of that.
void feed_running(EngineStore& s) {
  std::vector<Event> events{state("M1", kMonday, "running"), state("M1", kMonday + hours{40}, "down")};
  for (int i = 0; i < 30; ++i) {
    for (int minute = 0; minute <= 20; minute += 5)
      events.push_back(reading("M1", "a", kMonday + hours{i} + minutes{minute}, minute));
  }
  s.commit(std::move(events));
}

TEST(Retention, ChangesNoFigureOfAMachineThatWasHeardByReadingsAlone) {
  for (const bool sealed : {false, true}) {
    ByHand s{kMonday + hours{1}, heeding_silence(minutes{10}, 2)};
    feed_running(s);
    ASSERT_TRUE(!sealed || s.store->seal());
    s.clock.set(kMonday + days{9});
    const std::vector<Duration> before = running(s);
    EXPECT_EQ(before[5], minutes{30});
    EXPECT_GT(*s.store->expire_readings(), 0U);
    EXPECT_EQ(running(s), before);
    s.reopen();
    EXPECT_EQ(running(s), before);
    // What was withdrawn asks all that is known of readings anew.
    const Event stray = count("M1", kMonday + hours{5} + minutes{45}, 1);
    s.commit({stray});
    EXPECT_NE(running(s), before);
    s.commit({withdrawn(stray)});
    EXPECT_EQ(running(s), before);
    s.reopen();
    EXPECT_EQ(running(s), before);
    // So does another time-out, and the one before gives what it gave.
    s.describe(heeding_silence(minutes{15}, 2));
    EXPECT_EQ(running(s)[5], minutes{35});
    s.reopen();
    EXPECT_EQ(running(s)[5], minutes{35});
    s.describe(heeding_silence(minutes{10}, 2));
    EXPECT_EQ(running(s), before);
    const auto differs = s.store->read().machine("M1")->check();
    EXPECT_FALSE(differs) << *differs;
  }
}

TEST(Retention, KeepsAboutWhenReadingsCameShouldSilenceCountLater) {
  ByHand s{kMonday + hours{1}, heeding_silence(minutes{0}, 2)};
  feed_running(s);
  ASSERT_TRUE(s.store->seal());
  s.clock.set(kMonday + days{9});
  EXPECT_GT(*s.store->expire_readings(), 0U);
  s.describe(heeding_silence(minutes{10}, 2));
  for (const bool again : {false, true}) {
    if (again) s.reopen();
    // From a day's first reading to its last one it counts as heard.
    EXPECT_EQ(running(s)[5], hours{1});
    EXPECT_EQ(running(s)[23], minutes{30});
  }
}

// ---------------------------------------- everything at once

TEST(Retention, BringsNothingBackThatALaterDropOfLessForgot) {
  ByHand s{kMonday + hours{1}, retaining(2)};
  s.commit({reading("M1", "a", kMonday, 1), reading("M1", "a", kMonday + minutes{30}, 2)});
  s.clock.set(kMonday + days{9});
  EXPECT_EQ(*s.store->expire_readings(), 2U);
  s.describe(retaining(100));
  s.commit({reading("M1", "b", kMonday - days{80}, 7)});
  s.clock.set(kMonday + days{50});
  EXPECT_EQ(*s.store->expire_readings(), 1U);
  EXPECT_EQ(rows_of(s, "a"), 0U);
  s.reopen();
  EXPECT_EQ(rows_of(s, "a"), 0U);
}

TEST(Retention, DropsADamagedChunkLikeAnyOther) {
  Plant plant = retaining(2);
  plant.machines[0].silence_timeout = minutes{10};  // so that it matters when they were taken
  ByHand s{kMonday + hours{1}, plant};
  feed(s, kMonday, 10);
  ASSERT_TRUE(s.store->seal());
  s.store.reset();
  EXPECT_EQ(damage_all(s.data(), Store::Disk::chunk), 1U);  // tags sampled together share one
  s.clock.set(kMonday + days{9});
  s.open();
  EXPECT_EQ(*s.store->expire_readings(), 20U);
  EXPECT_EQ(rows_of(s, "a"), 0U);
}

TEST(Retention, GivesRoomOnADiskThatIsNearlyFull) {
  ByHand s{kMonday + hours{1}, retaining(2)};
  s.commit({reading("M1", "a", kMonday, 1)});
  ASSERT_TRUE(s.store->seal());
  s.options.reserve_bytes = std::uint64_t{1} << 60U;
  s.reopen();
  s.clock.set(kMonday + days{9});
  EXPECT_FALSE(s.try_commit({reading("M1", "a", kMonday + days{9}, 1)}));
  EXPECT_EQ(*s.store->expire_readings(), 1U);
}

TEST(Retention, LeavesNoRowsOfADroppedDayToBeExported) {
  ByHand s{kMonday + hours{20}, retaining(2)};
  feed(s, kMonday, 10);
  feed(s, kMonday + days{3}, 10);
  s.clock.set(kMonday + days{4});
  ASSERT_TRUE(s.store->expire_readings());
  const StoreView view = s.store->read();
  const ReadingSeries& series = *view.series(view.machine("M1")->id(), "a");
  EXPECT_FALSE(series.has_rows_of_day(kMonday + hours{12}));
  EXPECT_TRUE(series.has_rows_of_day(kMonday + days{3} + hours{23}));
}

TEST(Retention, WaitsWhereTheClockHasLeftAllDataBehind) {
  EngineStore s{kMonday + hours{20}, retaining(2)};
  s.options.fold_every = std::chrono::milliseconds{1};
  s.reopen();
  feed(s, kMonday, 10);
  const auto wait_for = [&](std::string_view outcome) {
    for (int i = 0; i < 20'000; ++i) {
      const std::vector<JobReport> jobs = s.store->jobs();
      if (!jobs.empty() && jobs.front().outcome.find(outcome) != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    return false;
  };
  s.clock.set(kMonday + days{3650});
  EXPECT_TRUE(wait_for("clock may be wrong"));
  EXPECT_EQ(rows_of(s, "a"), 10U);
  s.clock.set(kMonday + days{9});  // put right, and the plant goes on
  s.commit({reading("M1", "a", kMonday + days{9}, 1)});
  EXPECT_TRUE(wait_for("are kept from 2026-01-12"));
  EXPECT_EQ(rows_of(s, "a"), 1U);
}

TEST(RetentionProperty, RowsAreThoseOfTheDaysKeptWhateverHappensInBetween) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    Timestamp now = kMonday + hours{20};
    ByHand s{now, retaining(3)};
    s.options.sealing.journal_bytes = seed % 2 == 0 ? 4000 : std::size_t{1} << 30U;
    s.reopen();
    std::map<std::pair<std::string, Timestamp>, double> model;
    std::int64_t retention = 3;
    std::vector<SeriesSnapshot> held;
    for (int step = 0; step < 160; ++step) {
      now += minutes{static_cast<std::int64_t>(random() % 180)};
      s.clock.set(now);
      std::vector<Event> events;
      for (std::uint64_t n = random() % 30; n > 0; --n) {
        static constexpr const char* kTags[] = {"a", "b", "c"};
        const char* tag = kTags[random() % 3];
        const Timestamp at =
            now - (random() % 4 == 0 ? minutes{random() % (24 * 60 * 6)} : minutes{random() % 60});
        const double value = static_cast<double>(random() % 100);
        if (model.contains({tag, at})) continue;
        events.push_back(reading("M1", tag, at, value));
        if (at >= s.store->readings_kept_from()) model[{tag, at}] = value;
      }
      s.commit(std::move(events));
      switch (random() % 16) {
        case 0:
          ASSERT_TRUE(s.store->seal());
          break;
        case 1:
          while (*s.store->fold()) continue;
          break;
        case 2:
          held.clear();
          s.reopen();
          break;
        case 3:
          retention = static_cast<std::int64_t>(1 + random() % 5);
          s.describe(retaining(retention));
          break;
        case 4:
        case 5: {
          ASSERT_TRUE(s.store->expire_readings());
          const Timestamp kept = s.store->readings_kept_from();
          std::erase_if(model, [&](const auto& row) { return row.first.second < kept; });
          break;
        }
        case 6:
          if (const auto* series = s.store->read().series(MachineId{0}, "a"))
            held.push_back(series->snapshot(kAll));
          break;
        default:
          break;
      }
      if (step % 8 != 0) continue;
      const StoreView view = s.store->read();
      for (const char* tag : {"a", "b", "c"}) {
        const ReadingSeries* series = view.series(view.machine("M1")->id(), tag);
        if (series == nullptr) continue;
        const auto rows = series->snapshot(kAll).rows(view.chunks());
        ASSERT_TRUE(rows) << rows.error().context;
        std::size_t i = 0;
        for (const auto& [key, value] : model) {
          if (key.first != tag) continue;
          ASSERT_LT(i, rows->size()) << tag << " " << format_time(key.second);
          ASSERT_EQ((*rows)[i].at, key.second);
          ASSERT_EQ((*rows)[i++].number, value);
        }
        ASSERT_EQ(i, rows->size()) << tag;
      }
    }
    held.clear();
    s.store.reset();
    EXPECT_EQ(damages(s.data()), 0U);
  }
}

}  // namespace
}  // namespace takt
