#include "cli/query.h"

#include "cli/server_access.h"
#include "query/answer_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt {
namespace {

struct QueryCall {
  std::string_view name, path, rows, help;
  std::vector<std::string_view> required, optional;
  std::vector<std::string> columns{};  ///< of rows that are arrays
  std::vector<std::string> wanted{};   ///< what of wide rows a table shows
};

std::vector<QueryCall> query_calls() {
  const std::vector<std::string_view> range{"scope", "from", "to", "as_of"};
  const auto with = [&](std::vector<std::string_view> more) {
    more.insert(more.begin(), range.begin(), range.end());
    return more;
  };
  const std::vector<std::string> ratios{
      "scope", "machine",           "state",         "reason",       "start",         "end",
      "shift", "produced_quantity", "good_quantity", "availability", "effectiveness", "quality_ratio",
      "oee"};
  return {
      {"oee",
       "/v1/oee",
       "series.buckets",
       "OEE by hour, shift, day, week, month, year or total",
       {},
       with({"grain", "group", "whole"}),
       {},
       ratios},
      {"current", "/v1/oee/current", "machines", "Every machine in its running shift", {}, {"scope"}, {}, ratios},
      {"explain", "/v1/oee/explain", "machines", "The evidence of a figure (best as JSON)", {}, range},
      {"timeline",
       "/v1/timeline",
       "intervals",
       "What a machine was doing when",
       {"machine"},
       {"from", "to", "as_of"}},
      {"losses", "/v1/losses", "losses", "Where planned busy time went", {}, range},
      {"pareto", "/v1/downtime/pareto", "items", "Which stops cost the most time", {}, with({"by"})},
      {"defects", "/v1/quality/pareto", "items", "Which defects cost the most pieces", {}, range},
      {"production", "/v1/production", "items", "Pieces by product", {}, range},
      {"series",
       "/v1/series",
       "points",
       "Readings of a tag",
       {"machine", "tag"},
       {"from", "to", "step", "agg", "quality"},
       {"time", "value"}},
      {"kpis",
       "/v1/kpis",
       "kpis",
       "The 34 KPIs of ISO 22400-2",
       {},
       range,
       {},
       {"number", "id", "value", "unit", "formula", "reason"}},
      {"reliability", "/v1/reliability", "modes", "Failures, MTBF, MTTR", {}, range},
      {"quality",
       "/v1/quality",
       "charts",
       "Yields, capability, control charts",
       {"machine", "characteristic"},
       {"product", "from", "to", "lsl", "usl", "target", "subgroup_size", "rules", "chart", "as_of"},
       {},
       {"kind", "center", "ucl", "lcl", "violations"}},
      {"schedule", "/v1/schedule", "orders", "Orders as planned and as they went", {}, range},
      {"health",
       "/v1/health",
       "machines",
       "How well machines have done in the last 24 hours",
       {},
       {"scope", "as_of"},
       {},
       {"machine", "score", "lowered_by"}},
      {"sources", "/v1/sources", "sources", "Who sends, and how that goes", {}, {}},
  };
}

struct Arguments {
  ServerAccess server{"http://127.0.0.1:8080", {}, {}, {}};
  std::string output = "table";
  std::map<std::string_view, std::string> parameters;
};

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~:";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

int fail(const Error& error) {
  fmt::print(stderr, "takt query: {}\n", error.context);
  return 1;
}

std::string problem_in(const HttpReply& reply) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(reply.body, error);
  const auto* object = error ? nullptr : parsed.if_object();
  const auto* detail = object == nullptr ? nullptr : object->if_contains("detail");
  return detail != nullptr && detail->is_string() ? std::string{detail->get_string()}
                                                  : fmt::format("the server answered {}", reply.status);
}

int ask(const QueryCall& call, const Arguments& arguments) {
  auto client = connect_to(arguments.server);
  if (!client) return fail(client.error());
  std::string target{call.path};
  for (const auto& [name, value] : arguments.parameters) {
    if (!value.empty())
      target +=
          fmt::format("{}{}={}", target.size() == call.path.size() ? '?' : '&', name, percent_encoded(value));
  }
  const auto reply = client->get(target, {{"Accept", "application/json"}});
  if (!reply) return fail(reply.error());
  if (!reply->ok()) return fail(invalid(problem_in(*reply)));
  if (arguments.output == "json") {
    fmt::print("{}\n", reply->body);
    return 0;
  }
  const auto table = table_of(reply->body, call.rows, call.columns);
  if (!table) return fail(table.error());
  const bool bold = ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  fmt::print("{}", arguments.output == "csv" ? to_csv(*table) : to_text(*table, call.wanted, bold));
  return 0;
}

std::string_view help_of(std::string_view parameter) {
  if (parameter == "scope") return "plant (default), area:ID, line:ID or machine:ID";
  if (parameter == "machine") return "The machine's id";
  if (parameter == "from") return "Begin, RFC 3339 or microseconds since 1970 (default: 24 hours before --to)";
  if (parameter == "to") return "End, not in it (default: now)";
  if (parameter == "as_of") return "A moment of the past: as it was answered then";
  if (parameter == "grain") return "hour, shift, day, week, month, year or total";
  if (parameter == "group") return "machine, line or area: a series for each";
  if (parameter == "whole") return "1: uncut buckets, those that begin in the range";
  if (parameter == "by") return "reason, category or machine";
  if (parameter == "step") return "Length of a step, such as 60s";
  if (parameter == "agg") return "avg, min, max, sum, count, first, last or delta";
  return "As the API has it (GET /openapi.json)";
}

}  // namespace

void add_query_command(CLI::App& app, int& exit_status) {
  CLI::App* command =
      app.add_subcommand("query", "Ask a server: OEE, losses, stops, KPIs ... as table, CSV or JSON");
  command->require_subcommand(1);
  const auto calls = std::make_shared<const std::vector<QueryCall>>(query_calls());
  const auto a = std::make_shared<Arguments>();
  for (const QueryCall& call : *calls) {
    CLI::App* sub = command->add_subcommand(std::string{call.name}, std::string{call.help});
    const auto add = [&](std::string_view name, bool required) {
      std::string option = "--" + std::string{name};
      std::ranges::replace(option, '_', '-');
      sub->add_option_function<std::string>(
             option, [a, name](const std::string& value) { a->parameters[name] = value; },
             std::string{help_of(name)})
          ->required(required);
    };
    for (const std::string_view name : call.required) add(name, true);
    for (const std::string_view name : call.optional) add(name, false);
    sub->add_option("--output", a->output, "table, json (as the API answers) or csv")
        ->envname("TAKT_OUTPUT")
        ->check(CLI::IsMember({"table", "json", "csv"}))
        ->capture_default_str();
    sub->add_option("--server", a->server.url, "Running server")->envname("TAKT_SERVER")->capture_default_str();
    add_access_options(*sub, a->server);
    sub->callback([calls, &call, a, &exit_status] { exit_status = ask(call, *a); });
  }
  command->footer("Digits are those of the API. Exit status: 0 done, 1 failed, 2 wrong usage.");
}

}  // namespace takt
