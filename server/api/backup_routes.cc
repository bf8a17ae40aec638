#include <boost/json/parse.hpp>
#include <filesystem>
#include <memory>

#include "engine/backup.h"
#include "query/json_text.h"
#include "server/api/api.h"

namespace takt {
namespace {

struct Wanted {
  std::string to;
  std::uint32_t keep = 0;
};

/// Whether a program on this machine asks, for itself: not a browser on behalf of some page, nor a proxy for
/// others.
bool is_of_this_machine(const HttpRequest& http) {
  for (const char* header : {"origin", "forwarded", "x-forwarded-for"}) {
    if (http.headers.has(header)) return false;
  }
  const std::string& remote = http.remote;
  return remote.starts_with("127.") || remote.starts_with("[::1]:") || remote.starts_with("[::ffff:127.");
}

Result<Wanted> wanted_in(const HttpRequest& http) {
  if (!http.header("content-type").starts_with("application/json")) {
    return invalid("send the body with Content-Type: application/json");
  }
  boost::json::error_code error;
  const boost::json::value body = boost::json::parse(http.body, error);
  const auto* object = error ? nullptr : body.if_object();
  if (object == nullptr) return invalid(R"(the body must be JSON, such as {"to": "/backup/takt"})");
  Wanted wanted;
  for (const auto& [key, value] : *object) {
    if (key == "to" && value.is_string()) {
      wanted.to = value.get_string();
    } else if (key == "keep" && value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= 1'000'000) {
      wanted.keep = static_cast<std::uint32_t>(value.get_int64());
    } else {
      return invalid(std::string{key} + " is not understood: to is a folder, keep a whole number from 0");
    }
  }
  if (!std::filesystem::path{wanted.to}.is_absolute()) {
    return invalid("to must be the absolute path of a folder on the server's machine");
  }
  return wanted;
}

std::string render(const BackupReport& report, const std::string& to) {
  JsonText out;
  out.begin_object().member("backup", std::uint64_t{report.backup.number}).member("time", report.backup.time);
  out.member("commit", report.backup.commit).member("bytes", report.backup.bytes);
  out.member("bytes_written", report.bytes_written).member("backups", std::uint64_t{report.backups});
  return out.member("to", to).end_object().take();
}

void post_backup(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return responder.send(*fault);
  // Who may have files written where he likes should be on this machine already.
  if (!is_of_this_machine(http)) {
    return responder.send(
        problem(403, "forbidden",
                "backups are made for programs on the server's own machine only: run takt backup there"));
  }
  const auto wanted = wanted_in(http);
  if (!wanted) return responder.send(problem_of(wanted.error()));
  answer_in(api.workers, std::move(responder), [&api, wanted = *wanted] {
    BackupOptions options;
    options.keep = wanted.keep;
    options.given_up = [&api] { return api.stopping.load(); };
    const auto report = api.store.back_up(wanted.to, options);
    return report ? json_response(render(*report, wanted.to)) : problem_of(report.error());
  });
}

}  // namespace

std::vector<Route> backup_routes() {
  return {
      {"POST",
       "/v1/backup",
       "Back the data folder up into a folder of the server's machine",
       {},
       "backup (its number), time, commit, bytes, bytes_written, backups, to",
       "application/json",
       R"(JSON: {"to": "/absolute/folder", "keep": N}; keep: how many to keep there, 0 for all)",
       post_backup},
  };
}

}  // namespace takt
