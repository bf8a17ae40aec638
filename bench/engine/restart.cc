// What is left when a store is killed, how much memory it takes while it lives, and how long all of it takes to be
// verified.
#include "bench/engine/child.h"
#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"
#include "bench/need.h"

#include <fmt/format.h>

#include <cstdlib>

namespace takt::bench {
namespace {

std::size_t count_readings(Store& store, std::uint32_t machines) {
  const ChunkSource& source = store.read().chunks();
  std::size_t rows = 0;
  for (std::uint32_t m = 1; m <= machines; ++m) {
    for (std::uint16_t tag = 1; tag <= kWorkloadTags; ++tag) {
      SeriesSnapshot all;
      {
        const StoreView view = store.read();
        const ReadingSeries* series = view.series(view.machine(machine_name(m))->id(), tag_name(tag));
        if (series == nullptr) continue;
        all = series->snapshot({kBeginOfTime, kEndOfTime});
      }
      rows += need(all.total(source, false)).rows;
    }
  }
  return rows;
}

std::string program(const EngineOptions& options) {
  if (!options.takt.empty()) return options.takt;
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename("takt").string();
}

}  // namespace

void bench_restart(Ground& ground) {
  // So many tags that none has a chunk's rows before all is there.
  constexpr std::uint32_t kMachinesForAll = 5;  // times ours
  constexpr int kSeconds = 8100;                // a little less than a chunk's rows
  ground.report.heading("kill -9, and the start after it");
  const Filling filling{ground / "restart", ground.options.machines * kMachinesForAll, kSeconds,
                        static_cast<std::size_t>(ground.options.journal_megabytes) * 1'000'000};
  FillingProcess process{filling};
  const Filled before = process.filled();
  need_that(before.journal_bytes >= filling.unsealed_bytes, "the readings are too few for such a journal");
  const double resident = process.megabytes("VmRSS");
  process.kill();

  const auto begun = SteadyClock::now();
  const std::unique_ptr<Store> store = open_again(filling.folder);
  const double opened = seconds_since(begun);
  const std::size_t readings = count_readings(*store, filling.machines);
  const double counted = seconds_since(begun);
  need_that(readings == before.readings, "readings are missing after the start");
  ground.report.add({"journal", static_cast<double>(before.journal_bytes) / 1e6, "MB", {}});
  ground.report.add({"readings in it, all there again", static_cast<double>(readings) / 1e6, "M", {}});
  ground.report.add({"until it is open", opened, "s", at_most(opened, 5)});
  ground.report.add({"  and every reading is counted", counted, "s", {}});
  ground.report.add({"resident before, all of them in memory", resident, "MB", {}});
}

void bench_memory(Ground& ground) {
  ground.report.heading(fmt::format("Resident memory, {} machines x {} tags, {:.1f} days at 1 Hz just taken in",
                                    ground.options.machines, kWorkloadTags, ground.options.hot_seconds / 86400.0));
  const FillingProcess process{{ground / "memory", ground.options.machines, ground.options.hot_seconds}};
  const double resident = process.megabytes("VmRSS");
  ground.report.add({"resident", resident, "MB", at_most(resident, 1000)});
  ground.report.add({"the most that ever was", process.megabytes("VmHWM"), "MB", {}});
  ground.report.add({"readings", static_cast<double>(process.filled().readings) / 1e6, "M", {}});
  ground.report.add({"made and taken in, on the same cores",
                     static_cast<double>(process.filled().readings) / process.filled().seconds / 1e6,
                     "M/s",
                     {}});
}

void bench_verify(Ground& ground) {
  const Filling filling{ground / "verify", ground.options.machines, ground.options.verified_seconds, 0, true};
  ground.report.heading(
      fmt::format("takt verify, {} machines x {} tags x {} s", filling.machines, kWorkloadTags, filling.seconds));
  double readings = 0;
  {
    const FillingProcess process{filling};
    readings = static_cast<double>(process.filled().readings);
    ground.report.add(
        {"made and taken in, on the same cores", readings / process.filled().seconds / 1e6, "M/s", {}});
  }
  const std::string command =
      fmt::format("'{}' verify --data '{}'", program(ground.options), filling.folder.string());
  std::fflush(stdout);
  const auto begun = SteadyClock::now();
  const int status = std::system(command.c_str());
  const double seconds = seconds_since(begun);
  need_that(status == 0, "takt verify found something, or did not run");
  ground.report.add({"takt verify, every checksum and every figure", seconds, "s", "passed"});
  ground.report.add({"readings verified", readings / seconds / 1e6, "M/s", {}});
}

}  // namespace takt::bench
