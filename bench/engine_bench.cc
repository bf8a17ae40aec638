// The store against its goals, on the readings T and the events E of the plant workload (bench/workload.h): a part
// of the table is a function of bench/engine/, each figure with its goal, its probe or what it is compared with.
#include "bench/engine/child.h"
#include "bench/engine/parts.h"
#include "bench/need.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <CLI/CLI.hpp>

#include <algorithm>

namespace takt::bench {

const std::vector<WorkloadReading>& Ground::readings() {
  if (readings_.empty()) {
    readings_.reserve(std::size_t{options.machines} * kWorkloadTags * static_cast<std::size_t>(options.seconds));
    make_readings(options.machines, options.seconds, [&](const WorkloadReading& r) { readings_.push_back(r); });
  }
  return readings_;
}

namespace {

struct Part {
  const char* name;
  void (*run)(Ground&);
  bool in_table = true;  ///< else only if it is named
};
constexpr Part kParts[]{{"ingest", bench_ingest},       {"late", bench_late},           {"size", bench_size},
                        {"decode", bench_decode},       {"questions", bench_questions}, {"total", bench_total},
                        {"events", bench_events},       {"restart", bench_restart},     {"memory", bench_memory},
                        {"verify", bench_verify, false}};

bool is_part(const std::string& name) {
  return std::any_of(std::begin(kParts), std::end(kParts), [&](const Part& part) { return part.name == name; });
}

int run(const EngineOptions& options, const std::vector<std::string>& wanted) {
  spdlog::set_level(spdlog::level::warn);
  for (const std::string& name : wanted) need_that(is_part(name), ("there is no part " + name).c_str());
  Report report{options.json};
  const ScratchFolder folder = need(ScratchFolder::make(options.folder));
  Ground ground{options, report, folder};
  for (const Part& part : kParts) {
    const bool named = std::find(wanted.begin(), wanted.end(), part.name) != wanted.end();
    if (named || (wanted.empty() && part.in_table)) part.run(ground);
  }
  need(report.save());
  return 0;
}

void add_options(CLI::App& app, EngineOptions& options, std::vector<std::string>& parts) {
  app.add_option(
      "parts", parts,
      "ingest, late, size, decode, questions, total, events, restart, memory; none: all of these. Or verify");
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--machines", options.machines, "Machines")->capture_default_str();
  app.add_option("--seconds", options.seconds, "Seconds of readings")->capture_default_str();
  app.add_option("--days", options.days, "Days of events")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "How often the rates are measured")->capture_default_str();
  app.add_option("--hot-seconds", options.hot_seconds, "memory: seconds of readings")->capture_default_str();
  app.add_option("--journal-mb", options.journal_megabytes, "restart: journal to be replayed")
      ->capture_default_str();
  app.add_option("--verified-seconds", options.verified_seconds, "verify: seconds of readings")
      ->capture_default_str();
  app.add_option("--takt", options.takt, "verify: the program takt; default: the one beside this");
  app.add_option("--json", options.json, "Write the figures into this file, too");
}

/// The child's side of child.h, which nobody calls by hand.
CLI::App* add_fill(CLI::App& app, Filling& filling) {
  CLI::App* command = app.add_subcommand("fill")->group("");
  command->add_option("--folder", filling.folder);
  command->add_option("--machines", filling.machines);
  command->add_option("--seconds", filling.seconds);
  command->add_option("--unsealed", filling.unsealed_bytes);
  command->add_flag("--settled", filling.settled);
  return command;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::EngineOptions options;
  takt::bench::Filling filling;
  std::vector<std::string> parts;
  CLI::App app{"The store on the plant workload"};
  takt::bench::add_options(app, options, parts);
  const CLI::App* fill = takt::bench::add_fill(app, filling);
  CLI11_PARSE(app, argc, argv);
  return *fill ? takt::bench::fill(filling) : takt::bench::run(options, parts);
}
