#include "cli/serve.h"

#include "ingest/mqtt/mqtt_address.h"
#include "server/service.h"
#include "server/version.h"

#include <fmt/format.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

extern char** environ;

namespace takt {
namespace {

constexpr int kWrongUsage = 2;

struct Arguments {
  std::string data, config, http = "127.0.0.1:8080", tcp, mqtt, memory;
  std::vector<std::string> exports;
  TlsFiles tls;
  std::string query_timeout = "3s", slow_query = "1s";
  double rate_limit = FrontOptions{}.requests_per_second;
  bool insecure = false;
  std::size_t machines = 50;
  std::uint64_t seed = 1;
  std::string history = "7d";
};

int fail(std::string_view command, const Error& error) {
  fmt::print(stderr, "takt {}: {}\n", command, error.context);
  return 1;
}

/// The signals that end or reload the server; blocked in every thread, so that sigwait() alone gets them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void log_to_stderr() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("takt"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

/// A connection is an open file, and shells often allow 1024 only though the system would allow more.
void allow_many_connections() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// An arena a thread would keep what each of them once needed.
void keep_heap_small() { mallopt(M_ARENA_MAX, 2); }

/// A broker of the command line: JSON in takt/#, and Sparkplug B. Passwords and mappings are for the plant's
/// [[source]].
Result<std::vector<DataSource>> sources_of_broker(const std::string& url) {
  std::vector<DataSource> sources;
  if (url.empty()) return sources;
  if (const auto address = parse_mqtt_url(url); !address) return address.error();
  for (const auto& [id, kind] : {std::pair{"mqtt", "mqtt"}, std::pair{"mqtt.sparkplug", "sparkplug"}}) {
    DataSource& source = sources.emplace_back();
    source.id = id, source.kind = kind, source.url = url;
  }
  return sources;
}

Result<ServiceOptions> service_options(const Arguments& arguments) {
  ServiceOptions options;
  options.clock_not_before = kMadeAfter;
  options.data = arguments.data;
  options.config = arguments.config;
  auto http = ListenAddress::parse(arguments.http);
  if (!http) return http.error();
  options.http = *http;
  if (!arguments.tcp.empty()) {
    const auto tcp = ListenAddress::parse(arguments.tcp);
    if (!tcp) return tcp.error();
    options.tcp = *tcp;
  }
  for (const auto& [text, limit] : {std::pair{&arguments.query_timeout, &options.front.query_timeout},
                                    std::pair{&arguments.slow_query, &options.front.slow_query}}) {
    const auto length = *text == "never" ? Result<Duration>{Duration{0}} : parse_duration(*text);
    if (!length) return length.error();
    *limit = std::chrono::ceil<std::chrono::milliseconds>(*length);
  }
  options.front.requests_per_second = arguments.rate_limit;
  options.tls = arguments.tls;
  options.insecure = arguments.insecure;
  const auto memory =
      arguments.memory.empty() ? Result<std::uint64_t>{MemoryBudget::usual()} : parse_size(arguments.memory);
  if (!memory) return memory.error();
  auto budget = MemoryBudget::of(*memory);
  if (!budget) return budget.error();
  options.memory = *budget;
  auto sources = sources_of_broker(arguments.mqtt);
  if (!sources) return sources.error();
  options.sources = std::move(*sources);
  options.exports = arguments.exports;
  std::erase(options.exports, "none");
  if (arguments.exports.empty())
    options.exports.push_back("sqlite:" + (options.data / "warehouse.sqlite").string());
  return options;
}

/// Ends the process if it is told to while it recovers: nothing was taken in yet, so there is nothing to finish.
class RecoveryWatch {
 public:
  explicit RecoveryWatch(const Service& service) : service_(service), thread_([this] { watch(); }) {}
  ~RecoveryWatch() {
    recovered_ = true;
    thread_.join();
  }
  RecoveryWatch(const RecoveryWatch&) = delete;
  RecoveryWatch& operator=(const RecoveryWatch&) = delete;

 private:
  void watch() const {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    while (!recovered_) {
      const timespec moment{0, 50'000'000};
      const int signal = sigtimedwait(&ends, nullptr, &moment);
      if (signal < 0) continue;
      if (service_.serving()) {
        ::kill(::getpid(), signal);  // for wait_for_the_end(), which stops politely
        return;
      }
      fmt::print(stderr, "stopped while recovering; nothing was lost\n");
      std::_Exit(0);
    }
  }

  const Service& service_;  // borrowed: outlives the watch
  std::atomic<bool> recovered_{false};
  std::thread thread_;
};

Result<void> recover(Service& service) {
  const RecoveryWatch watch{service};
  return service.recover();
}

/// Until a signal ends it, or, in the demo, the simulator has ended badly.
int wait_for_the_end(Service& service, const sigset_t& signals, pid_t child) {
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGHUP) {
      if (const auto reloaded = service.reload(); !reloaded)
        spdlog::error("not reloaded: {}", reloaded.error().context);
      else
        spdlog::info("the plant file and the certificates are read again");
    } else if (signal == SIGCHLD) {
      int status = 0;
      if (child > 0 && ::waitpid(child, &status, WNOHANG) == child) {
        spdlog::warn("the simulator has ended; the server goes on");
        child = 0;
      }
    } else {
      break;
    }
  }
  if (child > 0) {
    ::kill(child, SIGTERM);
    int status = 0;
    ::waitpid(child, &status, 0);
  }
  spdlog::info("stopping");
  service.stop();
  return 0;
}

int serve(const Arguments& arguments) {
  log_to_stderr();
  const sigset_t signals = block_signals();
  auto options = service_options(arguments);
  if (!options) return fail("serve", options.error()), kWrongUsage;
  keep_heap_small();
  allow_many_connections();
  const std::uint64_t memory = options->memory.total;
  auto service = Service::start(std::move(*options));
  if (!service) return fail("serve", service.error());
  spdlog::info("keeping to {} of memory", size_in_words(memory));
  spdlog::info("listening on {}://{}:{}/", arguments.tls.empty() ? "http" : "https",
               ListenAddress::parse(arguments.http)->host, (*service)->port());
  if (const auto recovered = recover(**service); !recovered) return fail("serve", recovered.error());
  return wait_for_the_end(**service, signals, 0);
}

/// Starts this program again as `takt simulate`.
Result<pid_t> start_simulator(const Arguments& arguments, const std::string& server) {
  std::vector<std::string> words{"takt",
                                 "simulate",
                                 "--server",
                                 server,
                                 "--machines",
                                 std::to_string(arguments.machines),
                                 "--seed",
                                 std::to_string(arguments.seed),
                                 "--history",
                                 arguments.history,
                                 "--live",
                                 "--state",
                                 arguments.data + "/simulation.state"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int error = posix_spawn(&child, "/proc/self/exe", nullptr, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return io_error("cannot start the simulator: " + std::string{std::strerror(error)});
  return child;
}

int demo(const Arguments& arguments) {
  log_to_stderr();
  const sigset_t signals = block_signals();
  auto options = service_options(arguments);
  if (!options) return fail("demo", options.error()), kWrongUsage;
  keep_heap_small();
  allow_many_connections();
  const std::string host = options->http.host;
  auto service = Service::start(std::move(*options));
  if (!service) return fail("demo", service.error());
  if (const auto recovered = recover(**service); !recovered) return fail("demo", recovered.error());
  const std::string address = fmt::format(
      "http://{}:{}", host.find(':') == std::string::npos ? host : "[" + host + "]", (*service)->port());
  const auto simulator = start_simulator(arguments, address);
  if (!simulator) return fail("demo", simulator.error());
  fmt::print(
      "\n  Takt is running: open {}/ in a browser.\n"
      "  A plant of {} machines is simulated; its past {} fill up in the first minute.\n"
      "  Figures: curl '{}/v1/oee/current'\n"
      "  Data: {}   Stop: Ctrl-C\n\n",
      address, arguments.machines, arguments.history, address, arguments.data);
  std::fflush(stdout);
  return wait_for_the_end(**service, signals, *simulator);
}

void add_tls_options(CLI::App& command, TlsFiles& files) {
  command
      .add_option("--tls-cert", files.certificate,
                  "PEM certificate, and who vouches for it: --http and --tcp speak TLS")
      ->envname("TAKT_TLS_CERT");
  command.add_option("--tls-key", files.key, "Its key")->envname("TAKT_TLS_KEY");
  command
      .add_option("--tls-client-ca", files.client_ca,
                  "PEM file of who vouches for machines that show a certificate instead of a token")
      ->envname("TAKT_TLS_CLIENT_CA");
}

void add_server_options(CLI::App& command, Arguments& a) {
  command.add_option("--http", a.http, "Address and port to listen on")
      ->envname("TAKT_HTTP")
      ->capture_default_str();
  command.add_option("--tcp", a.tcp, "Address and port for the binary protocol of takt push (default: none)")
      ->envname("TAKT_TCP");
  command
      .add_option("--export", a.exports,
                  "Where facts and rollups go (default: sqlite:DIR/warehouse.sqlite; none: nowhere)")
      ->envname("TAKT_EXPORT");
  command
      .add_option("--mqtt", a.mqtt,
                  "Broker to listen to, mqtt://HOST:1883 or mqtts://HOST:8883: JSON in takt/#, and Sparkplug B")
      ->envname("TAKT_MQTT");
  command
      .add_option("--memory", a.memory,
                  "Memory to keep to, such as 512M or 2G (default: a quarter of what this machine has)")
      ->envname("TAKT_MEMORY");
  command.add_option("--query-timeout", a.query_timeout, "After which a question is given up, or never")
      ->envname("TAKT_QUERY_TIMEOUT")
      ->capture_default_str();
  command.add_option("--slow-query", a.slow_query, "What takes longer is logged; never: nothing is")
      ->envname("TAKT_SLOW_QUERY")
      ->capture_default_str();
  command
      .add_option("--rate-limit", a.rate_limit,
                  "Requests a second of one address, but this machine's own; 0: any number")
      ->envname("TAKT_RATE_LIMIT")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_flag("--insecure", a.insecure, "Serve other than this machine without TLS and tokens")
      ->envname("TAKT_INSECURE");
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("serve", "Take events in and answer with figures");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--data", arguments->data, "Data folder; made if it does not exist")
      ->envname("TAKT_DATA")
      ->required();
  command
      ->add_option("--config", arguments->config, "Plant description; read if it has changed since the last start")
      ->envname("TAKT_CONFIG");
  add_tls_options(*command, arguments->tls);
  add_server_options(*command, *arguments);
  command->footer(
      "SIGTERM stops within 10 seconds, nothing lost; SIGHUP reads plant description and certificates again.\n"
      "Exit status: 0 stopped, 1 failed, 2 wrong usage.");
  command->callback([arguments, &exit_status] { exit_status = serve(*arguments); });
}

void add_demo_command(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("demo", "Serve a simulated plant, with a week of history");
  const auto arguments = std::make_shared<Arguments>();
  arguments->data = "data/demo";
  command->add_option("--data", arguments->data, "Data folder")->envname("TAKT_DATA")->capture_default_str();
  command->add_option("--machines", arguments->machines, "Number of machines")
      ->envname("TAKT_MACHINES")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "The same seed gives the same plant")
      ->envname("TAKT_SEED")
      ->capture_default_str();
  command->add_option("--history", arguments->history, "How much past there is")
      ->envname("TAKT_HISTORY")
      ->capture_default_str();
  add_server_options(*command, *arguments);
  command->callback([arguments, &exit_status] { exit_status = demo(*arguments); });
}

}  // namespace takt
