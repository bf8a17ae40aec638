// The chunk store against its goals, on the readings T of the plant workload (bench/workload.h): ingest, size,
// questions, restart and memory, each with its probe in the same run.
#include "bench/need.h"
#include "bench/plant_load.h"
#include "bench/probes.h"
#include "bench/report.h"
#include "bench/samples.h"
#include "bench/scratch_folder.h"
#include "bench/workload.h"
#include "engine/store.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string folder = "data", json;
  std::uint32_t machines = 200;
  int seconds = 5000;
  int repetitions = 3;
};

double seconds_since(SteadyClock::time_point begun) {
  return std::chrono::duration<double>(SteadyClock::now() - begun).count();
}

std::string machine_name(std::uint32_t machine) { return "M" + std::to_string(machine); }
std::string tag_name(std::uint16_t tag) { return "t" + std::to_string(tag); }

Plant plant_of(std::uint32_t machines) {
  Plant plant;
  plant.id = plant.name = "P";
  plant.timezone = "UTC";
  for (std::uint32_t m = 1; m <= machines; ++m) {
    Machine& machine = plant.machines.emplace_back();
    machine.id = machine.name = machine_name(m);
  }
  return plant;
}

/// T as columns in the order of arrival; the number of a series is (machine - 1) * 10 + tag - 1.
struct Readings {
  std::vector<WorkloadReading> rows;
};

Readings readings_of(const Options& options) {
  Readings all;
  all.rows.reserve(std::size_t{options.machines} * kWorkloadTags * static_cast<std::size_t>(options.seconds));
  make_readings(options.machines, options.seconds, [&](const WorkloadReading& r) { all.rows.push_back(r); });
  return all;
}

/// A store of its own in a folder below the scratch folder.
class StoreUnderTest {
 public:
  StoreUnderTest(std::filesystem::path folder, std::uint32_t machines, SealingOptions sealing = {})
      : folder_(std::move(folder)), machines_(machines), sealing_(sealing) {
    open();
    need(store_->set_plant(plant_of(machines), std::nullopt, false));
    for (std::uint32_t m = 1; m <= machines; ++m) {
      for (std::uint16_t t = 1; t <= kWorkloadTags; ++t) {
        series_.push_back(need(store_->series(machine_name(m), tag_name(t))));
      }
    }
  }
  ~StoreUnderTest() {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  StoreUnderTest(const StoreUnderTest&) = delete;
  StoreUnderTest& operator=(const StoreUnderTest&) = delete;

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }
  SeriesId series(const WorkloadReading& r) const { return series_[(r.machine - 1) * kWorkloadTags + r.tag - 1U]; }
  std::vector<ReadingBlock> blocks(const std::vector<WorkloadReading>& rows, std::size_t rows_a_block) const {
    std::vector<ReadingBlock> blocks;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i % rows_a_block == 0) blocks.emplace_back();
      ReadingBlock& block = blocks.back();
      block.series.push_back(series(rows[i]));
      block.at.push_back(rows[i].at);
      block.number.push_back(rows[i].value);
      block.quality.push_back(rows[i].quality);
    }
    return blocks;
  }
  void reopen() {
    store_.reset();
    open();
  }
  /// Everything in chunks, folded, and RocksDB's files with nothing in them that is not needed.
  void settle() {
    need(store_->seal());
    while (need(store_->fold())) continue;
    need(store_->compact());
  }
  double bytes() const {
    double sum = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder_}) {
      const std::string name = entry.path().filename().string();
      // Without RocksDB's text log of what it did.
      if (entry.is_regular_file() && name != "LOG" && !name.starts_with("LOG.old"))
        sum += static_cast<double>(entry.file_size());
    }
    return sum;
  }

 private:
  void open() {
    StoreOptions options;
    options.clock = &clock_;
    options.sealing = sealing_;
    options.queue_events = 1'000'000;
    store_ = need(Store::open(folder_, options));
  }

  FixedClock clock_{from_micros(kReadingsBegin) + std::chrono::hours{24 * 30}};
  std::filesystem::path folder_;
  std::uint32_t machines_;
  SealingOptions sealing_;
  std::unique_ptr<Store> store_;
  std::vector<SeriesId> series_;
};

/// Sends blocks with at most `in_flight` unanswered. Returns the seconds until the last answer.
double send(Store& store, std::vector<ReadingBlock> blocks, std::size_t in_flight,
            std::vector<double>* latencies = nullptr) {
  std::mutex mutex;
  std::condition_variable answered;
  std::size_t open = 0, failed = 0;
  const auto begun = SteadyClock::now();
  for (ReadingBlock& block : blocks) {
    {
      std::unique_lock lock{mutex};
      answered.wait(lock, [&] { return open < in_flight; });
      ++open;
    }
    const auto sent = SteadyClock::now();
    const auto done = [&, sent](const Result<Receipt>& receipt) {
      const std::lock_guard lock{mutex};
      if (latencies != nullptr) latencies->push_back(seconds_since(sent) * 1e3);
      failed += receipt ? 0 : 1;
      --open;
      answered.notify_one();
    };
    need_that(store.submit(std::move(block), done), "the queue is full");
  }
  std::unique_lock lock{mutex};
  answered.wait(lock, [&] { return open == 0; });
  need_that(failed == 0, "a block was not taken in");
  return seconds_since(begun);
}

std::string against(double value, double floor, double goal) {
  return fmt::format("floor {:g}: {}, goal {:g}: {}", floor, value >= floor ? "kept" : "MISSED", goal,
                     value >= goal ? "reached" : "not reached");
}

void bench_ingest(Report& report, const Options& options, const ScratchFolder& folder, const Readings& t) {
  const double rows = static_cast<double>(t.rows.size());
  report.heading(fmt::format("T: {} readings, in process, fsync before each answer", t.rows.size()));
  std::vector<double> bulk, writes;
  for (int i = 0; i < options.repetitions; ++i) {
    writes.push_back(need(sequential_write_bytes_per_s(folder.path(), t.rows.size() * 24)) / 24);
    StoreUnderTest store{folder / "bulk", options.machines};
    bulk.push_back(rows / send(*store, store.blocks(t.rows, 50'000), 4));
  }
  report.add(
      {"bulk, 50,000 a call, 4 calls in flight", median(bulk) / 1e6, "M/s", against(median(bulk) / 1e6, 5, 10)});
  report.add({"probe: sequential write of the same bytes", median(writes) / 1e6, "M/s", {}});
  report.add({"that to it", median(bulk) / median(writes), "x", {}});

  const std::size_t part = std::min<std::size_t>(t.rows.size(), 4'000'000);
  const std::vector<WorkloadReading> some(t.rows.begin(), t.rows.begin() + static_cast<std::ptrdiff_t>(part));
  std::vector<double> sixteen, latencies;
  for (int i = 0; i < options.repetitions; ++i) {
    StoreUnderTest store{folder / "sixteen", options.machines};
    sixteen.push_back(static_cast<double>(part) / send(*store, store.blocks(some, 1000), 16, &latencies));
  }
  report.add(
      {"1000 a call, 16 calls in flight", median(sixteen) / 1e6, "M/s", against(median(sixteen) / 1e6, 2, 5)});
  report.add({"  answer p50", percentile(latencies, 0.5), "ms", {}});
  report.add({"  answer p99", percentile(latencies, 0.99), "ms", {}});
  const std::vector<WorkloadReading> few(t.rows.begin(), t.rows.begin() + static_cast<std::ptrdiff_t>(part / 10));
  std::vector<double> alone, probes;
  for (int i = 0; i < options.repetitions; ++i) {
    probes.push_back(1e3 / need(synced_appends_per_s(folder.path())));
    StoreUnderTest store{folder / "alone", options.machines};
    std::vector<double> each;
    send(*store, store.blocks(few, 1000), 1, &each);
    alone.push_back(median(each));
    probes.push_back(1e3 / need(synced_appends_per_s(folder.path())));
  }
  report.add({"1000 a call, one at a time: a call", median(alone), "ms", {}});
  report.add({"probe: append of 4 KiB with fdatasync", median(probes), "ms", {}});
  report.add({"that to it", median(alone) / median(probes), "x", "goal 1.3"});
}

void bench_late(Report& report, const Options& options, const ScratchFolder& folder, const Readings& t) {
  report.heading("20 % of the rows late by up to an hour");
  std::vector<WorkloadReading> in_order(
      t.rows.begin(),
      t.rows.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(t.rows.size(), 5'000'000)));
  std::stable_sort(in_order.begin(), in_order.end(), [](auto& a, auto& b) { return a.at < b.at; });
  std::vector<std::pair<std::int64_t, WorkloadReading>> arrivals;
  std::uint64_t state = 1;
  for (const WorkloadReading& r : in_order) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const bool late = (state >> 33U) % 5 == 0;
    arrivals.emplace_back(r.at + (late ? static_cast<std::int64_t>((state >> 20U) % 3'600'000'000ULL) : 0), r);
  }
  std::stable_sort(arrivals.begin(), arrivals.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::vector<WorkloadReading> shuffled;
  for (const auto& [at, r] : arrivals) shuffled.push_back(r);
  std::vector<double> ordered, late;
  for (int i = 0; i < options.repetitions; ++i) {
    for (const bool is_late : {false, true}) {
      StoreUnderTest store{folder / "late", options.machines};
      const auto& rows = is_late ? shuffled : in_order;
      (is_late ? late : ordered)
          .push_back(static_cast<double>(rows.size()) / send(*store, store.blocks(rows, 50'000), 4));
    }
  }
  report.add({"in order", median(ordered) / 1e6, "M/s", {}});
  report.add({"late", median(late) / 1e6, "M/s", {}});
  report.add({"that to it", median(late) / median(ordered), "x", "goal 0.5"});
}

void bench_size(Report& report, const Options& options, const ScratchFolder& folder, const Readings& t) {
  report.heading("Bytes a reading, all files, sealed and folded");
  for (const bool milliseconds : {false, true}) {
    std::vector<WorkloadReading> rows = t.rows;
    if (milliseconds) {
      for (WorkloadReading& r : rows) r.at -= r.at % 1000;
    }
    StoreUnderTest store{folder / "size", options.machines};
    send(*store, store.blocks(rows, 50'000), 4);
    store.settle();
    const double bytes = store.bytes() / static_cast<double>(rows.size());
    report.add({milliseconds ? "T cut to milliseconds" : "T with microseconds", bytes, "bytes",
                milliseconds ? "goal 0.75, entropy 0.58" : "goal 2.0, entropy 1.80"});
  }
}

/// Milliseconds of `ask`, the median of several.
template <class Ask>
double time_of(Ask ask) {
  std::vector<double> times;
  for (int i = 0; i < 15; ++i) {
    const auto begun = SteadyClock::now();
    ask();
    times.push_back(seconds_since(begun) * 1e3);
  }
  return median(times);
}

void bench_questions(Report& report, const Options& options, const ScratchFolder& folder, const Readings& t) {
  report.heading("Questions, in process");
  StoreUnderTest store{folder / "questions", options.machines};
  send(*store, store.blocks(t.rows, 50'000), 4);
  store.settle();
  const TimeRange all{from_micros(kReadingsBegin), from_micros(kReadingsBegin) + std::chrono::hours{24}};
  const Timestamp end = from_micros(kReadingsBegin) + std::chrono::seconds{options.seconds};
  const auto snapshot = [&](std::uint32_t machine, std::uint16_t tag, TimeRange range) {
    const StoreView view = store->read();
    return view.series(view.machine(machine_name(machine))->id(), tag_name(tag))->snapshot(range);
  };
  const ChunkSource& source = store->read().chunks();
  std::size_t rows = 0;
  const double a = time_of([&] {
    rows = need(snapshot(7, 1, {end - std::chrono::hours{1}, end}).rows(source)).size();
  });
  need_that(rows > 0, "question a has no rows");
  report.add({fmt::format("a: the last hour of a tag, {} rows", rows), a, "ms", "goal 0.3"});
  std::size_t steps = 0;
  const double b = time_of([&] {
    steps = 0;
    for (std::uint32_t m = 1; m <= options.machines; ++m) {
      steps += need(snapshot(m, 1, all).steps(source, std::chrono::minutes{1}, false)).size();
    }
  });
  report.add(
      {fmt::format("b: a tag of {} machines by minute, {} steps", options.machines, steps), b, "ms", "goal 10"});

  // Ten million readings of one machine: its tags with 1000 chunks' worth of rows each.
  report.heading("10 million readings of one machine");
  StoreUnderTest one{folder / "one", 1};
  std::vector<WorkloadReading> long_rows;
  make_readings(1, 1'000'000, [&](const WorkloadReading& r) { long_rows.push_back(r); });
  send(*one, one.blocks(long_rows, 50'000), 4);
  one.settle();
  const auto total = [&](bool headers) {
    std::size_t readings = 0;
    const ChunkSource& from = one->read().chunks();
    for (std::uint16_t tag = 1; tag <= kWorkloadTags; ++tag) {
      SeriesSnapshot look;
      {
        const StoreView view = one->read();
        look = view.series(view.machine("M1")->id(), tag_name(tag))->snapshot({kBeginOfTime, kEndOfTime});
      }
      readings += headers ? need(look.total(from, false)).rows : need(look.rows(from)).size();
    }
    return readings;
  };
  need_that(total(true) == long_rows.size(), "the count is wrong");
  const double by_headers = time_of([&] { total(true); });
  const double decoded = time_of([&] { total(false); });
  report.add({"count, least, greatest and sum of all", by_headers, "ms", "goal 10"});
  report.add({"all rows decoded", decoded, "ms", {}});
  report.add({"that to it", decoded / by_headers, "x", {}});
}

double resident_megabytes() {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) * 1024 / 1e6;
  }
  return 0;
}

void bench_restart(Report& report, const Options& options, const ScratchFolder& folder, const Readings& t) {
  report.heading("A stop without sealing, and the start after it");
  StoreUnderTest store{folder / "restart", options.machines, {std::size_t{4} << 30U, std::chrono::hours{24}}};
  send(*store, store.blocks(t.rows, 50'000), 4);
  const double journal = static_cast<double>(store->statistics().journal_bytes) / 1e6;
  const auto begun = SteadyClock::now();
  store.reopen();
  const double took = seconds_since(begun);
  report.add({"journal", journal, "MB", {}});
  report.add({"until it serves", took, "s", {}});
  report.add({"for 1 GB of journal", took * 1000 / journal, "s", "goal 5"});
  report.add({"resident with all of T in memory", resident_megabytes(), "MB", {}});
}

int run(const Options& options, const std::vector<std::string>& parts) {
  Report report{options.json};
  spdlog::set_level(spdlog::level::warn);
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  const Readings t = readings_of(options);
  using Part = void (*)(Report&, const Options&, const ScratchFolder&, const Readings&);
  const std::vector<std::pair<std::string, Part>> all{{"ingest", bench_ingest},
                                                      {"late", bench_late},
                                                      {"size", bench_size},
                                                      {"questions", bench_questions},
                                                      {"restart", bench_restart}};
  for (const auto& [name, bench] : all) {
    if (parts.empty() || std::find(parts.begin(), parts.end(), name) != parts.end()) {
      bench(report, options, folder, t);
    }
  }
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  std::vector<std::string> parts;
  CLI::App app{"The chunk store on the readings of the plant workload"};
  app.add_option("parts", parts, "ingest, late, size, questions, restart; none: all");
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Seconds of readings")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "How often the rates are measured")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options, parts);
}
