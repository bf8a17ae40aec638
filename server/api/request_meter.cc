#include "server/api/request_meter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace takt {

void CallMeter::count(int status, std::chrono::microseconds took) {
  const auto slot = std::ranges::lower_bound(kBounds, took.count()) - kBounds.begin();
  slots_.at(static_cast<std::size_t>(slot)).fetch_add(1, std::memory_order_relaxed);
  by_class_.at(static_cast<std::size_t>(std::clamp(status / 100, 0, 5))).fetch_add(1, std::memory_order_relaxed);
  micros_.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
}

void RequestMeter::append_metrics(std::string& out) const {
  const auto to = std::back_inserter(out);
  out += "# HELP takt_http_requests_total Requests answered.\n# TYPE takt_http_requests_total counter\n";
  for (const CallMeter& call : calls_) {
    for (std::size_t i = 0; i < call.by_class_.size(); ++i) {
      if (const auto count = call.by_class_.at(i).load(std::memory_order_relaxed); count > 0)
        fmt::format_to(to, "takt_http_requests_total{{method=\"{}\",path=\"{}\",code=\"{}xx\"}} {}\n",
                       call.method_, call.path_, i, count);
    }
  }
  out +=
      "# HELP takt_http_request_seconds From a request's arrival to its answer's leaving for the socket.\n"
      "# TYPE takt_http_request_seconds histogram\n";
  for (const CallMeter& call : calls_) {
    std::uint64_t sum = 0;
    for (const auto& slot : call.slots_) sum += slot.load(std::memory_order_relaxed);
    if (sum == 0) continue;
    const std::string labels = fmt::format("method=\"{}\",path=\"{}\"", call.method_, call.path_);
    sum = 0;
    for (std::size_t i = 0; i < CallMeter::kBounds.size(); ++i) {
      sum += call.slots_.at(i).load(std::memory_order_relaxed);
      fmt::format_to(to, "takt_http_request_seconds_bucket{{{},le=\"{}\"}} {}\n", labels,
                     static_cast<double>(CallMeter::kBounds.at(i)) / 1e6, sum);
    }
    sum += call.slots_.back().load(std::memory_order_relaxed);
    fmt::format_to(to, "takt_http_request_seconds_bucket{{{},le=\"+Inf\"}} {}\n", labels, sum);
    fmt::format_to(to, "takt_http_request_seconds_sum{{{}}} {}\n", labels,
                   static_cast<double>(call.micros_.load(std::memory_order_relaxed)) / 1e6);
    fmt::format_to(to, "takt_http_request_seconds_count{{{}}} {}\n", labels, sum);
  }
}

}  // namespace takt
