// How much memory a plant's readings need: 200 machines with 10 tags each, once a second for 2 days, all taken in
// by one process. Floor: under 1 GB resident. With --memory 512M the same must still serve.
#include "bench/need.h"
#include "bench/process_memory.h"
#include "bench/report.h"
#include "bench/scratch_folder.h"
#include "engine/memory.h"
#include "engine/store.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cmath>
#include <condition_variable>
#include <cstdlib>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr double kFloorMb = 1000;
constexpr int kSecondsABlock = 5;
constexpr int kInFlight = 4;

struct Options {
  std::string folder = "data", json, memory = "2G";
  std::uint32_t machines = 200, tags = 10;
  int hours = 48;
};

/// A line of /proc/self/status, such as "VmRSS" (what is resident) or "VmHWM" (the most that ever was), in MB.
double megabytes(const std::string& name) { return status_bytes(getpid(), name) / 1e6; }

double seconds_since(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

std::string machine_name(std::uint32_t i) { return "M" + std::to_string(i); }

Plant plant_of(std::uint32_t machines) {
  Plant plant;
  for (std::uint32_t i = 0; i < machines; ++i) {
    Machine machine;
    machine.id = machine.name = machine_name(i);
    plant.machines.push_back(machine);
  }
  return plant;
}

/// A few blocks on their way at once, as many clients would have them.
class Sender {
 public:
  explicit Sender(Store& store) : store_(store) {}
  ~Sender() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return running_ == 0; });
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void send(const ReadingBlock& block) {
    {
      std::unique_lock lock{mutex_};
      changed_.wait(lock, [&] { return running_ < kInFlight; });
      ++running_;
    }
    const auto done = [this](const Result<Receipt>& receipt) {
      need_that(receipt.has_value(), "a block was refused");
      const std::lock_guard lock{mutex_};
      --running_;
      changed_.notify_all();
    };
    while (!store_.submit(block, done)) std::this_thread::sleep_for(std::chrono::milliseconds{1}), ++refused_;
  }
  std::size_t refused() const { return refused_; }

 private:
  Store& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;
  std::size_t refused_ = 0;
};

/// Temperatures that wander, in tenths; a machine's tags are read at one time.
class Plc {
 public:
  Plc(std::vector<SeriesId> series, std::uint32_t tags) : series_(std::move(series)), tags_(tags) {
    walks_.assign(series_.size(), 600);
  }
  void read(Timestamp second, ReadingBlock& block) {
    for (std::size_t i = 0; i < series_.size(); ++i) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      walks_[i] += static_cast<int>(state_ >> 62U) - 1;
      const auto jitter = static_cast<std::int64_t>((i / tags_) * 997 % 1000 * 1000);
      block.series.push_back(series_[i]);
      block.at.push_back(micros(second) + jitter);
      block.number.push_back(walks_[i] / 10.0);
    }
  }

 private:
  std::vector<SeriesId> series_;
  std::uint32_t tags_;
  std::vector<int> walks_;
  std::uint64_t state_ = 1;
};

int run(const Options& options) {
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  const MemoryBudget budget = need(MemoryBudget::of(need(parse_size(options.memory))));
  StoreOptions how;
  how.memory = budget.store;
  how.sealing.journal_bytes = budget.journal;
  const auto store = need(Store::open(folder.path() / "store", how));
  need(store->set_plant(plant_of(options.machines), std::nullopt, false));
  std::vector<SeriesId> series;
  for (std::uint32_t m = 0; m < options.machines; ++m) {
    for (std::uint32_t t = 0; t < options.tags; ++t)
      series.push_back(need(store->series(machine_name(m), "tag" + std::to_string(t))));
  }
  const Timestamp end = std::chrono::floor<std::chrono::seconds>(store->clock().now());
  const Timestamp begin = end - std::chrono::hours{options.hours};
  report.heading(fmt::format("{} machines, {} tags, {} h at 1 Hz, a budget of {}", options.machines, options.tags,
                             options.hours, size_in_words(budget.total)));
  report.add({"resident when empty", megabytes("VmRSS"), "MB", {}});
  const auto started = SteadyClock::now();
  double rows = 0;
  std::size_t refused = 0;
  {
    Sender sender{*store};
    Plc plc{series, options.tags};
    for (Timestamp t = begin; t < end;) {
      ReadingBlock block;
      for (int i = 0; i < kSecondsABlock; ++i, t += std::chrono::seconds{1}) plc.read(t, block);
      rows += static_cast<double>(block.size());
      sender.send(block);
    }
    refused = sender.refused();
  }
  report.add({"readings", rows, "", {}});
  report.add({"taken in", rows / seconds_since(started), "1/s", {}});
  report.add({"submissions refused at first", static_cast<double>(refused), "", {}});
  const double resident = megabytes("VmRSS");
  report.add({"resident", resident, "MB", resident < kFloorMb ? "floor 1000 MB: kept" : "floor 1000 MB: MISSED"});
  report.add({"the most that ever was", megabytes("VmHWM"), "MB", {}});
  const auto asked = SteadyClock::now();
  std::uint64_t found = 0;
  {
    const StoreView view = store->read();
    for (const ReadingSeries* tag : view.series_of(view.machine(machine_name(0))->id()))
      found += need(tag->snapshot({begin, end}).total(view.chunks(), false)).rows;
  }
  need_that(found == rows / options.machines, "a machine does not have all of its readings");
  report.add({"total of a machine's tags", seconds_since(asked) * 1e3, "ms", {}});
  const std::uint64_t before = store->disk_bytes();
  report.add({"on disk a reading", static_cast<double>(before) / rows, "bytes", {}});

  // All of it is retained no more.
  while (need(store->fold())) continue;
  Plant plant = plant_of(options.machines);
  plant.retention_readings_days = 1;
  need(store->set_plant(plant, std::nullopt, false));
  const auto chunks = store->statistics().chunks_dropped.load();
  const auto dropping = SteadyClock::now();
  const std::uint64_t gone = need(store->expire_readings());
  report.add({"dropped", static_cast<double>(gone), "", {}});
  report.add({"until dropped", seconds_since(dropping) * 1e3, "ms", {}});
  report.add({"chunks dropped", static_cast<double>(store->statistics().chunks_dropped.load() - chunks), "", {}});
  report.add({"freed", static_cast<double>(before - std::min(before, store->disk_bytes())) / 1e6, "MB", {}});
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"Memory of a store that takes a plant's readings in, and what dropping them costs"};
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines")->capture_default_str();
  app.add_option("--tags", options.tags, "Tags of each")->capture_default_str();
  app.add_option("--hours", options.hours, "Hours of readings")->capture_default_str();
  app.add_option("--memory", options.memory, "Budget, as of takt serve")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
