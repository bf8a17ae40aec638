// A store in a folder of its own, with a clock that stands where a test puts it.
#pragma once

#include "engine/store.h"
#include "ingest/ingestor.h"
#include "tests/support/temporary.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace takt {

struct TemporaryStore {
  TemporaryFolder folder;
  TestClock clock;
  std::unique_ptr<Store> store;

  explicit TemporaryStore(Timestamp now) {
    clock.set(now);
    open();
  }
  void open() {
    StoreOptions options;
    options.clock = &clock;
    auto opened = Store::open(folder.path() / "data", options);
    if (!opened) ADD_FAILURE() << opened.error().context;
    store = std::move(*opened);
  }
  void reopen() {
    store.reset();
    open();
  }
  IngestAnswer send(const std::vector<nlohmann::json>& events) {
    Ingestor ingestor{*store};
    const auto answer = ingestor.accept(BodyFormat::json, nlohmann::json(events).dump(), "test");
    if (!answer) {
      ADD_FAILURE() << answer.error().context;
      return {};
    }
    for (const RejectedEvent& rejected : answer->rejects) ADD_FAILURE() << rejected.message;
    return *answer;
  }
  void describe(const Plant& plant) {
    const auto changed = store->set_plant(plant, std::nullopt, false);
    if (!changed) ADD_FAILURE() << changed.error().context;
  }
};

}  // namespace takt
