#include "server/api/front.h"

#include "query/read_tally.h"
#include "server/api/answer_form.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string_view>

namespace takt {
namespace {

/// How a call says which machines it is about.
Reach reach_of(const Route& route, Right right) {
  if (right == Right::none || right == Right::any || right == Right::send || right == Right::operate)
    return Reach::any;
  if (route.method == "GET" && route.path == "/v1/plant") return Reach::any;  // it shows everybody his part
  const auto takes = [&](std::string_view name) {
    return std::ranges::any_of(route.parameters, [&](const ParameterDoc& p) { return p.name == name; });
  };
  return takes("scope") ? Reach::by_scope : takes("machine") ? Reach::by_machine : Reach::whole_plant;
}

std::string_view host_in(std::string_view remote) { return remote.substr(0, remote.rfind(':')); }

bool is_this_machine(std::string_view host) {
  return host.starts_with("127.") || host == "[::1]" || host == "::1";
}

HttpResponse too_many_requests() {
  HttpResponse later = problem(429, "Too many requests come from this address; ask less often.");
  later.headers.emplace_back("Retry-After", "1");
  return later;
}

/// What is answered out of what is known, and can be kept by who asks.
bool is_question(const Route& route) {
  return route.method == "GET" && route.content_type != "text/event-stream" &&
         (route.path.starts_with("/v1/") || route.path == "/openapi.json");
}

}  // namespace

/// A request under way.
struct ApiFront::Call {
  const Route& route;
  CallMeter& meter;
  const FrontOptions& options;
  std::chrono::steady_clock::time_point began;
  QueryParameters asked;
  AnswerForm form = AnswerForm::json;
  std::string known_tag;
  std::shared_ptr<LimitedQuery> query;  ///< none: it is no question

  void finish(HttpResponse& response) const {
    if (query && query->overran() && response.status == 503) response = overran();
    if (is_question(route)) {
      put_into_form(response, form, route.rows, route.columns);
      tag_answer(response, known_tag);
    }
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    meter.count(response.status, took);
    if (options.slow_query.count() > 0 && took >= options.slow_query) {
      const ReadTally& read = ReadTally::of_this_thread();
      spdlog::warn("http: slow: {} {}{} took {} ms, read {} chunks and {} buckets, answered {} with {} bytes",
                   route.method, route.path, asked_for(), took.count() / 1000, read.chunks, read.buckets,
                   response.status, response.payload().size());
    }
  }

 private:
  HttpResponse overran() const {
    return problem(
        503, "query time-out",
        fmt::format("The question took longer than {} s and was given up; ask for a shorter range, fewer "
                    "members or a coarser grain, or have the server started with a longer --query-timeout.",
                    static_cast<double>(options.query_timeout.count()) / 1e3));
  }
  std::string asked_for() const {
    std::string text;
    for (const auto& [name, value] : asked.entries())
      text += (text.empty() ? "?" : "&") + name + "=" + readable(value);
    return text;
  }
};

void ApiFront::append_metrics(std::string& out) const {
  meter_.append_metrics(out);
  out += fmt::format(
      "# HELP takt_queries_timed_out_total Questions given up since they took too long.\n"
      "# TYPE takt_queries_timed_out_total counter\ntakt_queries_timed_out_total {}\n",
      limit_.overruns());
}

Handler ApiFront::around(Route route, Api& api) {
  const Right right = right_for(route.method, route.path);
  const Reach reach = reach_of(route, right);
  CallMeter& meter = meter_.add(std::string{route.method}, std::string{route.path});
  auto kept = std::make_shared<const Route>(std::move(route));
  return [this, &api, &meter, right, reach, kept](HttpRequest request, Responder responder) {
    const std::string_view host = host_in(request.remote);
    if (!is_this_machine(host) && !rate_.admit(host)) return responder.send(too_many_requests());
    auto call =
        std::make_shared<Call>(Call{*kept, meter, options_, std::chrono::steady_clock::now(), {}, {}, {}, {}});
    if (is_question(*kept)) {
      call->asked = request.query;
      call->form = accepted_form(request.header("accept"));
      call->known_tag = request.header("if-none-match");
      call->query = limit_.begin(request.cancelled);
      request.cancelled = call->query->token();
    }
    responder.before_sending([call](HttpResponse& response) { call->finish(response); });
    ReadTally::of_this_thread() = {};
    if (auto refused = gate_.refuse(request, right, reach)) return responder.send(std::move(*refused));
    kept->handle(api, request, std::move(responder));
  };
}

}  // namespace takt
