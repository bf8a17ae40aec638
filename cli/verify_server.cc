#include "cli/verify_server.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>
#include <map>

namespace takt {
namespace {

namespace json = boost::json;

constexpr std::size_t kDifferencesTold = 100;
/// Boost.JSON 1.81 may read a number one unit in the last place beside what was written.
constexpr double kParsingError = 1e-15;

std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string text_of(const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return fmt::format("{}", *integer);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return "null";
}

/// A member of an answer as a column holds it: flags as JSON text, booleans as 0 and 1.
bool same(const json::value& answer, const SqlValue& column) {
  if (answer.is_null()) return std::holds_alternative<std::monostate>(column);
  if (const auto* text = std::get_if<std::string>(&column)) {
    return *text == (answer.is_string() ? std::string{answer.get_string()} : json::serialize(answer));
  }
  if (answer.is_bool()) return column == SqlValue{std::int64_t{answer.get_bool() ? 1 : 0}};
  if (!answer.is_number()) return false;
  const double said = answer.to_number<double>();
  if (const auto* integer = std::get_if<std::int64_t>(&column)) return static_cast<double>(*integer) == said;
  const auto* number = std::get_if<double>(&column);
  return number != nullptr && std::abs(*number - said) <= kParsingError * std::abs(said);
}

Result<json::value> answer_of(const Result<HttpReply>& reply, const std::string& what) {
  if (!reply) return reply.error();
  if (!reply->ok()) return io_error(fmt::format("{} answered {}: {}", what, reply->status, reply->body));
  json::error_code error;
  json::value value = json::parse(reply->body, error);
  if (error) return io_error(fmt::format("{}: its answer is no JSON", what));
  return value;
}

struct Comparison {
  HttpClient& server;
  ExportTarget& target;
  Watermark watermark;
  VerifyReport report;

  Result<void> series(const Table& table, std::string_view grain, const std::string& machine);
  void row(const Table& table, const SqlRow& row, const json::object& bucket);
  void tell(Difference difference) {
    ++report.differing;
    if (report.differences.size() < kDifferencesTold) report.differences.push_back(std::move(difference));
  }
};

Result<void> Comparison::series(const Table& table, std::string_view grain, const std::string& machine) {
  const auto rows = target.rows(table, {"machine = ? AND open = ?", {machine, std::int64_t{0}}});
  if (!rows) return rows.error();
  if (rows->empty()) return {};
  const std::string path = fmt::format(
      "/v1/oee?scope=machine:{}&grain={}&whole=1&from={}&to={}", url_encoded(machine), grain,
      url_encoded(std::get<std::string>(rows->front()[1])), url_encoded(format_time(watermark.flushed)));
  const auto answer = answer_of(server.get(path), "GET " + path);
  if (!answer) return answer.error();
  std::map<std::string, const json::object*> buckets;
  for (const json::value& bucket : answer->at("buckets").as_array()) {
    buckets[std::string{bucket.at("start").as_string()}] = &bucket.as_object();
  }
  for (const SqlRow& own : *rows) {
    const auto& start = std::get<std::string>(own[1]);
    const auto found = buckets.find(start);
    if (found == buckets.end()) {
      tell({std::string{table.name}, machine, start, "row", "missing", "present"});
      continue;
    }
    row(table, own, *found->second);
    buckets.erase(found);
  }
  for (const auto& [start, bucket] : buckets) {
    if (bucket->at("open").as_bool() || bucket->at("end").as_string() > format_time(watermark.flushed)) continue;
    tell({std::string{table.name}, machine, start, "row", "present", "missing"});
  }
  return {};
}

void Comparison::row(const Table& table, const SqlRow& row, const json::object& bucket) {
  // Changed after the flush: the next one brings it.
  if (bucket.at("revision").to_number<std::uint64_t>() > watermark.commit) return;
  ++report.rows;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (table.columns[i] == "revision") continue;
    const json::value* answer = bucket.if_contains(table.columns[i]);
    if (answer != nullptr && same(*answer, row[i])) continue;
    tell({std::string{table.name}, std::get<std::string>(row[0]), std::get<std::string>(row[1]),
          std::string{table.columns[i]}, answer == nullptr ? "not answered" : json::serialize(*answer),
          text_of(row[i])});
  }
}

Result<VerifyReport> compared(HttpClient& server, ExportTarget& target) {
  const auto flushed = answer_of(server.post("/v1/export/run", {"", "application/json"}), "POST /v1/export/run");
  if (!flushed) return flushed.error();
  // One transaction, so that the rows are those of one flush.
  if (const auto begun = target.begin(); !begun) return begun.error();
  const auto watermark = target.watermark();
  if (!watermark) return watermark.error();
  if (!*watermark) return not_found("nothing was exported to this target yet");
  Comparison comparison{server, target, **watermark, {}};
  comparison.report.watermark = comparison.report.sequence = (*watermark)->commit;
  const auto machines = target.rows(tables::exported_machine, whole_table());
  if (!machines) return machines.error();
  for (const SqlRow& machine : *machines) {
    const auto& name = std::get<std::string>(machine[0]);
    for (const auto& [table, grain] : {std::pair{&tables::oee_rollup_hourly, "hour"},
                                       {&tables::oee_rollup_shift, "shift"},
                                       {&tables::oee_rollup_daily, "day"}}) {
      if (const auto done = comparison.series(*table, grain, name); !done) return done.error();
    }
  }
  return comparison.report;
}

}  // namespace

Result<VerifyReport> verify_server(HttpClient& server, ExportTarget& target) {
  Result<VerifyReport> report = io_error("the server's answer is not what this version of Takt expects");
  try {
    report = compared(server, target);
  } catch (const std::exception&) {
    // Boost.JSON throws where a member is missing or of another kind: the error above says it.
  }
  target.rollback();
  return report;
}

}  // namespace takt
