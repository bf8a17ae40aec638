// A store in a folder of its own, with a clock that stands where a test puts it.
#pragma once

#include "engine/store.h"
#include "ingest/ingestor.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

namespace takt {

class TestClock final : public Clock {
 public:
  Timestamp now() const override { return from_micros(now_.load()); }
  void set(Timestamp t) { now_ = micros(t); }

 private:
  std::atomic<std::int64_t> now_{0};
};

/// Removed with everything in it when the test is over.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "takt-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

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
