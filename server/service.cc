#include "server/service.h"

#include <spdlog/spdlog.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fstream>
#include <shared_mutex>
#include <sstream>

#include "ingest/connector.h"
#include "ingest/tcp/tcp_server.h"
#include "server/alerts/alert_book.h"
#include "server/api/front.h"
#include "server/http/content_coding.h"
#include "web/assets.h"

namespace takt {
namespace {

// Of the ten seconds that stopping may take:
constexpr auto kDrainPatience = std::chrono::seconds{5};
constexpr auto kFlushPatience = std::chrono::seconds{6};  // from the beginning
constexpr std::size_t kWorkers = 4;
constexpr std::size_t kScanners = 3;  // each may hold an answer of a million points

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return io_error("cannot read the plant file " + path + "; name an existing one with --config");
  return text.str();
}

void listen_to_commits(Store& store, LiveHub& live, Connectors& connectors) {
  store.set_listener([&](const CommitNotice& notice) {
    live.committed(notice);
    if (notice.plant_changed) connectors.follow(store.plant());
  });
}

/// The broker of the command line.
std::optional<DataSource> broker_in(const std::vector<DataSource>& sources) {
  const auto named = std::ranges::find(sources, "mqtt", &DataSource::kind);
  return named == sources.end() ? std::nullopt : std::optional{*named};
}

/// For the rare client that takes no gzip, such as a plain curl.
std::string unpacked(std::string_view gzip) {
  constexpr std::size_t kMost = std::size_t{64} << 20U;
  std::string bytes;
  const auto decoder = make_body_decoder(ContentCoding::gzip, kMost);
  decoder->write(gzip, bytes);
  return bytes;
}

HttpResponse page(const Asset& asset, const HttpRequest& request) {
  HttpResponse answer;
  answer.content_type = asset.content_type;
  answer.headers = {
      {"ETag", std::string{asset.etag}},
      {"Vary", "Accept-Encoding"},
      {"Cache-Control", asset.immutable() ? "public, max-age=31536000, immutable" : "no-cache"},
      {"Content-Security-Policy",
       "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"}};
  if (request.header("if-none-match") == asset.etag) {
    answer.status = 304;
    return answer;
  }
  if (accepts_gzip(request)) {
    answer.headers.emplace_back("Content-Encoding", "gzip");
    answer.static_body = asset.gzip;
  } else {
    answer.body = unpacked(asset.gzip);
  }
  return answer;
}

}  // namespace

/// In order of construction; taken down in reverse.
struct Service::Parts {
  ServiceOptions options;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  // What answers; null until recovered and from when stopping begins. Handlers hold it for the time of a call.
  std::shared_mutex gate;
  bool serving = false;
  std::string waiting_for = "the data folder is being opened";
  std::atomic<bool> stopping{false};

  std::shared_ptr<TlsServer> tls;  // none: plain
  std::unique_ptr<Store> store;
  std::unique_ptr<TokenBook> tokens;
  std::unique_ptr<Gate> gate_keeper;
  std::unique_ptr<ApiFront> front;
  std::unique_ptr<Ingestor> ingestor;
  std::unique_ptr<Connectors> connectors;
  std::unique_ptr<TcpServer> tcp;
  std::unique_ptr<Exporter> exporter;
  std::unique_ptr<LiveHub> live;
  std::unique_ptr<AlertBook> alerts;
  std::unique_ptr<WorkerPool> workers, scanners;
  std::unique_ptr<Api> api;
  Router router;
  std::unique_ptr<HttpServer> http;

  /// Whether nobody but this machine can connect.
  bool is_local() const {
    return is_loopback(options.http.host) && (!options.tcp || is_loopback(options.tcp->host));
  }

  void handle(HttpRequest request, Responder responder) {
    if (request.path == "/healthz" && (request.method == "GET" || request.method == "HEAD")) {
      return responder.send(json_response(R"({"status":"ok"})"));
    }
    if (stopping && request.path == "/readyz")
      return responder.send(problem(503, "stopping", "the server is stopping"));
    const std::shared_lock lock{gate};
    if (!serving) {
      HttpResponse not_yet = problem(503, "not ready", waiting_for);
      not_yet.headers.emplace_back("Retry-After", "1");
      return responder.send(std::move(not_yet));
    }
    router(std::move(request), std::move(responder));
  }

  void add_routes() {
    for (const Route& route : all_routes())
      router.add(std::string{route.method}, std::string{route.path}, front->around(route, *api));
    for (const Asset& asset : web_assets()) {
      const auto answer = [&asset](const HttpRequest& request, Responder responder) {
        responder.send(page(asset, request));
      };
      router.get(std::string{asset.path}, answer);
      if (asset.path == "/index.html") router.get("/", answer);
    }
  }

  Result<void> apply_config(bool only_if_changed) {
    if (options.config.empty()) return {};
    const auto text = read_file(options.config);
    if (!text) return text.error();
    const std::string hash = std::to_string(XXH3_64bits(text->data(), text->size()));
    if (only_if_changed && store->has_plant() && store->note("config") == hash) return {};
    auto plant = parse_plant_toml(*text, options.config);
    if (!plant) return plant.error();
    if (const auto changed = store->set_plant(*plant, std::nullopt, false); !changed) return changed.error();
    return store->set_note("config", hash);
  }
};

Service::Service(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Service::~Service() { stop(); }

std::uint16_t Service::port() const { return parts_->http->port(); }
std::uint16_t Service::tcp_port() const { return parts_->tcp ? parts_->tcp->port() : 0; }

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  Parts& p = *parts;
  if (!p.is_local() && !p.options.insecure && p.options.tls.empty()) {
    return invalid(
        "refusing to serve on " + p.options.http.to_string() +
        " without TLS and tokens: name --tls-cert and --tls-key, listen on 127.0.0.1, or accept the risk "
        "with --insecure");
  }
  if (!p.options.tls.empty()) {
    auto tls = TlsServer::open(p.options.tls);
    if (!tls) return tls.error();
    p.options.http_options.tls = p.tls = std::move(*tls);
  }
  p.options.http_options.max_bodies_bytes =
      std::min(p.options.http_options.max_bodies_bytes, p.options.memory.bodies);
  auto http = HttpServer::listen(
      p.options.http, p.options.http_options,
      [&p](HttpRequest request, Responder responder) { p.handle(std::move(request), std::move(responder)); });
  if (!http) return http.error();
  p.http = std::move(*http);
  return std::unique_ptr<Service>{new Service{std::move(parts)}};
}

Result<void> Service::recover() {
  Parts& p = *parts_;
  const auto began = std::chrono::steady_clock::now();
  StoreOptions options;
  options.clock = p.options.clock;
  options.clock_not_before = p.options.clock_not_before;
  options.memory = p.options.memory.store;
  options.sealing.journal_bytes = p.options.memory.journal;
  options.progress = [&p](double share) {
    const std::unique_lock lock{p.gate};
    p.waiting_for = "recovering: " + std::to_string(static_cast<int>(share * 100)) + " % of the commits are read";
  };
  auto store = Store::open(p.options.data, std::move(options));
  if (!store) return store.error();
  p.store = std::move(*store);
  auto tokens = TokenBook::open(*p.store);
  if (!tokens) return tokens.error();
  p.tokens = std::move(*tokens);
  p.gate_keeper = std::make_unique<Gate>(*p.store, *p.tokens);
  p.front = std::make_unique<ApiFront>(*p.gate_keeper, p.options.front);
  if (!p.options.insecure && !p.tokens->is_in_use() && !p.is_local()) {
    return invalid(
        "refusing to serve on other than this machine without tokens: make one with takt token create --data " +
        p.options.data.string() + " --role admin --name NAME");
  }
  p.ingestor = std::make_unique<Ingestor>(*p.store);
  p.live = std::make_unique<LiveHub>(*p.store);
  p.connectors = std::make_unique<Connectors>(*p.ingestor, *p.options.clock, p.options.sources);
  listen_to_commits(*p.store, *p.live, *p.connectors);
  if (const auto configured = p.apply_config(true); !configured) {
    // What can be told is told, also where nothing can be taken in.
    if (configured.error().code != ErrorCode::unavailable) return configured.error();
    spdlog::warn("{} is not used: {}", p.options.config, configured.error().context);
  }
  auto exporter = Exporter::open(*p.store, p.options.exports);
  if (!exporter) return exporter.error();
  p.exporter = std::move(*exporter);
  auto alerts = AlertBook::open(*p.store, *p.ingestor, *p.exporter, broker_in(p.options.sources));
  if (!alerts) return alerts.error();
  p.alerts = std::move(*alerts);
  p.workers = std::make_unique<WorkerPool>(kWorkers);
  p.scanners = std::make_unique<WorkerPool>(kScanners);
  p.api = std::make_unique<Api>(Api{*p.store, *p.ingestor, *p.exporter, *p.live, *p.tokens, *p.gate_keeper,
                                    *p.front, *p.alerts, *p.workers, *p.scanners, *p.http, p.started, p.stopping});
  p.add_routes();
  if (p.options.tcp) {
    TcpOptions limits;
    limits.tls = p.tls;
    limits.admit = [gate = p.gate_keeper.get()](std::string_view token, std::string_view certificate,
                                                const std::string& remote) {
      return gate->admit(token, certificate, remote);
    };
    limits.large_messages_bytes = p.options.memory.messages;
    auto tcp = TcpServer::listen(p.options.tcp->host, p.options.tcp->port, limits, *p.ingestor, *p.store);
    if (!tcp) return tcp.error();
    p.tcp = std::move(*tcp);
  }
  if (p.store->has_plant()) p.connectors->follow(p.store->plant());
  const std::unique_lock lock{p.gate};
  p.serving = true;
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  spdlog::info("serving {} machines after commit {}, recovered in {:.2f} s", p.store->read().machine_count(),
               p.store->sequence(), took);
  return {};
}

bool Service::serving() const {
  const std::shared_lock lock{parts_->gate};
  return parts_->serving;
}

Result<void> Service::reload() {
  if (parts_->tls) {
    if (const auto reloaded = parts_->tls->reload(); !reloaded) return reloaded;
  }
  return parts_->apply_config(false);
}

void Service::stop() {
  Parts& p = *parts_;
  if (!p.http) return;
  p.stopping = true;
  if (p.exporter) p.exporter->finish_by(std::chrono::steady_clock::now() + kFlushPatience);
  p.http->stop_accepting();
  if (p.connectors) p.connectors->stop();
  if (p.tcp) p.tcp->stop();
  // Streams end, requests in flight are answered, in the end with a refusal; then what they used goes in reverse.
  const auto give_up = [&p] {
    if (p.store) p.store->stop_intake();
  };
  if (!p.http->drain(kDrainPatience, give_up)) spdlog::warn("stopping: some requests were cut off");
  {
    const std::unique_lock lock{p.gate};
    p.serving = false;
    p.waiting_for = "stopping";
  }
  p.workers.reset();
  p.scanners.reset();
  p.http.reset();
  p.alerts.reset();
  p.exporter.reset();
  if (p.store) p.store->set_listener({});
  p.live.reset();
  p.api.reset();
  p.tcp.reset();
  p.connectors.reset();
  p.ingestor.reset();
  p.front.reset();
  p.gate_keeper.reset();
  p.tokens.reset();
  p.store.reset();
}

}  // namespace takt
