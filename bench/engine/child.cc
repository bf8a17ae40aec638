#include "bench/engine/child.h"

#include "bench/engine/parts.h"
#include "bench/engine/store_under_test.h"
#include "bench/need.h"
#include "bench/process_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <sstream>

namespace takt::bench {
namespace {

constexpr std::size_t kBlockRows = 50'000, kInFlight = 4;

/// Becomes this program once more, with `in` as its stdin and `out` as its stdout.
[[noreturn]] void run_again(const Filling& filling, int in, int out) {
  dup2(in, STDIN_FILENO), dup2(out, STDOUT_FILENO);
  const std::string folder = filling.folder.string(), machines = std::to_string(filling.machines),
                    seconds = std::to_string(filling.seconds), unsealed = std::to_string(filling.unsealed_bytes);
  execl("/proc/self/exe", "engine_bench", "fill", "--folder", folder.c_str(), "--machines", machines.c_str(),
        "--seconds", seconds.c_str(), "--unsealed", unsealed.c_str(), filling.settled ? "--settled" : nullptr,
        nullptr);
  _exit(127);
}

std::string read_line(int from) {
  std::string line;
  for (char c = 0; read(from, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

FillingProcess::FillingProcess(const Filling& filling) {
  std::array<int, 2> told{}, life{};
  need_that(pipe2(told.data(), O_CLOEXEC) == 0 && pipe2(life.data(), O_CLOEXEC) == 0, "no pipes are to be had");
  process_ = fork();
  need_that(process_ >= 0, "no process is to be had");
  if (process_ == 0) run_again(filling, life[0], told[1]);
  close(told[1]), close(life[0]);
  life_ = life[1];
  std::istringstream line{read_line(told[0])};
  close(told[0]);
  need_that(!(line >> filled_.readings >> filled_.journal_bytes >> filled_.seconds).fail(),
            "the process that fills the store did not say that it is done");
}

FillingProcess::~FillingProcess() { wait(); }

void FillingProcess::wait() {
  if (process_ < 0) return;
  close(life_);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

void FillingProcess::kill() {
  need_that(::kill(process_, SIGKILL) == 0, "the process is gone already");
  wait();
}

double FillingProcess::megabytes(const std::string& name) const { return status_bytes(process_, name) / 1e6; }

// ---------------------------------------- the child's side

int fill(const Filling& filling) {
  SealingOptions sealing;
  if (filling.unsealed_bytes > 0) sealing = {2 * filling.unsealed_bytes, std::chrono::hours{24}};
  StoreUnderTest store{filling.folder, filling.machines, sealing, StoreUnderTest::Afterwards::kept};
  Sender sender{*store, kInFlight};
  ReadingBlock block;
  std::size_t sent = 0;
  const auto send = [&] {
    sent += block.series.size();
    sender.send(std::exchange(block, {}));
  };
  const auto has_enough = [&] {
    return filling.unsealed_bytes > 0 && store->statistics().journal_bytes >= filling.unsealed_bytes;
  };
  const auto begun = SteadyClock::now();
  make_readings(filling.machines, filling.seconds, [&](const WorkloadReading& r) {
    if (block.series.empty() && has_enough()) return;
    store.append(block, r);
    if (block.series.size() == kBlockRows) send();
  });
  if (!block.series.empty()) send();
  sender.finish();
  const double seconds = seconds_since(begun);
  if (filling.settled) store.settle();
  fmt::print("{} {} {}\n", sent, store->statistics().journal_bytes.load(), seconds);
  std::fflush(stdout);
  char end = 0;
  while (read(STDIN_FILENO, &end, 1) > 0) continue;
  return 0;
}

}  // namespace takt::bench
