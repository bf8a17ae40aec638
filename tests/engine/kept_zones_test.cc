// A newer tzdata changes days to come, and no figure of a past one.
#include "tests/engine/engine_store.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using std::chrono::hours;

Timestamp utc(std::string_view text) { return parse_time(text).value(); }

/// The system's tzdata, until a newer one says that Berlin stays on winter time from 2026 on.
struct Tzdata {
  std::string version = "2026a";
  bool summer = true;
  bool knows_berlin = true;

  Result<Zone> named(const std::string& name) const {
    const auto zone = Zone::named(name);
    if (name != "Europe/Berlin" || !zone) return zone;
    if (!knows_berlin) return invalid("no such zone");
    return summer ? *zone : zone->until(utc("2026-01-01T00:00:00Z"), Zone::named("Africa/Tunis").value());
  }
};

struct BerlinStore {
  Tzdata tzdata;
  EngineStore it;

  explicit BerlinStore(std::string_view now) : it(utc(now), plant(), options(*this)) {}
  static Plant plant() {
    Plant plant = small_plant();
    plant.timezone = "Europe/Berlin";
    Shift shift;
    shift.id = "early";
    shift.start = hours{6}, shift.end = hours{14};
    plant.shifts.push_back(shift);
    return plant;
  }
  static StoreOptions options(BerlinStore& self) {
    StoreOptions how;
    how.zones.named = [&self](const std::string& name) { return self.tzdata.named(name); };
    how.zones.version = [&self] { return self.tzdata.version; };
    return how;
  }
  Duration offset_at(std::string_view t) const {
    return it.store->read().master().wall().zone().offset_at(utc(t)).offset;
  }
  Duration planned(std::string_view from, std::string_view to) const {
    const StoreView view = it.store->read();
    return view.master().planned_time(view.machine("M1")->id(), {utc(from), utc(to)});
  }
};

TEST(KeptZones, LeavePastDaysAsTheyWereWhenTzdataIsRenewed) {
  BerlinStore berlin{"2026-06-10T10:00:00Z"};
  Store* store = berlin.it.store.get();
  ASSERT_NE(store, nullptr);
  berlin.it.commit({state("M1", utc("2026-06-08T00:00:00Z"), "running"),
                    state("M1", utc("2026-06-09T22:30:00Z"), "down"),
                    count("M1", utc("2026-06-09T04:30:00Z"), 7)});
  // From 06:00 on, which is 04:00 in UTC: the count is of the shift.
  const TimeRange shift{utc("2026-06-09T04:00:00Z"), utc("2026-06-09T12:00:00Z")};
  const Account before = berlin.it.account("M1", shift);
  EXPECT_EQ(before.good, 7);
  EXPECT_EQ(before.production, hours{8});

  berlin.tzdata.version = "2026b";
  berlin.tzdata.summer = false;
  berlin.it.reopen();
  EXPECT_EQ(berlin.it.store->timezone()->tzdata, "2026b");
  EXPECT_EQ(berlin.it.account("M1", shift), before);
  for (const char* past : {"2026-05-01T00:00:00Z", "2026-06-10T10:00:00Z", "2026-06-11T21:59:59Z"})
    EXPECT_EQ(berlin.offset_at(past), hours{2}) << past;
  for (const char* to_come : {"2026-06-11T22:00:00Z", "2026-08-01T00:00:00Z", "2027-07-01T00:00:00Z"})
    EXPECT_EQ(berlin.offset_at(to_come), hours{1}) << to_come;
  // 06:00 to 14:00 in either; the day between is an hour longer.
  EXPECT_EQ(berlin.planned("2026-06-10T04:00:00Z", "2026-06-10T12:00:00Z"), hours{8});
  EXPECT_EQ(berlin.planned("2026-06-12T05:00:00Z", "2026-06-12T13:00:00Z"), hours{8});
  EXPECT_EQ(berlin.it.store->read().master().wall().bucket_at(Grain::day, utc("2026-06-11T12:00:00Z")).range,
            (TimeRange{utc("2026-06-10T22:00:00Z"), utc("2026-06-11T23:00:00Z")}));

  // Days later what was to come has come, and stays.
  berlin.it.clock.set(utc("2026-09-01T00:00:00Z"));
  berlin.it.reopen();
  EXPECT_EQ(berlin.offset_at("2026-06-11T21:59:59Z"), hours{2});
  EXPECT_EQ(berlin.offset_at("2026-06-11T22:00:00Z"), hours{1});
  EXPECT_EQ(berlin.it.account("M1", shift), before);
}

TEST(KeptZones, GoByTheNewestEventWhereTheClockIsBehind) {
  BerlinStore berlin{"2026-06-10T10:00:00Z"};
  berlin.it.commit({state("M1", utc("2026-06-10T09:00:00Z"), "running")});
  berlin.tzdata.summer = false;
  berlin.it.clock.set(utc("2026-02-01T00:00:00Z"));
  berlin.it.reopen();
  EXPECT_EQ(berlin.offset_at("2026-06-11T21:59:59Z"), hours{2});
  EXPECT_EQ(berlin.offset_at("2026-06-11T22:00:00Z"), hours{1});
}

TEST(KeptZones, OutliveTheSystemsKnowledgeOfThem) {
  BerlinStore berlin{"2026-06-10T10:00:00Z"};
  berlin.tzdata.knows_berlin = false;
  berlin.it.reopen();
  ASSERT_NE(berlin.it.store, nullptr);
  EXPECT_EQ(berlin.offset_at("2026-06-10T10:00:00Z"), hours{2});
  EXPECT_EQ(berlin.offset_at("2026-12-10T10:00:00Z"), hours{1});
}

}  // namespace
}  // namespace takt
