// A `takt serve` process with its folder, and what a client asks of it.
#pragma once

#include "client/http_client.h"
#include "tests/system/child_process.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt::test {

using Json = nlohmann::json;

/// Removed with everything in it when the test is over.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path data() const { return path_ / "data"; }
  std::filesystem::path config() const { return path_ / "plant.toml"; }

 private:
  std::filesystem::path path_;
};

/// A port of the loopback that nobody has at the moment.
std::uint16_t free_port();

void write_file(const std::filesystem::path& path, std::string_view text);

/// A plant of machines M1 to M<count> in UTC, ideal cycle one second, always scheduled, with the reason "JAM"
/// (failure).
std::string simple_plant(int machines = 1);

/// The server's log and errors are shown should its test fail.
class RunningServer {
 public:
  /// `takt serve --data DATA --http 127.0.0.1:0 MORE...`, once it listens. `plant` is written to the folder's
  /// plant file and named by --config, unless it is empty. `access`: how its own clients get in.
  explicit RunningServer(const TemporaryFolder& folder, std::string_view plant = {},
                         std::vector<std::string> more = {}, HttpClientOptions access = {});
  ~RunningServer();

  ChildProcess& process() { return *process_; }
  std::uint16_t port() const { return port_; }
  /// https:// where it was started with --tls-cert.
  const std::string& url() const { return url_; }
  const HttpClientOptions& access() const { return access_; }
  /// Asks /readyz until it says 200. False if it never does.
  bool wait_until_ready();
  /// SIGTERM; the exit status.
  std::optional<int> stop();
  /// SIGKILL.
  void kill();

 private:
  std::unique_ptr<ChildProcess> process_;
  HttpClientOptions access_;
  std::string url_;
  std::uint16_t port_ = 0;
};

/// A connection to a server; failures of the connection are failures of the test, with status 0.
class Client {
 public:
  explicit Client(const RunningServer& server);

  HttpReply get(std::string_view target, const HttpHeaders& headers = {});
  HttpReply post(std::string_view target, std::string_view body, std::string_view type = "application/x-ndjson",
                 const HttpHeaders& headers = {});
  HttpReply put(std::string_view target, std::string_view body, std::string_view type);
  /// The JSON of a 200; anything else fails the test.
  Json json(std::string_view target);
  /// Sends events that are all accepted or known; the answer.
  Json send(const std::vector<Json>& events);
  /// The only bucket of /v1/oee with `grain=total`.
  Json total(std::string_view parameters);

 private:
  HttpReply reply_of(Result<HttpReply> result, std::string_view target);
  HttpClient client_;
};

/// The body as JSON; a discarded value, and a failed test, if it is none.
Json json_of(const HttpReply& reply);
/// One JSON object a line.
std::string ndjson(const std::vector<Json>& events);
/// Checks status, content type and shape of a problem; gives its `detail`.
std::string expect_problem(const HttpReply& reply, int status);

}  // namespace takt::test
