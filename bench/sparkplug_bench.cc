// How many Sparkplug B metrics a second become durable through a real mosquitto on the loopback, ten metrics a
// message: publisher, broker and a whole server on the same cores. Floor: 50,000 metrics/s on 2 cores.
//
// Beside it stands what the same broker passes from the same publisher to a subscriber that only counts, in the
// same run. Both consumers hold the publisher back alike: no more than a window of messages is under way.
#include "bench/plant_load.h"
#include "bench/probes.h"
#include "bench/report.h"
#include "bench/samples.h"
#include "bench/scratch_folder.h"
#include "bench/service_under_test.h"
#include "ingest/mqtt/mqtt_connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <bit>
#include <functional>
#include <thread>

extern char** environ;

namespace takt::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr double kFloor = 50'000;
constexpr std::size_t kMetrics = 10;  // a message
constexpr std::size_t kDevices = 20;
constexpr std::size_t kWindow = 4'000;  // messages under way

struct Options {
  std::string folder = "data", json;
  std::size_t messages = 60'000;
  int repetitions = 3;
};

// --- payloads, by the field numbers of the specification
// -----------------------------------------------------------

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) out += static_cast<char>(value | 0x80U);
  out += static_cast<char>(value);
}
void put_number(std::string& out, unsigned field, std::uint64_t value) {
  put_varint(out, field << 3U);
  put_varint(out, value);
}
void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_varint(out, field << 3U | 2U);
  put_varint(out, bytes.size());
  out += bytes;
}
void put_double(std::string& out, unsigned field, double value) {
  put_varint(out, field << 3U | 1U);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(bits >> shift);
}

std::string payload(std::uint64_t milliseconds, std::uint64_t seq, std::size_t device, bool birth) {
  std::string out, metric;
  put_number(out, 1, milliseconds);
  for (std::size_t i = 0; i < kMetrics; ++i) {
    metric.clear();
    if (birth) put_bytes(metric, 1, fmt::format("axis{}/load", i));
    put_number(metric, 2, device * kMetrics + i);
    put_number(metric, 3, milliseconds);
    if (birth) put_number(metric, 4, 10);
    put_double(metric, 13, static_cast<double>((milliseconds / 10 + i * 7 + device) % 997) / 10);
    put_bytes(out, 2, metric);
  }
  put_number(out, 3, seq % 256);
  return out;
}

/// Births first, then data of one device after the other.
std::vector<MqttPublication> messages_of(std::size_t count) {
  const auto begin = static_cast<std::uint64_t>(micros(kLoadBegin) / 1000);
  std::vector<MqttPublication> out;
  std::string birth;
  put_number(birth, 1, begin);
  put_number(birth, 3, 0);
  out.push_back({"spBv1.0/G/NBIRTH/N", birth});
  for (std::size_t i = 0; i < kDevices + count; ++i) {
    const bool is_birth = i < kDevices;
    const std::size_t device = i % kDevices;
    out.push_back({fmt::format("spBv1.0/G/{}/N/M{}", is_birth ? "DBIRTH" : "DDATA", device + 1),
                   payload(begin + i / kDevices * 10, i + 1, device, is_birth)});
  }
  return out;
}

// --- broker, publisher, consumers
// --------------------------------------------------------------------------------------

std::uint16_t free_port() {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  need_that(::bind(file, reinterpret_cast<const sockaddr*>(&address), size) == 0, "no free port");
  ::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(file);
  return ntohs(address.sin_port);
}

class Broker {
 public:
  explicit Broker(const ScratchFolder& folder) : port_(free_port()) {
    const std::string file = folder / "mosquitto.conf";
    std::ofstream{file} << "listener " << port_
                        << " 127.0.0.1\nuser root\nallow_anonymous true\npersistence false\n"
                        << "log_type none\nmax_queued_messages 0\nmax_queued_bytes 0\n";
    std::string program = "/usr/sbin/mosquitto", option = "-c", path = file;
    char* words[] = {program.data(), option.data(), path.data(), nullptr};
    posix_spawn_file_actions_t quietly;
    ::posix_spawn_file_actions_init(&quietly);
    ::posix_spawn_file_actions_addopen(&quietly, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    need_that(::posix_spawn(&pid_, words[0], &quietly, nullptr, words, environ) == 0, "cannot start mosquitto");
    ::posix_spawn_file_actions_destroy(&quietly);
  }
  ~Broker() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  MqttAddress address() const { return {"127.0.0.1", port_, false}; }

 private:
  std::uint16_t port_;
  pid_t pid_ = 0;
};

/// Does what there is to do on a connection, waiting for at most `patience_ms` for the broker.
bool turn(MqttConnection& connection, int patience_ms) {
  const auto events = static_cast<short>(POLLIN | (connection.wants_to_write() ? POLLOUT : 0));
  pollfd file{connection.socket(), events, 0};
  ::poll(&file, 1, patience_ms);
  if ((file.revents & POLLOUT) != 0 && !connection.write()) return false;
  return (file.revents & (POLLIN | POLLHUP | POLLERR)) == 0 || connection.read().has_value();
}

/// Until the broker answers, which takes a moment after its start.
std::unique_ptr<MqttConnection> connect(const Broker& broker, const std::string& id, const std::string& filter,
                                        const MqttConnection::Receive& receive) {
  MqttSettings settings;
  settings.address = broker.address();
  settings.client_id = id;
  settings.keeps_session = false;
  if (!filter.empty()) settings.subscriptions = {{filter, 0}};
  for (int i = 0; i < 100; ++i) {
    auto connection = MqttConnection::begin(settings, receive);
    const auto until = SteadyClock::now() + std::chrono::seconds{2};
    while (connection && SteadyClock::now() < until && turn(**connection, 20)) {
      if ((*connection)->is_ready()) return std::move(*connection);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  need_that(false, "mosquitto does not answer");
  return nullptr;
}

/// Publishes all, a window ahead of what `consumed` says; metrics a second until all are consumed.
double rate(const Broker& broker, const std::vector<MqttPublication>& messages,
            const std::function<std::size_t()>& consumed) {
  const auto publisher = connect(broker, "publisher", {}, [](const MqttMessage& /*none*/) {});
  const auto begun = SteadyClock::now();
  std::size_t sent = 0, done = 0;
  while (done < messages.size()) {
    for (int i = 0; i < 50 && sent < messages.size() && sent < done + kWindow; ++i)
      publisher->publish(messages[sent++]);
    need_that(turn(*publisher, sent < done + kWindow && sent < messages.size() ? 0 : 1),
              "the publisher was cut off");
    if (sent % 500 == 0 || sent == messages.size() || sent >= done + kWindow) done = consumed();
    need_that(SteadyClock::now() - begun < std::chrono::minutes{2}, "messages were lost");
  }
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  return static_cast<double>(messages.size() * kMetrics) / seconds;
}

double bare_rate(const std::vector<MqttPublication>& messages, const ScratchFolder& folder) {
  const Broker broker{folder};
  std::atomic<std::size_t> received{0};
  std::atomic<bool> stop{false};
  auto subscriber =
      connect(broker, "subscriber", "spBv1.0/#", [&](const MqttMessage& /*counted*/) { ++received; });
  std::thread thread{[&] {
    while (!stop && turn(*subscriber, 20)) {
    }
  }};
  const double result = rate(broker, messages, [&] { return received.load(); });
  stop = true;
  thread.join();
  return result;
}

double durable_rate(const std::vector<MqttPublication>& messages, const ScratchFolder& folder) {
  const Broker broker{folder};
  const FixedClock clock{kLoadBegin + std::chrono::days{365}};
  std::string plant = "[plant]\nid = \"P\"\n[[source]]\nid = \"cell\"\nkind = \"sparkplug\"\n";
  plant += fmt::format("url = \"mqtt://127.0.0.1:{}\"\n", broker.address().port);
  for (std::size_t i = 0; i < kDevices; ++i) plant += fmt::format("[[machine]]\nid = \"M{}\"\n", i + 1);
  const ServiceUnderTest server{folder.path(), plant, false, clock};
  HttpClient client = server.connect();
  const auto source = [&] { return need(client.get("/v1/sources")).body; };
  while (source().find("\"connected\"") == std::string::npos)
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  const double result = rate(broker, messages, [&] {
    // The node's own birth has no metrics.
    return 1 + static_cast<std::size_t>(member(source(), "accepted")) / kMetrics;
  });
  need_that(member(source(), "gaps") == 0, "messages were lost on the way");
  return result;
}

int run(const Options& options) {
  Report report{options.json};
  const std::vector<MqttPublication> messages = messages_of(options.messages);
  std::vector<double> bare, durable, syncs;
  for (int i = 0; i < options.repetitions; ++i) {
    const ScratchFolder folder = need(ScratchFolder::make(options.folder));
    syncs.push_back(need(synced_appends_per_s(folder.path())));
    bare.push_back(bare_rate(messages, folder));
    durable.push_back(durable_rate(messages, folder));
    syncs.push_back(need(synced_appends_per_s(folder.path())));
  }
  report.heading(fmt::format("Sparkplug B through mosquitto: {} messages of {} metrics, {} bytes each",
                             messages.size(), kMetrics, messages.back().payload.size()));
  const double rate = median(durable);
  report.add(
      {"metrics durable, median", rate, "1/s", rate >= kFloor ? "floor 50,000: kept" : "floor 50,000: MISSED"});
  report.add({"slowest repetition", percentile(durable, 0), "1/s", {}});
  report.add({"passed by mosquitto to a bare subscriber", median(bare), "1/s", {}});
  report.add({"durable to that", rate / median(bare), "x", {}});
  report.add({"probe: 4 KiB append + fdatasync", median(syncs), "1/s", {}});
  need(report.save());
  return 0;
}

}  // namespace
}  // namespace takt::bench

int main(int argc, char** argv) {
  takt::bench::Options options;
  CLI::App app{"Durable Sparkplug B through mosquitto"};
  app.add_option("--data", options.folder, "Folder on the disk to be measured")->capture_default_str();
  app.add_option("--messages", options.messages, "Messages of a repetition")->capture_default_str();
  app.add_option("--repetitions", options.repetitions, "Each on a new, empty server")->capture_default_str();
  app.add_option("--json", options.json, "Write the figures into this file, too");
  CLI11_PARSE(app, argc, argv);
  return takt::bench::run(options);
}
