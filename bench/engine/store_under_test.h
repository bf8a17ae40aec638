// A store with the plant of the workload, to be filled, asked and measured.
#pragma once

#include "bench/plant_load.h"
#include "bench/workload.h"
#include "engine/store.h"

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace takt::bench {

std::string machine_name(std::uint32_t machine);
std::string tag_name(std::uint16_t tag);

/// The machines of T and E. Ideal cycles are 30 s; idle and down time are stops, and the reasons say of what kind.
Plant workload_plant(std::uint32_t machines);

class StoreUnderTest {
 public:
  enum class Afterwards : std::uint8_t { removed, kept };
  /// A new store in `folder`.
  StoreUnderTest(std::filesystem::path folder, std::uint32_t machines, SealingOptions sealing = {},
                 Afterwards afterwards = Afterwards::removed);
  ~StoreUnderTest();
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }

  SeriesId series(const WorkloadReading& r) const { return series_[(r.machine - 1) * kWorkloadTags + r.tag - 1U]; }
  void append(ReadingBlock& block, const WorkloadReading& r) const;
  std::vector<ReadingBlock> blocks(const std::vector<WorkloadReading>& rows, std::size_t rows_a_block) const;

  /// Everything in chunks, folded, and RocksDB's files with nothing in them that is not needed.
  void settle();
  /// Closes it in order and opens it again.
  void reopen();
  /// Of all files but RocksDB's text log of what it did.
  double bytes() const;

 private:
  std::filesystem::path folder_;
  Afterwards afterwards_;
  FixedClock clock_;
  std::unique_ptr<Store> store_;
  std::vector<SeriesId> series_;
};

/// Opens a store that exists already, as `takt serve` would. The clock is that of the workload.
std::unique_ptr<Store> open_again(const std::filesystem::path& folder);

/// Sends blocks or batches with at most so many unanswered.
class Sender {
 public:
  Sender(Store& store, std::size_t in_flight) : store_(store), in_flight_(in_flight) {}
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;
  ~Sender() { finish(); }

  void send(ReadingBlock block);
  void send(EventBatch batch);
  /// Waits for the last answer.
  void finish();
  /// Of each answer. Once finished.
  const std::vector<double>& milliseconds() const { return milliseconds_; }

 private:
  Store::Done answer();
  void take_place();

  Store& store_;
  const std::size_t in_flight_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::size_t open_ = 0, failed_ = 0;
  std::vector<double> milliseconds_;
};

/// Sends all blocks. Returns the seconds until the last answer.
double send_all(Store& store, std::vector<ReadingBlock> blocks, std::size_t in_flight,
                std::vector<double>* milliseconds = nullptr);

}  // namespace takt::bench
