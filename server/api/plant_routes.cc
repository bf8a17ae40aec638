#include <algorithm>
#include <boost/json/serialize.hpp>
#include <memory>

#include "query/json_text.h"
#include "server/api/api.h"

namespace takt {
namespace {

HttpResponse get_plant(Api& api, const HttpRequest& http) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return *fault;
  const auto plant = http.permit ? std::make_shared<const Plant>(visible_part(*http.permit, *api.store.plant()))
                                 : api.store.plant();
  if (http.header("accept").find("toml") == std::string_view::npos) {
    return json_response(boost::json::serialize(to_json(*plant)));
  }
  HttpResponse toml;
  toml.content_type = "application/toml";
  toml.body = to_toml(*plant);
  return toml;
}

/// Whether a body has no key at all, but white space, comments of TOML, or the braces of an empty object.
bool has_no_key(std::string_view body) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  constexpr std::string_view kSpace = " \t\r\n";
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  std::string rest;
  while (!body.empty()) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(line.size() + 1, body.size()));
    const std::size_t first = line.find_first_not_of(kSpace);
    if (first == std::string_view::npos || line[first] == '#') continue;
    for (const char c : line) {
      if (kSpace.find(c) == std::string_view::npos) rest += c;
    }
    if (rest.size() > 2) return false;
  }
  return rest.empty() || rest == "{}";
}

Result<Plant> plant_in(const HttpRequest& http) {
  // It would describe a plant of nothing, which sets every machine aside: that is never what was meant.
  if (has_no_key(http.body)) {
    return invalid(
        "the description is empty, and would set the whole plant aside; send all of it, as GET /v1/plant shows "
        "it");
  }
  const std::string_view type = http.header("content-type");
  const std::size_t first = http.body.find_first_not_of(" \t\r\n");
  const bool json =
      type.find("json") != std::string_view::npos ||
      (type.find("toml") == std::string_view::npos && first != std::string::npos && http.body[first] == '{');
  return json ? parse_plant_json(http.body) : parse_plant_toml(http.body, "plant.toml");
}

std::string render(const PlantChange& change, bool dry_run) {
  JsonText out;
  out.begin_object().member("dry_run", dry_run).member("sequence", change.sequence);
  out.member("machines_added", std::uint64_t{change.machines_added});
  out.member("machines_recomputed", std::uint64_t{change.machines_recomputed}).key("kept_inactive").begin_array();
  for (const std::string& machine : change.kept_inactive) out.value(machine);
  return out.end_array().end_object().take();
}

/// Who asks for a change, as far as he says.
std::string author_in(Parameters& in) {
  std::string by = in.optional("by").value_or("");
  const bool control =
      std::any_of(by.begin(), by.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
  if (by.size() > 128 || control) in.fault("by is a name of at most 128 bytes without control characters");
  return by;
}

void put_plant(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {"valid_from", "dry_run", "by"}, api.store.clock().now()};
  const auto valid_from = in.time("valid_from");
  const bool dry_run = in.flag("dry_run");
  const Author author = author_of(http, author_in(in));
  if (auto fault = in.problem()) return responder.send(*fault);
  auto plant = plant_in(http);
  if (!plant) return responder.send(problem_of(plant.error()));
  const auto shared = std::make_shared<Plant>(std::move(*plant));
  answer_in(api.workers, std::move(responder), [&api, shared, valid_from, dry_run, author, left = http.cancelled] {
    const auto change = api.store.set_plant(*shared, valid_from, dry_run, author, left);
    return change ? json_response(render(*change, dry_run)) : problem_of(change.error());
  });
}

HttpResponse get_audit(Api& api, const HttpRequest& http) {
  constexpr std::size_t kPage = 1000;
  Parameters in{http, {"after", "limit"}, api.store.clock().now()};
  const std::uint64_t after = in.number("after").value_or(0);
  const std::uint64_t limit = in.number("limit").value_or(100);
  if (limit < 1 || limit > kPage) in.fault("limit is 1 to " + std::to_string(kPage));
  if (auto fault = in.problem()) return *fault;
  const auto entries = api.store.audit(after, limit);
  if (!entries) return problem_of(entries.error());
  boost::json::array items;
  for (const AuditEntry& entry : *entries) {
    items.push_back(boost::json::object{{"number", entry.number},
                                        {"time", format_time(entry.at)},
                                        {"actor", entry.author.actor},
                                        {"by", entry.author.by},
                                        {"action", entry.action},
                                        {"details", entry.details},
                                        {"previous", entry.previous},
                                        {"hash", entry.hash}});
  }
  boost::json::object answer{{"items", std::move(items)}, {"next", nullptr}};
  if (entries->size() == limit) answer["next"] = entries->back().number;
  return json_response(boost::json::serialize(answer));
}

}  // namespace

std::vector<Route> plant_routes() {
  return {
      {"GET",
       "/v1/plant",
       "The plant description",
       {},
       "the description as JSON, or as TOML by Accept: application/toml",
       "application/json",
       {},
       answering(get_plant)},
      {"PUT",
       "/v1/plant",
       "Replace the plant description",
       {{"valid_from", "from when it holds; default: for all time"},
        {"dry_run", "1: change nothing, say what would change"},
        {"by", "who asks for it, for the audit log"}},
       "sequence, machines_added, machines_recomputed: whose figures it may change, kept_inactive: left out, but "
       "events refer to them. Sent when every figure is by it; 409 while another is taking hold",
       "application/json",
       "the whole description, TOML or JSON with the same keys",
       put_plant},
      {"GET",
       "/v1/audit",
       "Who changed what",
       {{"after", "entries after this number"}, {"limit", "1 to 1000, default 100"}},
       "items, oldest first, with number, time, actor, by, action, details, previous and hash (SHA-256); next: "
       "what "
       "to ask `after` for more",
       "application/json",
       {},
       answering(get_audit),
       "items"},
  };
}

}  // namespace takt
