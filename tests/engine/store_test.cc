// The store as a whole: what it counts, what it refuses, and that it comes back the same.
#include "tests/engine/engine_store.h"

#include <gmock/gmock.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <random>
#include <sstream>
#include <thread>

#include "engine/disk.h"
#include "engine/event_codec.h"
#include "engine/folder_mark.h"

namespace takt {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp kStart = parse_time("2026-01-05T06:00:00Z").value();
const TimeRange kAll{kStart - hours{24}, kStart + hours{24 * 30}};

// ---------------------------------------- what is counted

TEST(Store, CountsNewEventsDuplicatesAndCorrections) {
  EngineStore s{kStart + hours{8}};
  const Event made = count("M1", kStart, 5);
  EXPECT_EQ(s.commit({made, made}).accepted, 1U);
  const Receipt again = s.commit({made});
  EXPECT_EQ(again.accepted, 0U);
  EXPECT_EQ(again.duplicate, 1U);
  EXPECT_EQ(s.account("M1", kAll).good, 5);
  // Of one revision a fixed order on content decides, so one of the two directions is a correction.
  const Receipt other = s.commit({count("M1", kStart, 7)});
  EXPECT_EQ(other.accepted + other.duplicate, 1U);
  const std::int64_t winner = s.account("M1", kAll).good;
  EXPECT_EQ(winner, other.accepted == 1 ? 7 : 5);
  // A higher revision wins whatever it says.
  EXPECT_EQ(s.commit({revised(count("M1", kStart, 3), 2)}).accepted, 1U);
  EXPECT_EQ(s.account("M1", kAll).good, 3);
  EXPECT_EQ(s.commit({revised(count("M1", kStart, 9), 1)}).duplicate, 1U);
  EXPECT_EQ(s.account("M1", kAll).good, 3);
}

TEST(Store, TakesWithdrawalsEvenInAdvance) {
  EngineStore s{kStart + hours{8}};
  const Event made = count("M1", kStart, 5);
  EXPECT_EQ(s.commit({withdrawn(made)}).accepted, 1U);
  EXPECT_EQ(s.commit({made}).duplicate, 1U);
  EXPECT_EQ(s.account("M1", kAll).good, 0);
  EXPECT_EQ(s.commit({withdrawn(made)}).duplicate, 1U);
  EXPECT_EQ(s.commit({revised(made, 1)}).accepted, 1U);
  EXPECT_EQ(s.account("M1", kAll).good, 5);
}

TEST(Store, TellsEventsOfOneInstantApartByTheirIds) {
  EngineStore s{kStart + hours{8}};
  Event first = count("M1", kStart, 1), second = count("M1", kStart, 1);
  first.id = "a", second.id = "b";
  EXPECT_EQ(s.commit({first, second}).accepted, 2U);
  EXPECT_EQ(s.account("M1", kAll).good, 2);
  s.commit({withdrawn(second)});
  EXPECT_EQ(s.account("M1", kAll).good, 1);
}

TEST(Store, MovesACyclesPieceWithItsCorrectedEnd) {
  EngineStore s{kStart + hours{8}};
  Event cycle = event_at(EventType::cycle, "M1", kStart + minutes{50});
  cycle.end = kStart + minutes{55};
  s.commit({cycle});
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{1}}).good, 1);
  Event longer = revised(cycle, 1);
  longer.end = kStart + minutes{65};
  EXPECT_EQ(s.commit({longer}).accepted, 1U);
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{1}}).good, 0);
  EXPECT_EQ(s.account("M1", {kStart + hours{1}, kStart + hours{2}}).good, 1);
  s.commit({withdrawn(revised(cycle, 2))});
  EXPECT_EQ(s.account("M1", kAll).good, 0);
}

TEST(Store, AnswersACommitNumberThatRisesOnlyWithChanges) {
  EngineStore s{kStart + hours{8}};
  const Sequence before = s.store->sequence();
  EXPECT_EQ(s.commit({count("M1", kStart, 1)}).sequence, before + 1);
  EXPECT_EQ(s.commit({count("M1", kStart, 1)}).sequence, before + 1);  // known already: nothing to write
  EXPECT_EQ(s.commit({count("M1", kStart, 1), count("M2", kStart, 1)}).sequence, before + 2);
  EXPECT_EQ(s.store->read().sequence(), before + 2);
}

TEST(Store, TellsItsListenerWhatWasAccepted) {
  EngineStore s{kStart + hours{8}};
  std::vector<std::string> told;
  s.store->set_listener([&](const CommitNotice& notice) {
    for (const Event* event : notice.events)
      told.push_back(std::string{event->machine} + ' ' + std::string{name_of(event->type)});
    if (notice.plant_changed) told.push_back("plant");
  });
  s.commit({count("M1", kStart, 1), count("M1", kStart, 1), state("M2", kStart, "running")});
  s.commit({count("M1", kStart, 1)});
  s.describe(small_plant());
  EXPECT_EQ(told, (std::vector<std::string>{"M1 count", "M2 state", "plant"}));
}

TEST(Store, GivesBackAcceptedEventsSinceACommit) {
  EngineStore s{kStart + hours{8}};
  const Sequence first = s.commit({count("M1", kStart, 1), reading("M1", "t", kStart, 1)}).sequence;
  s.commit({reading("M1", "t", kStart + seconds{1}, 1)});
  s.commit({state("M1", kStart, "running"), count("M1", kStart, 1)});
  std::vector<std::string> seen;
  const auto collect = [&](Sequence sequence, const Event& e) {
    seen.push_back(std::to_string(sequence - first) + ' ' + std::string{name_of(e.type)});
    return true;
  };
  for (const bool sealed : {false, true}) {
    SCOPED_TRACE(sealed);
    if (sealed) {
      ASSERT_TRUE(s.store->seal());
    }
    seen.clear();
    EXPECT_EQ(s.store->events_since(0, collect).value(), s.store->sequence());
    EXPECT_THAT(seen, testing::UnorderedElementsAre("0 count", "2 state"));  // without readings and duplicates
    seen.clear();
    EXPECT_EQ(s.store->events_since(first, collect).value(), s.store->sequence());
    EXPECT_THAT(seen, testing::ElementsAre("2 state"));
  }
}

// ---------------------------------------- the quarantine

EventBatch refused(std::initializer_list<std::string> raws) {
  EventBatch batch;
  for (const std::string& raw : raws)
    batch.rejected.push_back({batch.rejected.size(), Rejection::unknown_machine, "why", raw});
  return batch;
}

TEST(Quarantine, KeepsWhatWasRefusedInOrderAndOverARestart) {
  EngineStore s{kStart};
  ASSERT_TRUE(s.store->commit(refused({"one", "two", "three"}), "http 1.2.3.4"));
  s.reopen();
  EXPECT_EQ(s.store->quarantine_size(), 3U);
  const auto all = s.store->quarantine(0, 10);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].event.raw, "two");
  EXPECT_EQ(all[1].event.index, 1U);
  EXPECT_EQ(all[1].event.code, Rejection::unknown_machine);
  EXPECT_EQ(all[1].event.message, "why");
  EXPECT_EQ(all[1].source, "http 1.2.3.4");
  EXPECT_EQ(all[1].received, kStart);
  const auto page = s.store->quarantine(all[0].number, 1);
  ASSERT_EQ(page.size(), 1U);
  EXPECT_EQ(page[0].event.raw, "two");
  ASSERT_TRUE(s.store->discard_quarantine({all[0].number, all[1].number}));
  EXPECT_EQ(s.store->quarantine_size(), 1U);
  EXPECT_EQ(s.store->quarantine(0, 10).at(0).event.raw, "three");
}

TEST(Quarantine, KeepsTheNewestHundredThousandAlsoWhereSomeHaveLeft) {
  EngineStore s{kStart};
  const auto refuse = [&](std::size_t entries) {
    EventBatch batch;
    for (std::size_t i = 0; i < entries; ++i)
      batch.rejected.push_back({i, Rejection::unknown_machine, "why", "raw"});
    ASSERT_TRUE(s.store->commit(std::move(batch), "http 1.2.3.4"));
  };
  const auto kept = [&] { return s.store->quarantine(0, 200'000).size(); };
  refuse(60'000);
  refuse(40'000);
  std::vector<std::uint64_t> mended;
  for (std::uint64_t number = 50'001; number <= 90'000; ++number) mended.push_back(number);
  ASSERT_TRUE(s.store->discard_quarantine(mended));
  ASSERT_TRUE(s.store->discard_quarantine(mended)) << "they have left before";
  EXPECT_EQ(s.store->quarantine_size(), 60'000U);
  refuse(40'010);
  EXPECT_EQ(s.store->quarantine_size(), 100'000U);
  EXPECT_EQ(kept(), 100'000U);
  EXPECT_EQ(s.store->quarantine(0, 1).at(0).number, 11U) << "the oldest ten went";
}

// ---------------------------------------- the folder

TEST(DataFolder, IsRefusedWhileAnotherStoreHasIt) {
  EngineStore s{kStart};
  const auto second = Store::open(s.data(), s.options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict) << second.error().context;
  s.commit({count("M1", kStart, 1)});  // the first one did not notice
  s.reopen();
  EXPECT_TRUE(s.store);
}

TEST(DataFolder, WithOtherFilesIsRefusedAndLeftAlone) {
  const TemporaryFolder folder;
  std::ofstream{folder.path() / "letter.txt"} << "dear";
  const auto opened = Store::open(folder.path(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(opened.error().context.find("letter.txt"), std::string::npos) << opened.error().context;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder.path()}, {}), 1);
}

TEST(DataFolder, OfANewerFormatIsRefusedByName) {
  const TemporaryFolder folder;
  std::ofstream{folder.path() / "TAKT"} << "takt-store 9 0123456789abcdef\n";
  const auto opened = Store::open(folder.path(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corruption);
  EXPECT_NE(opened.error().context.find("format 9"), std::string::npos) << opened.error().context;
}

TEST(DataFolder, WithADamagedMarkIsRefused) {
  const TemporaryFolder folder;
  std::ofstream{folder.path() / "TAKT"} << "takt-sto";
  const auto opened = Store::open(folder.path(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corruption);
}

TEST(DataFolder, ThatIsAFileIsRefused) {
  const TemporaryFolder folder;
  std::ofstream{folder.path() / "data"} << "a file";
  const auto opened = Store::open(folder.path() / "data", {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::io);
}

TEST(DataFolder, WithADamagedDatabaseIsCorruptNotInUse) {
  EngineStore s{kStart};
  s.commit({count("M1", kStart, 1)});
  s.store.reset();
  for (const auto& entry : std::filesystem::directory_iterator{s.data() / "db"}) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    std::fstream file{entry.path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(20);
    file.write("XXXXXXXX", 8);
  }
  const auto opened = Store::open(s.data(), s.options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corruption) << opened.error().context;
}

TEST(DataFolder, KeepsItsIdentityAndNotes) {
  EngineStore s{kStart};
  const std::string id = s.store->id();
  EXPECT_EQ(id.size(), 32U);
  EXPECT_FALSE(s.store->note("config").has_value());
  ASSERT_TRUE(s.store->set_note("config", "abc"));
  s.reopen();
  EXPECT_EQ(s.store->id(), id);
  EXPECT_EQ(s.store->note("config"), "abc");
}

// ---------------------------------------- too much, too full

TEST(FullDisk, TakesNothingInUntilSpaceReturns) {
  EngineStore s{kStart + hours{1}};
  s.commit({count("M1", kStart, 1)});
  s.options.reserve_bytes = ~std::uint64_t{0};  // more than any disk has free
  s.reopen();
  const auto refusal = s.try_commit({count("M1", kStart + seconds{1}, 1)});
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().code, ErrorCode::unavailable);
  EXPECT_NE(s.store->read_only_reason().find("nearly full"), std::string::npos);
  EXPECT_EQ(s.account("M1", kAll).good, 1);  // reading goes on
  s.options.reserve_bytes = 1;
  s.reopen();
  EXPECT_EQ(s.commit({count("M1", kStart + seconds{1}, 1)}).accepted, 1U);
  EXPECT_EQ(s.store->read_only_reason(), "");
}

TEST(FullQueue, RefusesMoreUntilTheCommitterHasCaughtUp) {
  EngineStore s{kStart + hours{1}};
  s.options.queue_events = 1;
  s.reopen();
  std::promise<void> committing, go_on;
  std::once_flag first;
  s.store->set_listener([&](const CommitNotice&) {
    std::call_once(first, [&] {
      committing.set_value();
      go_on.get_future().wait();
    });
  });
  std::promise<void> queued_done;
  const auto submit = [&](Event event, Store::Done done) {
    EventBatch batch;
    batch.events = {event};
    return s.store->submit(std::move(batch), "test", std::move(done));
  };
  ASSERT_TRUE(submit(count("M1", kStart, 1), {}));
  committing.get_future().wait();  // it is out of the queue, and holds the committer up
  ASSERT_TRUE(submit(count("M1", kStart + seconds{1}, 1), [&](const Result<Receipt>& r) {
    EXPECT_TRUE(r);
    queued_done.set_value();
  }));
  EXPECT_FALSE(submit(count("M1", kStart + seconds{2}, 1), {}));
  go_on.set_value();
  queued_done.get_future().wait();
  EXPECT_EQ(s.commit({count("M1", kStart + seconds{2}, 1)}).accepted, 1U);
  EXPECT_EQ(s.account("M1", kAll).good, 3);
}

// ---------------------------------------- recovery

/// Everything that a store answers from memory, as text: figures, revisions, timeline, readings.
std::string fingerprint(const Store& store, Timestamp now) {
  std::ostringstream out;
  const StoreView view = store.read();
  out << "sequence " << view.sequence() << '\n';
  for (std::size_t i = 0; i < view.machine_count(); ++i) {
    const MachineRecord& machine = view.machine(MachineId{static_cast<std::uint32_t>(i)});
    out << view.numbers().name(machine.id()) << " settled " << micros(machine.settled_until()) << '\n';
    if (const auto wrong = machine.check()) out << "WRONG " << *wrong << '\n';
    for (const Grain grain : {Grain::hour, Grain::shift, Grain::day}) {
      for (const Cell& cell : machine.cells(grain)) {
        const Account& a = cell.account;
        out << name_of(grain) << ' ' << format_time(cell.range.begin) << " rev "
            << machine.revision(grain, cell.range) << ": " << a.production.count() << ' ' << a.setup.count() << ' '
            << a.stop.count() << ' ' << a.planned_stop.count() << ' ' << a.minor_stop.count() << ' ' << a.stops
            << ' ' << a.minor_stops << ' ' << a.failures << ' ' << a.good << ' ' << a.scrap << ' ' << a.rework
            << ' ' << static_cast<std::int64_t>(a.ideal_produced) << '\n';
      }
    }
    out << "tail " << machine.tail_revision() << '\n';
    for (const Segment& s : machine.timeline().segments(kAll, now)) {
      out << format_time(std::max(s.range.begin, kAll.begin)) << ' ' << view.names().text(s.state) << ' '
          << view.names().text(s.reason) << ' ' << name_of(s.category) << s.minor_stop << s.open << '\n';
    }
    for (const CountedPieces& p : machine.pieces().counted(kAll)) {
      out << format_time(p.at) << ' ' << view.names().text(p.product) << ' ' << p.good << ' ' << p.scrap << ' '
          << p.rework << '\n';
    }
    for (const ReadingSeries* series : view.series_of(machine.id())) {
      const auto rows = series->snapshot(kAll).rows(view.chunks());
      out << series->tag() << ' ' << (rows ? rows->size() : 0) << ':';
      for (std::size_t row = 0; rows && row < rows->size(); ++row)
        out << ' ' << rows->at[row] << '=' << rows->number[row] << '/' << rank_of((*rows)[row]).order;
      out << '\n';
    }
  }
  return out.str();
}

/// Events of all types, in any order, some again, some corrected, some withdrawn.
class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed) : random_(seed) {}

  std::vector<Event> batch() {
    std::vector<Event> events;
    for (std::size_t size = 1 + random_() % 20; events.size() < size;) events.push_back(next());
    return events;
  }
  bool withdrawals = true;

 private:
  Event next() {
    Event e = fresh();
    if (random_() % 8 == 0) e.revision = static_cast<std::int64_t>(random_() % 3);
    if (withdrawals && random_() % 15 == 0) e.deleted = true;
    return e;
  }
  Event fresh() {
    const std::string_view machine = random_() % 2 == 0 ? "M1" : "M2";
    const Timestamp at = kStart + Duration{static_cast<std::int64_t>(random_() % 3000) * 60'000'000};
    switch (random_() % 9) {
      case 0:
      case 1:
      case 2:
        return state(machine, at, pick({"running", "down", "Idle", "EXECUTE", "off", "setup"}),
                     pick({"", "", "FAIL", "TOOL", "CLEAN"}));
      case 3:
        return count(machine, at, static_cast<std::int64_t>(random_() % 9), random_() % 3 == 0 ? 1 : kAbsent);
      case 4: {
        Event e = event_at(EventType::count, machine, at);
        e.good_total = static_cast<std::int64_t>(random_() % 5000);
        return e;
      }
      case 5: {
        Event e = event_at(EventType::cycle, machine, at);
        e.end = at + Duration{static_cast<std::int64_t>(random_() % 90) * 1'000'000};
        return e;
      }
      case 6: {
        Event e = event_at(EventType::order, machine, at);
        e.order = pick({"O1", "O2"}), e.product = pick({"X", "Y"});
        e.action = random_() % 2 == 0 ? OrderAction::start : OrderAction::stop;
        return e;
      }
      case 7: {
        Event e = event_at(EventType::classify, machine, at);
        e.reason = pick({"FAIL", "TOOL", "CLEAN"});
        if (random_() % 2 == 0) e.end = at + minutes{1 + random_() % 120};
        e.recorded_at = at + hours{random_() % 5};
        return e;
      }
      default:
        return reading(machine, pick({"temp", "load"}), at, static_cast<double>(random_() % 100));
    }
  }
  std::string_view pick(std::initializer_list<std::string_view> names) {
    return *(names.begin() + random_() % names.size());
  }

  std::mt19937_64 random_;
};

void expect_same_lines(const std::string& before, const std::string& after) {
  if (before == after) return;
  std::istringstream a{before}, b{after};
  std::string x, y;
  for (int differences = 0; differences < 5 && (std::getline(a, x) || std::getline(b, y));) {
    std::getline(b, y);
    if (x != y) ++differences, ADD_FAILURE() << "before: " << x << "\nafter:  " << y;
  }
}

class Recovery : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Recovery, GivesTheSameFiguresAndTheSameRevisions) {
  const Timestamp now = kStart + hours{60};
  EngineStore s{now};
  RandomLife life{GetParam()};
  for (int i = 0; i < 40; ++i) {
    s.commit(life.batch());
    if (i == 20) {  // a plant that has changed in between
      Plant plant = small_plant();
      plant.machines[0].ideal_cycle = seconds{2};
      plant.machines[1].minor_stop = Duration{0};
      Shift day;
      day.id = day.name = "day";
      day.start = hours{6}, day.end = hours{18};
      plant.shifts.push_back(day);
      s.describe(plant);
    }
    if (i % 7 == 3) {
      ASSERT_TRUE(s.store->seal());
    }
    if (i % 13 != 0) continue;
    const std::string before = fingerprint(*s.store, now);
    s.reopen();
    expect_same_lines(before, fingerprint(*s.store, now));
    if (HasFailure()) return;
  }
}

TEST_P(Recovery, KeepsFiguresAndRevisionsWhereSilenceCounts) {
  const Timestamp now = kStart + hours{60};
  Plant plant = small_plant();
  plant.machines[0].silence_timeout = minutes{10};
  EngineStore s{now, plant};
  RandomLife life{GetParam()};
  life.withdrawals = false;
  for (int i = 0; i < 30; ++i) {
    s.commit(life.batch());
    if (i % 8 == 3) {
      ASSERT_TRUE(s.store->seal());
    }
  }
  const std::string before = fingerprint(*s.store, now);
  s.reopen();
  expect_same_lines(before, fingerprint(*s.store, now));
}

TEST_P(Recovery, KeepsFiguresWhereSilenceCountsAndEventsAreWithdrawn) {
  const Timestamp now = kStart + hours{60};
  Plant plant = small_plant();
  plant.machines[0].silence_timeout = minutes{10};
  EngineStore s{now, plant};
  RandomLife life{GetParam()};
  for (int i = 0; i < 30; ++i) {
    s.commit(life.batch());
    if (i == 17) {
      ASSERT_TRUE(s.store->seal());
    }
  }
  const auto figures = [&] {
    std::vector<Account> list;
    for (Timestamp t = kStart; t < now; t += hours{1}) list.push_back(s.account("M1", {t, t + hours{1}}));
    return list;
  };
  const std::vector<Account> before = figures();
  s.reopen();
  EXPECT_TRUE(before == figures());
  const auto wrong = s.store->read().machine("M1")->check();
  EXPECT_FALSE(wrong.has_value()) << wrong.value_or("");
}

/// All that events_since() tells, of one machine and kind in the order of telling.
std::map<std::string, std::vector<std::string>> told_since(const Store& store, Sequence since) {
  std::map<std::string, std::vector<std::string>> told;
  const auto through = store.events_since(since, [&](Sequence commit, const Event& e) {
    told[std::string{e.machine} + ' ' + std::string{name_of(e.type)} + ' ' + format_time(e.at)].push_back(
        std::to_string(commit) + ' ' + std::to_string(rank_of(e).content) + (e.deleted ? " withdrawn" : ""));
    return true;
  });
  EXPECT_EQ(through.value(), store.sequence());
  return told;
}

TEST_P(Recovery, TellsTheSameEventsWhereverTheyAreSealed) {
  const Timestamp now = kStart + hours{60};
  EngineStore sealed{now}, journal{now};
  RandomLife life{GetParam()};
  for (int i = 0; i < 40; ++i) {
    const std::vector<Event> events = life.batch();
    sealed.commit(events), journal.commit(events);
    if (i % 6 == 0) {
      ASSERT_TRUE(sealed.store->seal());
    }
    if (i % 17 == 0) sealed.reopen();
  }
  EXPECT_GT(sealed.store->event_chunks().events, 100U);
  for (const Sequence since : {Sequence{0}, Sequence{11}, Sequence{39}, journal.store->sequence()})
    EXPECT_EQ(told_since(*sealed.store, since), told_since(*journal.store, since)) << since;
}

TEST_P(Recovery, GivesTheSameFromChunksSealedWhileOthersCommit) {
  const Timestamp now = kStart + hours{60};
  EngineStore s{now};
  s.options.event_journal_bytes = 500;
  s.options.fold_every = std::chrono::milliseconds{1};
  s.reopen();
  RandomLife life{GetParam()};
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 25; ++i) s.commit(life.batch());
    if (round % 2 == 0) s.describe(small_plant());
    const std::string before = fingerprint(*s.store, now);
    s.reopen();
    expect_same_lines(before, fingerprint(*s.store, now));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Recovery, testing::Range<std::uint64_t>(1, 9));

TEST(Recovery, FindsReadingsInChunksAndInTheJournal) {
  EngineStore s{kStart + hours{24}};
  std::vector<Event> events;
  const std::size_t rows = kChunkRows + 500;
  for (std::size_t i = 0; i < rows; ++i) {
    events.push_back(reading("M1", "temp", kStart + seconds{static_cast<int>(i)}, static_cast<double>(i)));
    if (events.size() == 1000 || i + 1 == rows) s.commit(std::move(events)), events.clear();
  }
  // Sealing takes a commit more, which finds the head full.
  s.commit({reading("M1", "load", kStart, 1)});
  EXPECT_GE(s.store->statistics().chunks_sealed.load(), 1U);
  s.commit({revised(reading("M1", "temp", kStart + seconds{5}, -1), 1),
            withdrawn(reading("M1", "temp", kStart + seconds{6}, 0))});
  const std::string before = fingerprint(*s.store, kStart + hours{24});
  s.reopen();
  expect_same_lines(before, fingerprint(*s.store, kStart + hours{24}));
  const Receipt again =
      s.commit({reading("M1", "temp", kStart + seconds{7}, 7), reading("M1", "temp", kStart + seconds{5}, 5)});
  EXPECT_EQ(again.duplicate, 2U);
}

TEST(Recovery, OfManyPlantChangesTakesOneCheckpointAfterThem) {
  EngineStore s{kStart + hours{24}};
  s.options.fold_every = std::chrono::milliseconds{0};
  s.reopen();
  s.commit({count("M1", kStart, 5), state("M1", kStart, "running")});
  ASSERT_TRUE(s.store->seal());
  for (int i = 0; i < 9; ++i) {
    Plant plant = small_plant();
    plant.machines[0].ideal_cycle = seconds{i + 1};
    s.describe(plant);
  }
  const std::string before = fingerprint(*s.store, kStart + hours{24});
  ASSERT_TRUE(s.store->seal());
  s.reopen();
  expect_same_lines(before, fingerprint(*s.store, kStart + hours{24}));
}

TEST(Recovery, KnowsDuplicatesOfBeforeTheRestart) {
  EngineStore s{kStart + hours{60}};
  RandomLife life{3};
  std::vector<std::vector<Event>> sent;
  for (int i = 0; i < 10; ++i) sent.push_back(life.batch()), s.commit(sent.back());
  const Sequence sequence = s.store->sequence();
  s.reopen();
  for (const auto& batch : sent) {
    const Receipt receipt = s.commit(batch);
    EXPECT_EQ(receipt.accepted, 0U);
    EXPECT_EQ(receipt.duplicate, batch.size());
    EXPECT_EQ(receipt.sequence, sequence);
  }
}

TEST(Recovery, HearsReadingsOfBeforeSilenceCounted) {
  const Timestamp now = kStart + hours{4};
  EngineStore s{now};
  s.commit({state("M1", kStart, "running"), state("M1", kStart + hours{2}, "down")});
  for (int minute = 0; minute < 60; minute += 5) s.commit({reading("M1", "temp", kStart + minutes{minute}, 1)});
  Plant silent = small_plant();
  silent.machines[0].silence_timeout = minutes{10};
  s.describe(silent);
  const std::string before = fingerprint(*s.store, now);
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{2}}).production, minutes{65});
  s.reopen();
  expect_same_lines(before, fingerprint(*s.store, now));
}

TEST(Recovery, OpensWhereSilenceCountsAndAChunkOfReadingsIsDamaged) {
  const Timestamp now = kStart + hours{4};
  Plant silent = small_plant();
  silent.machines[0].silence_timeout = minutes{10};
  EngineStore s{now, silent};
  s.commit({state("M1", kStart, "running"), state("M1", kStart + hours{2}, "down")});
  for (int minute = 0; minute < 60; minute += 5) s.commit({reading("M1", "temp", kStart + minutes{minute}, 1)});
  ASSERT_TRUE(s.store->seal());
  s.store.reset();
  EXPECT_EQ(damage_all(s.data(), Store::Disk::chunk), 1U);
  s.open();
  // A withdrawal makes the readings be asked again: what cannot be read counts as heard all along.
  s.commit({withdrawn(state("M1", kStart + hours{3}, "idle")), reading("M1", "other", kStart + minutes{70}, 1)});
  EXPECT_EQ(s.store->read_only_reason(), "");
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{2}}).production, minutes{65 + 10});
  s.reopen();
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{2}}).production, minutes{65 + 10});
}

TEST(Recovery, ForgetsThatAMachineWasHeardByAReadingSinceWithdrawn) {
  const Timestamp now = kStart + hours{4};
  Plant plant = small_plant();
  plant.machines[0].silence_timeout = minutes{10};
  EngineStore s{now, plant};
  const Event heard = reading("M1", "temp", kStart + minutes{30}, 1);
  s.commit({state("M1", kStart, "running"), state("M1", kStart + hours{2}, "down"), heard});
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{2}}).production, minutes{20});
  s.commit({withdrawn(heard)});
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{2}}).production, minutes{10});
  // Enough readings that the withdrawn one goes into a chunk and out of the journal.
  std::vector<Event> events;
  for (std::size_t i = 0; i < kChunkRows; ++i) {
    events.push_back(reading("M1", "temp", kStart + hours{3} + Duration{static_cast<std::int64_t>(i)}, 1));
  }
  s.commit(std::move(events));
  s.commit({count("M2", kStart, 1)});
  ASSERT_GE(s.store->statistics().chunks_sealed.load(), 1U);
  const std::string before = fingerprint(*s.store, now);
  s.reopen();
  EXPECT_EQ(s.account("M1", {kStart, kStart + hours{2}}).production, minutes{10});
  expect_same_lines(before, fingerprint(*s.store, now));
}

TEST(Silence, DoesNotDependOnWhichOfTwoCyclesCameFirst) {
  const Timestamp now = kStart + hours{4};
  Plant plant = small_plant();
  plant.machines[0].silence_timeout = minutes{10};
  // One identity, one revision, two ends: the content decides which is true, and the other was never heard.
  Event shorter = event_at(EventType::cycle, "M1", kStart + minutes{1}), longer = shorter;
  shorter.end = kStart + minutes{30}, longer.end = kStart + minutes{60};
  std::vector<Account> answers;
  for (const bool swapped : {false, true}) {
    EngineStore s{now, plant};
    s.commit({state("M1", kStart, "running"), state("M1", kStart + hours{2}, "down")});
    s.commit({swapped ? longer : shorter});
    s.commit({swapped ? shorter : longer});
    answers.push_back(s.account("M1", {kStart, kStart + hours{2}}));
    s.reopen();
    answers.push_back(s.account("M1", {kStart, kStart + hours{2}}));
  }
  for (const Account& answer : answers) EXPECT_TRUE(answer == answers.front());
}

TEST(Store, TakesAnyNumberOfTagsOfOneMachine) {
  EngineStore s{kStart + hours{24}};
  std::vector<std::string> tags;
  for (int i = 0; i < 66'000; ++i) tags.push_back("t" + std::to_string(i));
  std::vector<Event> events;
  for (const std::string& tag : tags) events.push_back(reading("M1", tag, kStart, 1));
  EXPECT_EQ(s.commit(std::move(events)).accepted, tags.size());
  s.reopen();
  const StoreView view = s.store->read();
  const ReadingSeries* last = view.series(view.machine("M1")->id(), "t65999");
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->snapshot(kAll).rows(view.chunks())->size(), 1U);
}

TEST(Store, MakesAFolderOfFormat1OneOfToday) {
  EngineStore s{kStart + hours{24}};
  s.commit({count("M1", kStart, 1)});
  const Sequence sequence = s.store->sequence();
  s.store.reset();
  {
    // A tag and a reading as format 1 kept them.
    const auto disk = Store::Disk::open(s.data());
    ASSERT_TRUE(disk) << disk.error().context;
    const Event old = reading("M1", "temp", kStart + hours{1}, 61.5);
    const Event* const frame = &old;
    rocksdb::WriteBatch batch;
    batch.Put((**disk)[Store::Disk::meta], "t" + sequence_key(0), "temp");
    batch.Put((**disk)[Store::Disk::meta], "sequence", sequence_key(sequence + 1));
    batch.Put((**disk)[Store::Disk::journal], sequence_key(sequence + 1), encode_frame({&frame, 1}));
    ASSERT_TRUE((*disk)->write(batch));
  }
  FolderMark mark = *read_mark(s.data());
  std::ofstream{s.data() / "TAKT"} << "takt-store 1 " << mark.id << '\n';
  for (const bool again : {false, true}) {
    again ? s.reopen() : s.open();
    const StoreView view = s.store->read();
    const ReadingSeries* series = view.series(view.machine("M1")->id(), "temp");
    ASSERT_NE(series, nullptr);
    const auto rows = series->snapshot(kAll).rows(view.chunks());
    ASSERT_TRUE(rows && rows->size() == 1);
    EXPECT_EQ(rows->number[0], 61.5);
    EXPECT_EQ(read_mark(s.data())->format, kStoreFormat);
  }
}

TEST(Store, KnowsWhoChangedAPartOfAnHour) {
  EngineStore s{kStart + hours{24}};
  const auto commit = [&](Timestamp t) { return s.commit({count("M1", t, 1)}).sequence; };
  const Sequence second = commit(kStart + hours{3} + minutes{15}), first = commit(kStart + hours{2} + minutes{45});
  const StoreView view = s.store->read();
  const MachineRecord& m1 = *view.machine("M1");
  const auto within = [&](int from, int to) {
    return m1.revision_within({kStart + minutes{from}, kStart + minutes{to}});
  };
  EXPECT_EQ(within(120, 180), first);
  EXPECT_EQ(within(160, 170), first) << "of the hour that they lie in";
  EXPECT_EQ(within(150, 210), first);
  EXPECT_EQ(within(180, 240), second);
  EXPECT_EQ(within(60, 120), 0U);
}

TEST(Store, ReplaysAJournalOfFormat3) {
  EngineStore s{kStart + hours{24}};
  s.commit({reading("M1", "temp", kStart, 60), reading("M1", "speed", kStart, 1)});
  const SeriesId temp = s.store->series("M1", "temp").value();
  const Sequence sequence = s.store->sequence();
  s.store.reset();
  {
    // Frame version 2: the columns as they are, with a time far from the others.
    std::string frame("\2\0\0\0\1\0\0\0\0\0\0\0", 12);
    const auto put = [&](auto value) { frame.append(reinterpret_cast<const char*>(&value), sizeof value); };
    put(temp), put(micros(kStart + hours{2})), put(61.5);
    put(std::uint64_t{XXH3_64bits(frame.data(), frame.size())});
    const auto disk = Store::Disk::open(s.data());
    ASSERT_TRUE(disk) << disk.error().context;
    rocksdb::WriteBatch batch;
    batch.Put((**disk)[Store::Disk::meta], "sequence", sequence_key(sequence + 1));
    batch.Put((**disk)[Store::Disk::journal], sequence_key(sequence + 1), frame);
    ASSERT_TRUE((*disk)->write(batch));
  }
  const FolderMark mark = *read_mark(s.data());
  std::ofstream{s.data() / "TAKT"} << "takt-store 3 " << mark.id << '\n';
  for (const bool again : {false, true}) {
    again ? s.reopen() : s.open();
    const StoreView view = s.store->read();
    const auto rows =
        view.series(view.machine("M1")->id(), "temp")->snapshot({kStart, kStart + hours{3}}).rows(view.chunks());
    ASSERT_TRUE(rows && rows->size() == 2);
    EXPECT_EQ(rows->number[1], 61.5);
    EXPECT_EQ(read_mark(s.data())->format, kStoreFormat);
  }
}

TEST(AnyOrder, OfOneSetOfEventsGivesTheSameFigures) {
  const Timestamp now = kStart + hours{60};
  RandomLife life{11};
  std::vector<Event> events;
  for (int i = 0; i < 30; ++i) {
    for (const Event& event : life.batch()) events.push_back(event);
  }
  std::vector<std::vector<Account>> answers;
  std::mt19937 random{1};
  for (int round = 0; round < 4; ++round) {
    EngineStore s{now};
    for (std::size_t at = 0; at < events.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 60, events.size() - at);
      s.commit({events.begin() + static_cast<std::ptrdiff_t>(at),
                events.begin() + static_cast<std::ptrdiff_t>(at + size)});
      at += size;
    }
    auto& answer = answers.emplace_back();
    for (const char* machine : {"M1", "M2"}) {
      for (Timestamp t = kStart; t < now; t += hours{1}) answer.push_back(s.account(machine, {t, t + hours{1}}));
    }
    std::shuffle(events.begin(), events.end(), random);
    events.insert(events.end(), events.begin(), events.begin() + 20);  // and some of them twice
  }
  for (const auto& answer : answers) EXPECT_TRUE(answer == answers.front());
}

// ---------------------------------------- the plant

TEST(PlantChange, KeepsMachinesThatEventsReferTo) {
  EngineStore s{kStart + hours{1}};
  s.commit({count("M1", kStart, 4)});
  Plant plant = small_plant();
  plant.machines.erase(plant.machines.begin());  // M1 has a history, M2 has none
  plant.machines[0].id = plant.machines[0].name = "M3";
  const auto dry = s.store->set_plant(plant, std::nullopt, true);
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->sequence, 0U);
  EXPECT_EQ(s.store->plant()->machine("M3"), nullptr);
  const auto changed = s.store->set_plant(plant, std::nullopt, false);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->kept_inactive, (std::vector<std::string>{"M1"}));
  EXPECT_EQ(changed->machines_added, 1U);
  EXPECT_FALSE(s.store->plant()->machine("M1")->active);
  EXPECT_EQ(s.store->plant()->machine("M2"), nullptr);
  EXPECT_EQ(s.account("M1", kAll).good, 4);
}

TEST(PlantChange, RecomputesThePastFromWhenItIsValid) {
  EngineStore s{kStart + hours{4}};
  s.commit({count("M1", kStart, 10), count("M1", kStart + hours{2}, 10)});
  Plant slower = small_plant();
  slower.machines[0].ideal_cycle = seconds{3};
  ASSERT_TRUE(s.store->set_plant(slower, kStart + hours{1}, false));
  const auto ideal = [&] { return static_cast<std::int64_t>(s.account("M1", kAll).ideal_produced); };
  EXPECT_EQ(ideal(), 10'000'000 + 30'000'000);
  s.reopen();
  EXPECT_EQ(ideal(), 10'000'000 + 30'000'000);
  ASSERT_TRUE(s.store->set_plant(slower, std::nullopt, false));
  EXPECT_EQ(ideal(), 60'000'000);
}

TEST(PlantChange, CountsWhatLiesInAShiftThatIsNoneAnyMore) {
  const auto shift_from = [](hours start) {
    Plant plant = small_plant();
    Shift& shift = plant.shifts.emplace_back();
    shift.id = shift.name = "early";
    shift.start = start, shift.end = start + hours{8};
    return plant;
  };
  const Timestamp day = std::chrono::floor<std::chrono::days>(kStart) + hours{24};
  const TimeRange early{day + hours{6}, day + hours{14}};
  EngineStore s{day + hours{24}, shift_from(hours{6})};
  s.commit({count("M1", day + hours{8}, 5)});
  EXPECT_EQ(s.account("M1", early).good, 5);
  ASSERT_TRUE(s.store->set_plant(shift_from(hours{7}), std::nullopt, false));
  EXPECT_EQ(s.account("M1", early).good, 5);
}

// ---------------------------------------- concurrency

/// Every commit adds one good piece to each of two machines and 300 readings, so that whatever a reader sees must
/// be of one commit: pieces, readings and number agree, and none of them ever falls.
TEST(StoreConcurrency, ShowsEveryReaderTheStateAfterSomeCommit) {
  constexpr int kCommits = 60;
  constexpr int kReadings = 300;  // a chunk is sealed now and then
  const Timestamp now = kStart + hours{24};
  EngineStore s{now};
  const Sequence base = s.store->sequence();
  std::atomic<bool> done{false};
  const auto read = [&] {
    Sequence last = base;
    bool final_look = false;
    while (!final_look) {
      final_look = done.load();
      const StoreView view = s.store->read();
      const auto commits = static_cast<std::int64_t>(view.sequence() - base);
      EXPECT_GE(view.sequence(), last);
      last = view.sequence();
      for (const char* machine : {"M1", "M2"}) {
        const MachineRecord& record = *view.machine(machine);
        EXPECT_EQ(record.account(kAll, now).good, commits);
        EXPECT_EQ(record.account({kStart, kStart + hours{1}}, now).good, std::min<std::int64_t>(commits, 60));
        EXPECT_EQ(record.revision(Grain::day, record.cells(Grain::day).empty()
                                                  ? TimeRange{}
                                                  : record.cells(Grain::day).begin()->range),
                  commits == 0 ? 0 : view.sequence());
      }
      const MachineRecord& record = *view.machine("M1");
      if (const ReadingSeries* series = view.series(record.id(), "temp")) {
        const auto rows = series->snapshot(kAll).rows(view.chunks());
        ASSERT_TRUE(rows);
        EXPECT_EQ(rows->size(), static_cast<std::size_t>(commits) * kReadings);
      } else {
        EXPECT_EQ(commits, 0);
      }
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (int i = 0; i < kCommits; ++i) {
    const Timestamp t = kStart + minutes{i};
    std::vector<Event> events{count("M1", t, 1), count("M2", t, 1)};
    for (int k = 0; k < kReadings; ++k) events.push_back(reading("M1", "temp", t + Duration{k}, k));
    EXPECT_EQ(s.commit(std::move(events)).sequence, base + static_cast<Sequence>(i) + 1);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_GE(s.store->statistics().chunks_sealed.load(), 2U);
}

TEST(StoreConcurrency, OfManyWritersAnswersEachWhenItsEventsCount) {
  constexpr int kWriters = 4, kCommits = 40;
  const Timestamp now = kStart + hours{24};
  EngineStore s{now};
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kCommits; ++i) {
        const Timestamp t = kStart + seconds{w} + minutes{i};
        const Receipt receipt = s.commit({count("M1", t, 1), count("M2", t, 1)});
        EXPECT_EQ(receipt.accepted, 2U);
        const StoreView view = s.store->read();
        EXPECT_GE(view.sequence(), receipt.sequence);
        EXPECT_EQ(view.machine("M1")->account({t, t + Duration{1}}, now).good, 1);  // its own write
        EXPECT_EQ(view.machine("M1")->account(kAll, now).good, view.machine("M2")->account(kAll, now).good);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(s.account("M1", kAll).good, kWriters * kCommits);
  s.reopen();
  EXPECT_EQ(s.account("M2", kAll).good, kWriters * kCommits);
}

TEST(StoreConcurrency, OfPlantChangesAndCommitsKeepsViewsWhole) {
  const Timestamp now = kStart + hours{24};
  EngineStore s{now};
  std::atomic<bool> done{false};
  std::thread reader{[&] {
    while (!done) {
      const StoreView view = s.store->read();
      const Account a = view.machine("M1")->account(kAll, now);
      const std::int64_t cycle = view.master().latest().settings(view.machine("M1")->id()).ideal_cycle->count();
      EXPECT_EQ(static_cast<std::int64_t>(a.ideal_produced), a.good * cycle);
    }
  }};
  std::thread describer{[&] {
    for (int i = 1; i <= 15; ++i) {
      Plant plant = small_plant();
      plant.machines[0].ideal_cycle = seconds{i};
      EXPECT_TRUE(s.store->set_plant(plant, std::nullopt, false));
    }
  }};
  for (int i = 0; i < 60; ++i)
    s.commit(
        {count("M1", kStart + minutes{i}, 1), state("M1", kStart + minutes{i}, i % 2 == 0 ? "running" : "down")});
  describer.join();
  done = true;
  reader.join();
  EXPECT_FALSE(s.store->read().machine("M1")->check().has_value());
}

}  // namespace
}  // namespace takt
