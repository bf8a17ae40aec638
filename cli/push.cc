#include "cli/push.h"

#include "cli/server_access.h"
#include "client/producer.h"
#include "engine/memory.h"
#include "ingest/decode.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

namespace takt {
namespace {

constexpr std::size_t kInputBytes = std::size_t{256} << 10U;
constexpr auto kFullPause = std::chrono::milliseconds{100};
constexpr auto kLook = std::chrono::milliseconds{200};

struct Arguments {
  ServerAccess server{"127.0.0.1:8090", {}, {}, {}};
  std::string spool, name, max_spool = "1G", when_full = "stop", sync = "never";
  double patience_s = 60;
};

std::atomic<bool> interrupted{false};

int fail(const Error& error) {
  fmt::print(stderr, "takt push: {}\n", error.context);
  return 1;
}

Result<client::ProducerOptions> options_of(const Arguments& arguments) {
  client::ProducerOptions options;
  options.server = arguments.server.url;
  options.trust = arguments.server.trust;
  options.name = arguments.name;
  const auto most = parse_size(arguments.max_spool);
  if (!most) return most.error();
  options.spool.folder = arguments.spool;
  options.spool.max_bytes = *most;
  options.spool.segment_bytes = std::min<std::uint64_t>(options.spool.segment_bytes, *most / 4);
  options.spool.when_full = arguments.when_full == "stop" ? client::WhenFull::stop : client::WhenFull::drop_oldest;
  options.spool.sync = arguments.sync == "each" ? client::SpoolSync::each : client::SpoolSync::never;
  auto token = token_of(arguments.server);
  if (!token) return token.error();
  options.token = std::move(*token);
  return options;
}

/// Lines of standard input: as many as there are, whole ones, until the input ends.
class Lines {
 public:
  /// Empty: the input has ended.
  std::string next() {
    for (;;) {
      const std::size_t end = ended_ ? pending_.size() : pending_.rfind('\n') + 1;
      const bool enough = pending_.size() >= kInputBytes || ended_ || !is_more_there();
      if (end > 0 && enough) {
        std::string lines = pending_.substr(0, end);
        pending_.erase(0, end);
        return lines;
      }
      if (ended_ || interrupted) return {};
      read();
    }
  }

 private:
  static bool is_more_there() {
    pollfd in{STDIN_FILENO, POLLIN, 0};
    return ::poll(&in, 1, 0) > 0;
  }
  void read() {
    const std::size_t before = pending_.size();
    pending_.resize(before + kInputBytes);
    const ssize_t n = ::read(STDIN_FILENO, pending_.data() + before, kInputBytes);
    pending_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    ended_ = n == 0 || (n < 0 && errno != EINTR);
  }

  std::string pending_;
  bool ended_ = false;
};

/// While the spool is full, the input waits.
Result<void> spool(client::Producer& producer, const EventBatch& batch) {
  for (;;) {
    auto sent = producer.send(batch);
    if (sent || sent.error().code != ErrorCode::unavailable || interrupted) return sent;
    std::this_thread::sleep_for(kFullPause);
  }
}

Result<void> push_lines(client::Producer& producer) {
  Lines input;
  for (std::string lines = input.next(); !lines.empty(); lines = input.next()) {
    Decoder decoder{BodyFormat::ndjson, lines};
    for (;;) {
      EventBatch batch;
      const auto more = decoder.next(batch);
      if (!more || !*more) break;  // blank lines alone are nothing to tell of
      if (const auto spooled = spool(producer, batch); !spooled) return spooled;
    }
  }
  return {};
}

void wait_for_the_server(client::Producer& producer, double patience_s) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>{patience_s};
  while (!producer.wait_until_acknowledged(kLook) && !interrupted && std::chrono::steady_clock::now() < deadline) {
    if (producer.report().hopeless) std::this_thread::sleep_for(kLook);  // nobody waits for that one
  }
}

int report(const client::ProducerReport& report) {
  fmt::print("{} accepted, {} duplicate, {} rejected\n", report.accepted, report.duplicate, report.rejected);
  for (const client::Refusal& refusal : report.first_refusals)
    fmt::print(stderr, "{}: {}\n", refusal.code, refusal.message);
  if (report.dropped_frames > 0)
    fmt::print(stderr, "takt push: {} frames were dropped, as the spool was full\n", report.dropped_frames);
  if (report.acknowledged_sequence < report.spooled_sequence) {
    fmt::print(stderr, "takt push: {} frames stay in the spool until the next push{}{}\n",
               report.spooled_sequence - report.acknowledged_sequence, report.trouble.empty() ? "" : ": ",
               report.trouble);
    return 1;
  }
  return report.rejected == 0 && report.dropped_frames == 0 ? 0 : 1;
}

int push(const Arguments& arguments) {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
  auto options = options_of(arguments);
  if (!options) return fail(options.error());
  auto producer = client::Producer::open(std::move(*options));
  if (!producer) return fail(producer.error());
  if (const auto pushed = push_lines(**producer); !pushed) return fail(pushed.error());
  wait_for_the_server(**producer, arguments.patience_s);
  return report((*producer)->report());
}

}  // namespace

void add_push_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "push", "Store and forward: events from standard input, kept on disk until the server has them");
  const auto a = std::make_shared<Arguments>();
  command->add_option("--server", a->server.url, "HOST:PORT of takt serve --tcp; tls://HOST:PORT")
      ->envname("TAKT_SERVER")
      ->capture_default_str();
  command->add_option("--spool", a->spool, "Folder that keeps what the server has not; one process at a time")
      ->envname("TAKT_SPOOL")
      ->required();
  command->add_option("--name", a->name, "What GET /v1/sources calls this producer")->envname("TAKT_NAME");
  command->add_option("--max-spool", a->max_spool, "Disk that the spool may take")
      ->envname("TAKT_MAX_SPOOL")
      ->capture_default_str();
  command
      ->add_option("--when-full", a->when_full,
                   "stop: the input waits; drop-oldest: the server is told of the gap")
      ->envname("TAKT_WHEN_FULL")
      ->check(CLI::IsMember({"stop", "drop-oldest"}))
      ->capture_default_str();
  command
      ->add_option("--sync", a->sync,
                   "each: every frame is on the disk before more is read; never: the system decides")
      ->envname("TAKT_SYNC")
      ->check(CLI::IsMember({"never", "each"}))
      ->capture_default_str();
  add_access_options(*command, a->server);
  command->add_option("--patience", a->patience_s, "Seconds to wait for the server when the input has ended")
      ->envname("TAKT_PATIENCE")
      ->capture_default_str();
  command->footer(
      "Events are JSON objects, one a line. Exit status: 0 the server has all of them, 1 some stay in the spool "
      "or were "
      "rejected, 2 wrong usage.");
  command->callback([a, &exit_status] { exit_status = push(*a); });
}

}  // namespace takt
