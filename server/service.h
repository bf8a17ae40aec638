// The whole server: store, ingest, queries, export and HTTP put together, from the first moment to the last.
#pragma once

#include "engine/memory.h"
#include "net/tls.h"
#include "schema/plant.h"
#include "server/api/front_options.h"
#include "server/http/http_server.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace takt {

struct ServiceOptions {
  std::filesystem::path data;
  std::string config;  ///< the plant file; empty: the data folder's description stays
  ListenAddress http{"127.0.0.1", 8080};
  std::optional<ListenAddress> tcp;  ///< of the binary protocol; none: it is not spoken
  std::vector<std::string> exports;  ///< target URLs
  std::vector<DataSource> sources;   ///< beside those of the plant
  TlsFiles tls;                      ///< of both; none: no TLS
  bool insecure = false;             ///< serve other than this machine without TLS and tokens
  HttpOptions http_options;
  FrontOptions front;
  MemoryBudget memory;
  const Clock* clock = &Clock::system();
  Timestamp clock_not_before = kBeginOfTime;  ///< as of StoreOptions
};

/// A server in this process. start(), then recover(), then wait as long as you like, then stop().
class Service {
 public:
  /// Listens: /healthz answers from now on, everything else 503 until recover() is done. conflict: the port is
  /// taken; invalid_argument: an open address without --insecure, TLS files that cannot be used.
  static Result<std::unique_ptr<Service>> start(ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Opens the store, reads the plant file if it has changed, starts the exports. Errors say what to do.
  Result<void> recover();
  /// Whether recover() is done: from then on requests may be in flight. Any thread.
  bool serving() const;
  /// Reads the plant file and the TLS files again (SIGHUP).
  Result<void> reload();
  /// Refuses new work, answers what is in flight, flushes exports, closes the store: within 10 seconds.
  void stop();

  std::uint16_t port() const;
  /// Of the binary protocol, once recovered; 0: it is not spoken.
  std::uint16_t tcp_port() const;

 private:
  struct Parts;
  explicit Service(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace takt
