// A whole server in this process, ready to be asked on a free port of the loopback.
#pragma once

#include "bench/need.h"
#include "client/http_client.h"
#include "server/service.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace takt::bench {

class ServiceUnderTest {
 public:
  /// `plant_toml` empty: the description that the folder keeps. With `warehouse`, as `takt serve` runs: facts and
  /// rollups go to a SQLite file beside the data.
  ServiceUnderTest(const std::filesystem::path& folder, const std::string& plant_toml, bool warehouse,
                   const Clock& clock) {
    spdlog::set_level(spdlog::level::warn);
    ServiceOptions options;
    options.data = folder / "data";
    options.http = {"127.0.0.1", 0};
    options.tcp = ListenAddress{"127.0.0.1", 0};
    options.clock = &clock;
    if (!plant_toml.empty()) {
      options.config = (folder / "plant.toml").string();
      std::ofstream{options.config} << plant_toml;
    }
    if (warehouse) options.exports.push_back("sqlite:" + (folder / "warehouse.sqlite").string());
    service_ = need(Service::start(std::move(options)));
    need(service_->recover());
  }
  ~ServiceUnderTest() { service_->stop(); }
  ServiceUnderTest(const ServiceUnderTest&) = delete;
  ServiceUnderTest& operator=(const ServiceUnderTest&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(service_->port()); }
  /// Of the binary protocol.
  std::string tcp_address() const { return "127.0.0.1:" + std::to_string(service_->tcp_port()); }
  HttpClient connect() const { return need(HttpClient::open(url())); }

 private:
  std::unique_ptr<Service> service_;
};

/// A whole number among the members of a flat JSON answer; -1 if it is missing.
inline std::int64_t member(const std::string& json, const std::string& name) {
  const std::size_t at = json.find('"' + name + "\":");
  return at == std::string::npos ? -1 : std::strtoll(json.c_str() + at + name.size() + 3, nullptr, 10);
}

}  // namespace takt::bench
