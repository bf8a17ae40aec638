// How much memory the server of the binary protocol needs at its worst: 1,000 producers that send as fast as they
// are let, a disk that stands still, producers that never read an answer, and messages that begin and do not end.
//
// Each case is a server in a process of its own with the limits that `takt serve --memory` gives it. What counts
// is the most that was ever resident (VmHWM of /proc). Before and after, what was sent is counted: every reading
// is in the store once.
#include "bench/need.h"
#include "bench/plant_load.h"
#include "bench/process_memory.h"
#include "bench/report.h"
#include "bench/scratch_folder.h"
#include "client/frame_writer.h"
#include "engine/memory.h"
#include "ingest/tcp/tcp_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::int64_t kBegin = 1'767'592'800'000'000;  // 2026-01-05T06:00:00Z
constexpr std::uint32_t kTags = 10;                     // of a producer's machine
constexpr auto kQuiet = std::chrono::seconds{3};        // without a byte taken: the server takes no more

struct Options {
  std::string folder = "data", json, memory = "512M";
  std::size_t connections = 1000;
};

/// What the parent tells the server, a byte each; the end of the pipe is the end of the server.
enum class Order : char { hold = 'h', go_on = 'g' };

/// Takes the binary protocol in, in a child process. The parent has no threads when it forks.
class TcpServerProcess {
 public:
  TcpServerProcess(const ScratchFolder& folder, const MemoryBudget& budget, std::size_t machines) {
    std::array<int, 2> answers{}, orders{};
    need_that(pipe(answers.data()) == 0 && pipe(orders.data()) == 0, "no pipes are to be had");
    process_ = fork();
    need_that(process_ >= 0, "no process is to be had");
    if (process_ == 0) {
      close(answers[0]), close(orders[1]);
      serve(folder, budget, machines, answers[1], orders[0]);
    }
    close(answers[1]), close(orders[0]);
    answers_ = answers[0], orders_ = orders[1];
    need_that(read(answers_, &port_, sizeof port_) == sizeof port_, "the server did not start");
  }
  ~TcpServerProcess() {
    close(orders_), close(answers_);
    waitpid(process_, nullptr, 0);
  }
  TcpServerProcess(const TcpServerProcess&) = delete;
  TcpServerProcess& operator=(const TcpServerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  /// Returns when it is done.
  void tell(Order order) const {
    std::uint16_t answer = 0;
    need_that(write(orders_, &order, 1) == 1 && read(answers_, &answer, sizeof answer) == sizeof answer,
              "the server has ended");
  }
  /// A line of /proc/PID/status in bytes, such as VmRSS (what is resident) or VmHWM (the most that ever was).
  double bytes(const std::string& name) const { return status_bytes(process_, name); }

 private:
  [[noreturn]] static void serve(const ScratchFolder& folder, const MemoryBudget& budget, std::size_t machines,
                                 int answers, int orders) {
    mallopt(M_ARENA_MAX, 2);  // as `takt serve`
    {
      std::atomic<bool> held{false};
      const FixedClock clock{from_micros(kBegin) + std::chrono::days{1}};
      StoreOptions options;
      options.clock = &clock;
      options.memory = budget.store;
      options.sealing.journal_bytes = budget.journal;
      options.before_write = [&held] { held.wait(true); };
      const auto store = need(Store::open(folder.path() / "data", std::move(options)));
      Plant plant;
      for (std::size_t m = 1; m <= machines; ++m) plant.machines.emplace_back().id = fmt::format("M{}", m);
      need(store->set_plant(plant, std::nullopt, false));
      Ingestor ingestor{*store};
      TcpOptions limits;
      limits.large_messages_bytes = budget.messages;
      const auto server = need(TcpServer::listen("127.0.0.1", 0, limits, ingestor, *store));
      std::uint16_t answer = server->port();
      char order = 0;
      do {
        need_that(write(answers, &answer, sizeof answer) == sizeof answer, "the parent is gone");
        if (read(orders, &order, 1) != 1) break;
        held = Order{order} == Order::hold;
        held.notify_all();
      } while (true);
      held = false;
      held.notify_all();
    }
    _exit(0);  // the parent's objects are the parent's to take down
  }

  pid_t process_ = -1;
  int answers_ = -1, orders_ = -1;
  std::uint16_t port_ = 0;
};

/// One producer's side. Sends what it can without waiting, and reads when it is told to.
class Gateway {
 public:
  Gateway(std::uint16_t port, std::uint64_t number) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need_that(socket_ >= 0, "no socket is to be had");
    need_that(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "no connection");
    flatbuffers::FlatBufferBuilder builder;
    const auto name = builder.CreateString(fmt::format("gateway-{}", number));
    const auto hello = wire::CreateHello(builder, kWireVersion, number, number, 1, 1, name);
    builder.Finish(wire::CreateMessage(builder, wire::Content::Hello, hello.Union()));
    append_message(greeting_, builder);
    client::TagNumbers tags;
    for (std::uint32_t t = 1; t <= kTags; ++t) tags.number(fmt::format("M{}", number), fmt::format("t{}", t));
    greeting_ += tags.definitions(0);
  }
  ~Gateway() { ::close(socket_); }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// As many of the bytes [sent(), all.size()) as the network takes; returns how many.
  std::size_t push(std::string_view all) {
    const std::string_view greeting = std::string_view{greeting_}.substr(std::min(sent_, greeting_.size()));
    const std::size_t of_all = sent_ - std::min(sent_, greeting_.size());
    const std::string_view next = greeting.empty() ? all.substr(of_all) : greeting;
    if (next.empty()) return 0;
    const ssize_t n = ::send(socket_, next.data(), next.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    need_that(n >= 0 || errno == EAGAIN, "the server has ended a connection");
    sent_ += n > 0 ? static_cast<std::size_t>(n) : 0;
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }
  bool is_done(std::string_view all) const { return sent_ == greeting_.size() + all.size(); }
  /// Takes answers that are there.
  void listen() {
    std::array<char, 65536> some{};
    for (;;) {
      const ssize_t n = ::recv(socket_, some.data(), some.size(), MSG_DONTWAIT);
      need_that(n != 0, "the server has ended a connection");
      if (n < 0) break;
      heard_.append(some.data(), static_cast<std::size_t>(n));
    }
    while (heard_.size() >= kWireHead && heard_.size() >= wire_size(heard_.data())) {
      const std::size_t size = wire_size(heard_.data());
      const wire::Message* message = read_message({heard_.data(), size});
      need_that(message != nullptr, "the server's answer is damaged");
      if (const auto* fault = message->content_as_Fault()) need_that(false, fault->message()->c_str());
      if (const auto* ack = message->content_as_Ack()) {
        acknowledged_ = ack->sequence(), accepted_ += ack->accepted(), duplicate_ += ack->duplicate();
      }
      heard_.erase(0, size);
    }
  }
  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t duplicate() const { return duplicate_; }

 private:
  int socket_;
  std::string greeting_, heard_;
  std::size_t sent_ = 0;
  std::uint64_t acknowledged_ = 0, accepted_ = 0, duplicate_ = 0;
};

/// What every producer sends.
struct Frames {
  std::string bytes;
  std::uint64_t count = 0;
  std::size_t rows = 0;  // of each
};

/// Readings, which are of a machine of the producer's own, as its Define says.
Frames readings(std::uint64_t count, std::size_t rows) {
  Frames frames{{}, count, rows};
  client::FrameWriter writer;
  std::vector<std::uint32_t> of(rows);
  std::vector<std::int64_t> at(rows);
  std::vector<double> number(rows);
  for (std::uint64_t frame = 1; frame <= count; ++frame) {
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t i = (frame - 1) * rows + row;
      of[row] = static_cast<std::uint32_t>(i % kTags);
      at[row] = kBegin + static_cast<std::int64_t>(i / kTags) * 10'000;
      number[row] = static_cast<double>(i * 2654435761U % 1000) / 8;
    }
    frames.bytes += writer.frame(frame, client::ReadingColumns{of, at, number, {}});
  }
  return frames;
}

/// Counts of one machine: what the first producer tells is new, what the others tell of them is known.
Frames counts(std::uint64_t count, std::size_t rows) {
  Frames frames{{}, count, rows};
  client::FrameWriter writer;
  client::TagNumbers none;
  for (std::uint64_t frame = 1; frame <= count; ++frame) {
    EventBatch batch;
    for (std::size_t row = 0; row < rows; ++row) {
      Event& event = batch.events.emplace_back();
      event.type = EventType::count;
      event.machine = "M1";
      event.at = from_micros(kBegin + static_cast<std::int64_t>((frame - 1) * rows + row) * 10'000);
      event.good = 1;
    }
    frames.bytes += writer.frame(frame, batch, {0, rows}, none);
  }
  return frames;
}

class Crowd {
 public:
  Crowd(const TcpServerProcess& server, std::size_t size) {
    for (std::size_t n = 1; n <= size; ++n) gateways_.push_back(std::make_unique<Gateway>(server.port(), n));
  }
  enum class Ears : std::uint8_t { open, shut };
  /// Sends until all is sent, or until nothing has moved for a while.
  void push(std::string_view bytes, Ears ears) {
    auto moved = SteadyClock::now();
    bool done = false;
    while (!done && SteadyClock::now() - moved < kQuiet) {
      done = true;
      std::size_t taken = 0;
      for (const auto& gateway : gateways_) {
        taken += gateway->push(bytes);
        if (ears == Ears::open) gateway->listen();
        done = done && gateway->is_done(bytes);
      }
      if (taken > 0) moved = SteadyClock::now();
      if (taken == 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
  /// Until all of it is acknowledged. Of `once` rows each was accepted, and none twice.
  void finish(const Frames& frames, std::size_t once) {
    bool done = false;
    while (!done) {
      done = true;
      for (const auto& gateway : gateways_) {
        gateway->push(frames.bytes);
        gateway->listen();
        done = done && gateway->acknowledged() == frames.count;
      }
      if (!done) std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    std::uint64_t accepted = 0, duplicate = 0;
    for (const auto& gateway : gateways_) accepted += gateway->accepted(), duplicate += gateway->duplicate();
    need_that(accepted == once && accepted + duplicate == gateways_.size() * frames.count * frames.rows,
              "not everything was accepted exactly once");
  }

 private:
  std::vector<std::unique_ptr<Gateway>> gateways_;
};

struct Run {
  Report& report;
  const Options& options;
  MemoryBudget budget;

  void show(const TcpServerProcess& server, const std::string& when) const {
    const double most = server.bytes("VmHWM");
    report.add({"resident " + when, server.bytes("VmRSS") / 1e6, "MB", {}});
    const double megabytes = static_cast<double>(budget.total) / 1e6;
    report.add({"the most that ever was", most / 1e6, "MB",
                fmt::format("budget {:.0f} MB: {}", megabytes, most / 1e6 <= megabytes ? "kept" : "MISSED")});
  }
  ScratchFolder folder() const { return need(ScratchFolder::make(options.folder)); }

  std::size_t all_of(const Frames& frames) const { return options.connections * frames.count * frames.rows; }

  void everybody_sends() const {
    const Frames frames = readings(40, 500);
    report.heading(fmt::format("{} connections send 40 frames of 500 readings each", options.connections));
    const ScratchFolder data = folder();
    const TcpServerProcess server{data, budget, options.connections};
    report.add({"resident when empty", server.bytes("VmRSS") / 1e6, "MB", {}});
    Crowd crowd{server, options.connections};
    crowd.push(frames.bytes, Crowd::Ears::open);
    crowd.finish(frames, all_of(frames));
    show(server, "when all is acknowledged");
  }
  void the_disk_stands_still(const Frames& frames, std::size_t once, std::string_view of_what) const {
    report.heading(fmt::format("The disk stands still: {} connections send frames of {} {} until no more is taken",
                               options.connections, frames.rows, of_what));
    const ScratchFolder data = folder();
    const TcpServerProcess server{data, budget, options.connections};
    Crowd crowd{server, options.connections};
    crowd.push({}, Crowd::Ears::open);  // tags are named while there is a disk
    std::this_thread::sleep_for(kQuiet);
    server.tell(Order::hold);
    crowd.push(frames.bytes, Crowd::Ears::open);
    show(server, "while it stands still");
    server.tell(Order::go_on);
    crowd.finish(frames, once);
    show(server, "when all is acknowledged");
  }
  void nobody_reads() const {
    const Frames frames = readings(500, 5);
    report.heading(
        fmt::format("{} connections send 500 frames of 5 readings and read no answer", options.connections));
    const ScratchFolder data = folder();
    const TcpServerProcess server{data, budget, options.connections};
    Crowd crowd{server, options.connections};
    crowd.push(frames.bytes, Crowd::Ears::shut);
    show(server, "when all is sent");
    crowd.finish(frames, all_of(frames));
  }
  void large_messages_do_not_end() const {
    const Frames frames = readings(1, 25'000);
    report.heading(fmt::format("{} connections begin a message of 500 KB and do not end it", options.connections));
    const ScratchFolder data = folder();
    const TcpServerProcess server{data, budget, options.connections};
    Crowd crowd{server, options.connections};
    crowd.push(std::string_view{frames.bytes}.substr(0, frames.bytes.size() - 1000), Crowd::Ears::open);
    show(server, "when no more is taken");
  }
};

int run(const Options& options) {
  // Sockets of this process, and, inherited, of the server.
  const auto files = static_cast<rlim_t>(options.connections + 500);
  rlimit limit{};
  need_that(getrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit of open files is not known");
  limit.rlim_cur = std::max(limit.rlim_cur, files), limit.rlim_max = std::max(limit.rlim_max, files);
  need_that(setrlimit(RLIMIT_NOFILE, &limit) == 0, "so many open files are not allowed: see ulimit -n");
  Report report{options.json};
  const Run run{report, options, need(MemoryBudget::of(need(parse_size(options.memory))))};
  run.everybody_sends();
  const Frames large = readings(40, 1000), small = readings(400, 16), events = counts(40, 500);
  run.the_disk_stands_still(large, run.all_of(large), "readings");
  run.the_disk_stands_still(small, run.all_of(small), "readings");
  run.the_disk_stands_still(events, events.count * events.rows, "events");
  run.nobody_reads();
  run.large_messages_do_not_end();
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"Memory of the binary protocol's server at its worst"};
  app.add_option("--data", options.folder, "Folder for the store")->capture_default_str();
  app.add_option("--memory", options.memory, "The server's budget, as of takt serve")->capture_default_str();
  app.add_option("--connections", options.connections, "Producers")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
