// How a new description takes hold of the past: only where it differs, beside commits and queries, all at once.
#include "engine/audit.h"
#include "engine/inspect.h"
#include "tests/engine/engine_store.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

namespace takt {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const Timestamp kMidnight = from_micros(1'767'571'200'000'000);  // 2026-01-05T00:00:00Z, a Monday
const TimeRange kAll{kBeginOfTime, kEndOfTime};

/// A store that looks at a day of a machine at a time, and lets the test in between.
struct Seamed {
  std::function<void()> between_looks = [] {};
  EngineStore s;

  explicit Seamed(Timestamp now, Plant plant = small_plant()) : s{now, std::move(plant), options()} {}
  StoreOptions options() {
    StoreOptions how;
    how.plant_change_look = 0us;
    how.fold_every = 0ms;  // no other jobs
    how.between_looks = [this] { between_looks(); };
    return how;
  }
  /// All that is kept of a machine's figures.
  MachineCheckpoint kept(std::string_view machine) const {
    const StoreView view = s.store->read();
    return view.machine(machine)->checkpoint(view.sequence(), kBeginOfTime);
  }
  /// That a start, which computes all anew, comes to the same sums and revisions.
  void expect_same_after_a_restart() {
    const auto first = kept("M1"), second = kept("M2");
    EXPECT_EQ(s.store->read().machine("M1")->check(), std::nullopt);
    s.reopen();
    EXPECT_EQ(kept("M1"), first);
    EXPECT_EQ(kept("M2"), second);
  }
  Sequence day_revision(std::string_view machine, Timestamp day) const {
    const StoreView view = s.store->read();
    return view.machine(machine)->revision(Grain::day, view.master().wall().bucket_at(Grain::day, day).range);
  }
};

/// Ten days with an hour of running and a hundred pieces each, then off.
std::vector<Event> ten_days(std::string_view machine) {
  std::vector<Event> events;
  for (int day = 0; day < 10; ++day) {
    const Timestamp t = kMidnight + day * 24h + 8h;
    events.push_back(state(machine, t, "running"));
    events.push_back(count(machine, t + 30min, 100));
    events.push_back(state(machine, t + 1h, "off"));
  }
  return events;
}

TEST(Replan, TouchesOnlyTheMachineAndTheDaysThatItConcerns) {
  Seamed seamed{kMidnight + 11 * 24h};
  EngineStore& s = seamed.s;
  s.commit(ten_days("M1"));
  s.commit(ten_days("M2"));
  Plant slower = small_plant();
  slower.machines[0].ideal_cycle = 2s;
  const Timestamp from = kMidnight + 6 * 24h;
  const auto dry = s.store->set_plant(slower, from, true);
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->machines_recomputed, 1U);
  int looks = 0;
  seamed.between_looks = [&] { ++looks; };
  const auto changed = s.store->set_plant(slower, from, false);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->machines_recomputed, 1U);
  EXPECT_LE(looks, 10);  // two to find them, one a day, and one to see that nothing is left
  for (int day = 0; day < 10; ++day) {
    const Timestamp noon = kMidnight + day * 24h + 12h;
    EXPECT_EQ(seamed.day_revision("M1", noon) == changed->sequence, day >= 6) << day;
    EXPECT_LT(seamed.day_revision("M2", noon), changed->sequence) << day;
  }
  seamed.expect_same_after_a_restart();
}

TEST(Replan, OfWhatChangesNoSumsRecomputesNothing) {
  Seamed seamed{kMidnight + 11 * 24h};
  seamed.s.commit(ten_days("M1"));
  Plant plant = small_plant();
  plant.name = "another";
  plant.minor_stops = MinorStopPolicy::performance;
  plant.unknown_time = UnknownTimePolicy::stop;
  plant.machines.push_back(plant.machines[0]);
  plant.machines.back().id = "M3";
  const auto changed = seamed.s.store->set_plant(plant, std::nullopt, false);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->machines_recomputed, 0U);
  EXPECT_EQ(changed->machines_added, 1U);
  EXPECT_EQ(seamed.s.account("M1", kAll).good, 1000);
}

TEST(Replan, ShowsTheOldFiguresUntilAllAreNewAndTakesCommitsMeanwhile) {
  Seamed seamed{kMidnight + 11 * 24h};
  EngineStore& s = seamed.s;
  s.commit(ten_days("M1"));
  s.commit(ten_days("M2"));
  Plant slower = small_plant();
  slower.machines[0].ideal_cycle = slower.machines[1].ideal_cycle = 3s;
  int looks = 0;
  seamed.between_looks = [&] {
    const Timestamp t = kMidnight + (++looks % 10) * 24h + 8h + looks * 1ms;
    if (looks <= 40) s.commit({count("M1", t, 1), count("M2", t, 1)});
    for (const char* machine : {"M1", "M2"}) {
      const Account a = s.account(machine, kAll);
      EXPECT_EQ(static_cast<std::int64_t>(a.ideal_good), a.good * 1'000'000) << machine;
    }
  };
  const auto changed = s.store->set_plant(slower, std::nullopt, false);
  ASSERT_TRUE(changed);
  EXPECT_GE(looks, 20);
  for (const char* machine : {"M1", "M2"}) {
    const Account a = s.account(machine, kAll);
    EXPECT_EQ(a.good, 1000 + std::min(looks, 40)) << machine;
    EXPECT_EQ(static_cast<std::int64_t>(a.ideal_good), a.good * 3'000'000) << machine;
  }
  seamed.expect_same_after_a_restart();
}

TEST(Replan, KnowsStatesThatAreNamedForTheFirstTimeMeanwhile) {
  for (const bool m2_has_another_cycle : {false, true}) {
    Seamed seamed{kMidnight + 72h};
    EngineStore& s = seamed.s;
    s.commit(ten_days("M1"));
    s.commit({state("M2", kMidnight + 6h, "running"), state("M2", kMidnight + 20h, "off")});
    Plant plant = small_plant();
    plant.states = {{"Polishing", TimeCategory::production}};
    plant.machines[0].ideal_cycle = 2s;
    if (m2_has_another_cycle) plant.machines[1].ideal_cycle = 2s;
    int looks = 0;
    seamed.between_looks = [&] {
      if (++looks == 6)
        s.commit({state("M2", kMidnight + 10h, "polishing"), state("M2", kMidnight + 12h, "running")});
    };
    ASSERT_TRUE(s.store->set_plant(plant, std::nullopt, false));
    ASSERT_GE(looks, 6);
    EXPECT_EQ(s.account("M2", kAll).production, 14h);
    EXPECT_EQ(s.account("M2", kAll).stop, 0h);
    EXPECT_EQ(s.store->read().machine("M2")->check(), std::nullopt);
    seamed.expect_same_after_a_restart();
  }
}

TEST(Replan, CountsMachinesThatItConcernsByEventsOfMeanwhile) {
  Seamed seamed{kMidnight + 11 * 24h};
  EngineStore& s = seamed.s;
  s.commit(ten_days("M1"));
  s.commit({state("M2", kMidnight + 6h, "running"), state("M2", kMidnight + 20h, "off")});
  Plant slower = small_plant();
  for (Machine& machine : slower.machines) machine.ideal_cycle = 2s;
  int looks = 0;
  seamed.between_looks = [&] {
    if (++looks == 8) s.commit({count("M2", kMidnight + 7h, 5)});
  };
  const auto changed = s.store->set_plant(slower, std::nullopt, false);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->machines_recomputed, 2U);
  const std::vector<AuditEntry> entries = s.store->audit(0, 100).value();
  EXPECT_EQ(entries.back().details.at("machines"), (boost::json::array{"M1", "M2"}));
}

TEST(Replan, JudgesAStopWholeThatEndsOnADayThatIsNotConcerned) {
  Seamed seamed{kMidnight + 72h};
  // Seven minutes around midnight: minor only by the limit that holds from noon on, later also before.
  seamed.s.commit({state("M1", kMidnight + 6h, "running"), state("M1", kMidnight + 24h - 4min, "down"),
                   state("M1", kMidnight + 24h + 3min, "running"), state("M1", kMidnight + 40h, "off")});
  Plant patient = small_plant();
  patient.machines[0].minor_stop = 600s;
  ASSERT_TRUE(seamed.s.store->set_plant(patient, kMidnight + 24h, false));
  EXPECT_EQ(seamed.s.account("M1", kAll).minor_stops, 0);
  ASSERT_TRUE(seamed.s.store->set_plant(patient, kMidnight + 1h, false));
  EXPECT_EQ(seamed.s.account("M1", kAll).minor_stop, 7min);
  seamed.expect_same_after_a_restart();
}

TEST(Replan, JudgesAStopWholeThatBeginsOnADayThatIsNotConcerned) {
  Plant plant = small_plant();
  plant.states = {{"JAMMED", TimeCategory::stop}};
  Seamed seamed{kMidnight + 72h, plant};
  seamed.s.commit({state("M1", kMidnight + 6h, "running"), state("M1", kMidnight + 24h - 4min, "down"),
                   state("M1", kMidnight + 24h, "JAMMED"), state("M1", kMidnight + 24h + 3min, "running"),
                   state("M1", kMidnight + 40h, "off")});
  EXPECT_EQ(seamed.s.account("M1", kAll).minor_stops, 0);
  plant.states[0].category = TimeCategory::production;
  ASSERT_TRUE(seamed.s.store->set_plant(plant, kMidnight + 24h, false));
  EXPECT_EQ(seamed.s.account("M1", kAll).minor_stop, 4min);
  seamed.expect_same_after_a_restart();
}

TEST(Replan, KeepsTheRevisionOfADayWhoseHoursAloneHaveChanged) {
  // Of Kathmandu's day the first 5:45 h lie in another day of UTC.
  const auto with_break = [](Duration from) {
    Plant plant = small_plant();
    plant.timezone = "Asia/Kathmandu";
    Shift& shift = plant.shifts.emplace_back();
    shift.id = shift.name = "all";
    shift.breaks = {{from, from + 30min}};
    return plant;
  };
  Seamed seamed{kMidnight + 72h, with_break(5h)};
  seamed.s.commit({state("M1", kMidnight - 10h, "running"), state("M1", kMidnight + 40h, "off")});
  const Sequence before = seamed.day_revision("M1", kMidnight);
  const auto changed = seamed.s.store->set_plant(with_break(6h), std::nullopt, false);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->machines_recomputed, 1U);
  EXPECT_EQ(seamed.day_revision("M1", kMidnight), before);
  const StoreView view = seamed.s.store->read();
  EXPECT_EQ(
      view.machine("M1")->revision(Grain::hour, view.master().wall().bucket_at(Grain::hour, kMidnight).range),
      changed->sequence);
}

TEST(Replan, KeepsWhatEventsReferToSinceItWasBegun) {
  Seamed seamed{kMidnight + 11 * 24h};
  EngineStore& s = seamed.s;
  s.commit(ten_days("M1"));
  Plant less = small_plant();
  less.machines.pop_back();
  less.machines[0].ideal_cycle = 2s;
  std::erase_if(less.reasons, [](const Reason& reason) { return reason.code == "FAIL"; });
  bool sent = false;
  seamed.between_looks = [&] {
    if (!std::exchange(sent, true)) s.commit({state("M2", kMidnight, "down", "FAIL")});
  };
  const auto changed = s.store->set_plant(less, std::nullopt, false);
  ASSERT_TRUE(changed);
  EXPECT_THAT(changed->kept_inactive, ElementsAre("M2"));
  EXPECT_NE(s.store->plant()->reason("FAIL"), nullptr);
  seamed.expect_same_after_a_restart();
}

TEST(Replan, LeavesEverythingAsItWasWhenGivenUp) {
  Seamed seamed{kMidnight + 11 * 24h};
  EngineStore& s = seamed.s;
  s.commit(ten_days("M1"));
  Plant slower = small_plant();
  slower.machines[0].ideal_cycle = 2s;
  const Sequence before = s.store->sequence();
  std::stop_source source;
  int looks = 0;
  seamed.between_looks = [&] {
    if (++looks == 4) source.request_stop();
  };
  const auto changed = s.store->set_plant(slower, std::nullopt, false, {}, source.get_token());
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::cancelled);
  EXPECT_EQ(s.store->sequence(), before);
  EXPECT_EQ(*s.store->plant(), small_plant());
  EXPECT_EQ(s.store->audit(0, 100)->size(), 1U);
  seamed.between_looks = [] {};
  s.commit({count("M1", kMidnight, 5)});
  ASSERT_TRUE(s.store->set_plant(slower, std::nullopt, false));
  EXPECT_EQ(static_cast<std::int64_t>(s.account("M1", kAll).ideal_good), 1005 * 2'000'000);
  seamed.expect_same_after_a_restart();
}

TEST(Replan, GivesUpWhenTheServerStops) {
  Seamed seamed{kMidnight + 11 * 24h};
  seamed.s.commit(ten_days("M1"));
  Plant slower = small_plant();
  slower.machines[0].ideal_cycle = 2s;
  seamed.between_looks = [&] { seamed.s.store->stop_intake(); };
  const auto changed = seamed.s.store->set_plant(slower, std::nullopt, false);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::unavailable);
  seamed.between_looks = [] {};
  seamed.expect_same_after_a_restart();
}

TEST(Replan, RefusesASecondDescriptionMeanwhileAndTellsHowFarTheFirstIs) {
  Seamed seamed{kMidnight + 11 * 24h};
  EngineStore& s = seamed.s;
  s.commit(ten_days("M1"));
  Plant slower = small_plant();
  slower.machines[0].ideal_cycle = 2s;
  bool asked = false;
  std::future<Result<void>> added;
  seamed.between_looks = [&] {
    const JobReport job = s.store->jobs().at(0);
    EXPECT_EQ(job.name, "plant change");
    if (!job.done || std::exchange(asked, true)) return;
    const auto second = s.store->set_plant(small_plant(), std::nullopt, false);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::conflict);
    added = std::async(std::launch::async, [&] { return s.store->register_machines({"M9"}); });
  };
  ASSERT_TRUE(s.store->set_plant(slower, std::nullopt, false));
  ASSERT_TRUE(asked);
  ASSERT_TRUE(added.get());  // it waited for its turn
  EXPECT_NE(s.store->plant()->machine("M9"), nullptr);
  EXPECT_EQ(s.store->plant()->machine("M1")->ideal_cycle, 2s);
  EXPECT_THAT(s.store->jobs()[0].outcome, HasSubstr("done as commit"));
}

/// Two machines that always have the same pieces and cycle: whoever sees them differ has seen half a change.
TEST(ReplanConcurrency, ShowsEveryReaderOneDescriptionForAllMachines) {
  const Timestamp now = kMidnight + 11 * 24h;
  EngineStore s{now};
  s.commit(ten_days("M1"));
  s.commit(ten_days("M2"));
  std::atomic<bool> done{false};
  const auto read = [&] {
    while (!done) {
      const StoreView view = s.store->read();
      const Account a = view.machine("M1")->account(kAll, now), b = view.machine("M2")->account(kAll, now);
      EXPECT_EQ(a, b);
      const std::int64_t cycle = view.master().latest().settings(view.machine("M1")->id()).ideal_cycle->count();
      EXPECT_EQ(static_cast<std::int64_t>(a.ideal_produced), a.good * cycle);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back(read);
  threads.emplace_back([&] {
    for (int i = 1; i <= 12; ++i) {
      Plant plant = small_plant();
      plant.machines[0].ideal_cycle = plant.machines[1].ideal_cycle = std::chrono::seconds{i};
      plant.machines[0].minor_stop = plant.machines[1].minor_stop = std::chrono::minutes{i};
      EXPECT_TRUE(s.store->set_plant(plant, std::nullopt, false));
    }
  });
  for (int i = 0; i < 100; ++i) {
    const Timestamp t = kMidnight + (i % 10) * 24h + 12h + i * 1min;
    const char* name = i % 3 == 0 ? "running" : i % 3 == 1 ? "down" : "held";
    s.commit({count("M1", t, 1), count("M2", t, 1), state("M1", t, name), state("M2", t, name)});
  }
  threads.back().join();
  done = true;
  threads.pop_back();
  for (std::thread& thread : threads) thread.join();
  for (const char* machine : {"M1", "M2"}) EXPECT_EQ(s.store->read().machine(machine)->check(), std::nullopt);
}

// ---------------------------------------- audit

Plant with_cycle(Duration cycle) {
  Plant plant = small_plant();
  plant.machines[0].ideal_cycle = cycle;
  return plant;
}

TEST(Audit, TellsWhoChangedWhatAndOutlivesARestart) {
  EngineStore s{kMidnight + 11 * 24h};
  s.commit(ten_days("M1"));
  ASSERT_TRUE(s.store->set_plant(with_cycle(2s), kMidnight, false, {"http 192.0.2.7", "anna"}));
  ASSERT_TRUE(s.store->set_plant(with_cycle(3s), kMidnight, true, {"http 192.0.2.7", "anna"}));  // dry
  s.reopen();
  ASSERT_TRUE(s.store->set_plant(with_cycle(4s), std::nullopt, false));
  const std::vector<AuditEntry> entries = s.store->audit(0, 100).value();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].previous, std::string(64, '0'));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(entries[i].number, i + 1);
  for (std::size_t i = 1; i < 3; ++i) EXPECT_EQ(entries[i].previous, entries[i - 1].hash);
  EXPECT_EQ(entries[1].author.by, "anna");
  EXPECT_EQ(entries[1].author.actor, "http 192.0.2.7");
  EXPECT_EQ(entries[1].action, "plant.change");
  EXPECT_EQ(entries[1].details.at("valid_from"), "2026-01-05T00:00:00Z");
  EXPECT_EQ(entries[1].details.at("changed"), boost::json::array{"machine"});
  EXPECT_EQ(entries[1].details.at("machines"), boost::json::array{"M1"});
  EXPECT_EQ(entries[1].details.at("machines_recomputed"), 1);
  EXPECT_EQ(entries[2].author.actor, "command line");
  EXPECT_EQ(s.store->audit(1, 1)->at(0).number, 2U);
  EXPECT_TRUE(s.store->audit(3, 100)->empty());
  EXPECT_TRUE(s.store->audit(~std::uint64_t{0}, 100)->empty());
}

Event classified(Timestamp from, std::string_view reason, std::string_view by) {
  Event e;
  e.type = EventType::classify;
  e.machine = "M1";
  e.at = from;
  e.end = from + std::chrono::minutes{5};
  e.reason = reason, e.by = by;
  return e;
}

EventBatch batch_of(const std::vector<Event>& events) {
  EventBatch batch;
  for (const Event& event : events) {
    batch.indexes.push_back(batch.events.size());
    batch.events.push_back(event);
  }
  return batch;
}

TEST(Audit, KeepsWhoSaidWhyAMachineStood) {
  EngineStore s{kMidnight + std::chrono::days{1}};
  const auto later = [](int minutes) { return kMidnight + std::chrono::minutes{minutes}; };
  ASSERT_TRUE(s.store->commit(batch_of({classified(later(0), "FAIL", "anna"), state("M1", later(0), "down"),
                                        classified(later(10), "TOOL", "anna")}),
                              "http 192.0.2.7"));
  ASSERT_TRUE(s.store->commit(batch_of({classified(later(0), "FAIL", "anna")}), "http 192.0.2.7"));  // known
  ASSERT_TRUE(s.store->commit(batch_of({withdrawn(classified(later(0), "FAIL", "anna"))}), "tcp press"));
  std::vector<Event> many;
  for (int i = 0; i < 101; ++i) many.push_back(classified(later(20 + 5 * i), "TOOL", "import"));
  ASSERT_TRUE(s.store->commit(batch_of(many), "http 192.0.2.8"));
  const auto entries = *s.store->audit(1, 100);  // the first is the plant
  ASSERT_EQ(entries.size(), 4U);
  const std::array<std::string, 4> actions{"classify", "classify", "classify.withdraw", "classify.many"};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(entries[i].action, actions.at(i));
    EXPECT_EQ(entries[i].number, i + 2);
    EXPECT_EQ(entries[i].previous, i == 0 ? s.store->audit(0, 1)->at(0).hash : entries[i - 1].hash);
  }
  EXPECT_EQ(entries[0].author.by, "anna");
  EXPECT_EQ(entries[0].author.actor, "http 192.0.2.7");
  EXPECT_EQ(entries[0].details.at("event").at("reason"), "FAIL");
  EXPECT_EQ(entries[0].details.at("event").at("machine"), "M1");
  EXPECT_EQ(entries[1].details.at("event").at("reason"), "TOOL");
  EXPECT_EQ(entries[2].author.actor, "tcp press");
  EXPECT_EQ(entries[3].details.at("events"), 101);
}

TEST(CheckOfFigures, ComparesTheSumsOfOneMachineAfterTheOtherWithItsEvents) {
  EngineStore s{kMidnight + std::chrono::days{2}};
  EXPECT_EQ(*s.store->check_figures(0), "M1 on 2026-01-07T00:00:00Z: as its events say") << "nothing is nothing";
  s.commit({state("M1", kMidnight + std::chrono::hours{30}, "running"),
            count("M1", kMidnight + std::chrono::hours{31}, 5)});
  EXPECT_EQ(*s.store->check_figures(0), "M1 on 2026-01-06T00:00:00Z: as its events say");
  EXPECT_EQ(*s.store->check_figures(3), "M2 on 2026-01-07T00:00:00Z: as its events say");
}

TEST(Audit, HashesAsSha256Does) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/// Damages that inspecting tells of, each by a part of its text.
std::vector<std::string> damages_of(const std::filesystem::path& data) {
  std::vector<std::string> texts;
  InspectionOptions options;
  options.tell = [&](const Damage& damage) { texts.push_back(to_string(damage)); };
  EXPECT_TRUE(inspect_store(data, options));
  return texts;
}

class TamperedAudit : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 1; i <= 3; ++i)
      ASSERT_TRUE(s_.store->set_plant(with_cycle(std::chrono::seconds{i + 1}), {}, false));
    s_.store.reset();
    EXPECT_THAT(damages_of(s_.data()), ElementsAre());
  }
  template <class Change>
  std::vector<std::string> after(Change change) {
    {
      const auto disk = Store::Disk::open(s_.data());
      EXPECT_TRUE(disk);
      rocksdb::WriteBatch batch;
      change(**disk, batch);
      EXPECT_TRUE((*disk)->write(batch));
    }
    return damages_of(s_.data());
  }
  /// An entry with other content and its right hash.
  static std::string forged(const Store::Disk& disk, std::uint64_t number) {
    auto entry = decode_audit(*disk.get(Store::Disk::meta, audit_key(number)));
    entry->author.by = "nobody";
    return encode_audit(*entry);
  }

  EngineStore s_{kMidnight};
};

TEST_F(TamperedAudit, ShowsAChangedEntry) {
  const auto told = after([](const Store::Disk& disk, rocksdb::WriteBatch& batch) {
    std::string value = *disk.get(Store::Disk::meta, audit_key(2));
    value[40] = static_cast<char>(value[40] ^ 1);
    batch.Put(disk[Store::Disk::meta], audit_key(2), value);
  });
  EXPECT_THAT(told, ElementsAre(HasSubstr("entry 2 of the audit log")));
}

TEST_F(TamperedAudit, ShowsAnEntryThatWasWrittenAnew) {
  const auto told = after([](const Store::Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Put(disk[Store::Disk::meta], audit_key(2), forged(disk, 2));
  });
  EXPECT_THAT(told, ElementsAre(HasSubstr("entry 3 of the audit log: it does not follow the entry before")));
}

TEST_F(TamperedAudit, ShowsThatTheLastWasWrittenAnew) {
  const auto told = after([](const Store::Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Put(disk[Store::Disk::meta], audit_key(4), forged(disk, 4));
  });
  EXPECT_THAT(told, ElementsAre(HasSubstr("the last entry is not the one that was written last")));
}

TEST_F(TamperedAudit, ShowsAMissingEntryInTheMiddleAndAtTheEnd) {
  const auto middle = after([](const Store::Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Delete(disk[Store::Disk::meta], audit_key(2));
  });
  EXPECT_THAT(middle, ElementsAre(HasSubstr("entries 2 to 2 are missing")));
  const auto end = after([](const Store::Disk& disk, rocksdb::WriteBatch& batch) {
    batch.Delete(disk[Store::Disk::meta], audit_key(4));
  });
  EXPECT_THAT(end, testing::Contains(HasSubstr("entries 4 to 4 are missing")));
}

}  // namespace
}  // namespace takt
