// A store in a folder of its own, fed with events made in code: what stands above the engine is not needed.
#pragma once

#include "engine/disk.h"
#include "engine/store.h"
#include "tests/support/temporary.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// Events of one kind each. Strings are borrowed: of literals, or of what outlives the commit.
inline Event event_at(EventType type, std::string_view machine, Timestamp at) {
  Event e;
  e.type = type;
  e.machine = machine;
  e.at = at;
  return e;
}
inline Event state(std::string_view machine, Timestamp at, std::string_view name, std::string_view reason = {}) {
  Event e = event_at(EventType::state, machine, at);
  e.state = name, e.reason = reason;
  return e;
}
inline Event count(std::string_view machine, Timestamp at, std::int64_t good, std::int64_t scrap = kAbsent) {
  Event e = event_at(EventType::count, machine, at);
  e.good = good, e.scrap = scrap;
  return e;
}
inline Event reading(std::string_view machine, std::string_view tag, Timestamp at, double value) {
  Event e = event_at(EventType::reading, machine, at);
  e.tag = tag;
  e.value = {Value::Kind::number, value, {}};
  return e;
}
inline Event withdrawn(Event e) {
  e.deleted = true;
  return e;
}
inline Event revised(Event e, std::int64_t revision) {
  e.revision = revision;
  return e;
}

/// Two machines with an ideal cycle of one second, and the reasons that tests name.
inline Plant small_plant() {
  Plant plant;
  for (const char* id : {"M1", "M2"}) {
    Machine machine;
    machine.id = machine.name = id;
    machine.ideal_cycle = std::chrono::seconds{1};
    machine.minor_stop = std::chrono::seconds{300};
    plant.machines.push_back(machine);
  }
  for (const auto& [code, category] :
       {std::pair{"FAIL", ReasonCategory::failure}, std::pair{"TOOL", ReasonCategory::setup},
        std::pair{"CLEAN", ReasonCategory::planned}}) {
    Reason reason;
    reason.code = reason.name = code;
    reason.category = category;
    plant.reasons.push_back(reason);
  }
  return plant;
}

struct EngineStore {
  TemporaryFolder folder;
  TestClock clock;
  StoreOptions options;
  std::unique_ptr<Store> store;

  explicit EngineStore(Timestamp now, Plant plant = small_plant(), StoreOptions how = {})
      : options(std::move(how)) {
    clock.set(now);
    options.clock = &clock;
    open();
    if (store) describe(std::move(plant));
  }
  std::filesystem::path data() const { return folder.path() / "data"; }
  void open() {
    auto opened = Store::open(data(), options);
    if (!opened) {
      ADD_FAILURE() << opened.error().context;
      return;
    }
    store = std::move(*opened);
  }
  void reopen() {
    store.reset();
    open();
  }
  void describe(Plant plant) {
    const auto changed = store->set_plant(std::move(plant), std::nullopt, false);
    if (!changed) ADD_FAILURE() << changed.error().context;
  }
  Result<Receipt> try_commit(std::vector<Event> events) {
    EventBatch batch;
    batch.events = std::move(events);
    return store->commit(std::move(batch), "test");
  }
  Receipt commit(std::vector<Event> events) {
    const auto receipt = try_commit(std::move(events));
    if (receipt) return *receipt;
    ADD_FAILURE() << receipt.error().context;
    return {};
  }
  Account account(std::string_view machine, TimeRange range) const {
    return store->read().machine(machine)->account(range, clock.now());
  }
};

/// Changes the last byte of every value of a family, as a failing disk may. The store is stopped. Returns how
/// many.
inline std::size_t damage_all(const std::filesystem::path& data, Store::Disk::Family family) {
  const auto disk = Store::Disk::open(data);
  if (!disk) {
    ADD_FAILURE() << disk.error().context;
    return 0;
  }
  rocksdb::WriteBatch batch;
  EXPECT_TRUE((*disk)->scan(family, "", [&](std::string_view key, std::string_view value) {
    std::string damaged{value};
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    batch.Put((**disk)[family], std::string{key}, damaged);
    return true;
  }));
  EXPECT_TRUE((*disk)->write(batch));
  return static_cast<std::size_t>(batch.Count());
}

}  // namespace takt
