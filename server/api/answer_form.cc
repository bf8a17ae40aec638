#include "server/api/answer_form.h"

#include "query/answer_table.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <charconv>
#include <optional>

namespace takt {
namespace {

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// Calls `take` with each part between separators until it returns false.
template <class Take>
void for_each_part(std::string_view list, char separator, Take take) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    if (!take(without_blanks(list.substr(0, end)))) return;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

std::optional<AnswerForm> form_of(std::string_view type) {
  if (equal_ignoring_case(type, "text/csv")) return AnswerForm::csv;
  if (equal_ignoring_case(type, "application/x-ndjson") || equal_ignoring_case(type, "application/jsonl"))
    return AnswerForm::ndjson;
  if (equal_ignoring_case(type, "application/json") || type == "*/*" || type == "application/*")
    return AnswerForm::json;
  return std::nullopt;
}

double quality_of(std::string_view parameters) {
  double quality = 1;
  for_each_part(parameters, ';', [&](std::string_view parameter) {
    if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
      parameter.remove_prefix(2);
      std::from_chars(parameter.data(), parameter.data() + parameter.size(), quality);
    }
    return true;
  });
  return quality;
}

using Besides = std::vector<std::pair<std::string, std::string>>;

/// In form of rows an answer has no room for what leads to the next page.
void show_cursor(HttpResponse& response, const Besides& besides) {
  for (const auto& [name, value] : besides) {
    const bool quoted = value.size() >= 2 && value.front() == '"';
    if (name == "next_cursor" && value != "null" && !value.empty())
      response.headers.emplace_back("Takt-Next-Cursor", quoted ? value.substr(1, value.size() - 2) : value);
  }
}

}  // namespace

AnswerForm accepted_form(std::string_view accept) {
  AnswerForm best = AnswerForm::json;
  double best_quality = 0;
  for_each_part(accept, ',', [&](std::string_view range) {
    const std::size_t end = std::min(range.find(';'), range.size());
    const auto form = form_of(without_blanks(range.substr(0, end)));
    const double quality = quality_of(range.substr(end));
    if (form && quality > best_quality) best = *form, best_quality = quality;
    return true;
  });
  return best;
}

void put_into_form(HttpResponse& response, AnswerForm form, std::string_view rows,
                   const std::vector<std::string>& columns) {
  if (rows.empty() || response.status != 200 || response.content_type != "application/json") return;
  response.headers.emplace_back("Vary", "Accept");
  if (form == AnswerForm::json) return;
  if (form == AnswerForm::csv) {
    const auto table = table_of(response.body, rows, columns);
    if (!table) return spdlog::error("http: an answer has no rows: {}", table.error().context);
    show_cursor(response, table->besides);
    response.body = to_csv(*table);
    response.content_type = "text/csv; charset=utf-8; header=present";
  } else {
    auto answer = lines_of(response.body, rows, columns);
    if (!answer) return spdlog::error("http: an answer has no rows: {}", answer.error().context);
    show_cursor(response, answer->besides);
    response.body = std::move(answer->lines);
    response.content_type = "application/x-ndjson";
  }
}

void tag_answer(HttpResponse& response, std::string_view if_none_match) {
  if (response.status != 200) return;
  const std::string_view payload = response.payload();
  const XXH128_hash_t hash = XXH3_128bits(payload.data(), payload.size());
  // Weak: packed or not, it is the same answer.
  const std::string tag = fmt::format("W/\"{:016x}{:016x}\"", hash.high64, hash.low64);
  response.headers.emplace_back("ETag", tag);
  if (response.header("Cache-Control").empty())
    response.headers.emplace_back("Cache-Control", "private, no-cache");
  bool known = false;
  for_each_part(if_none_match, ',', [&](std::string_view each) {
    if (each.starts_with("W/")) each.remove_prefix(2);
    known = each == "*" || each == std::string_view{tag}.substr(2);
    return !known;
  });
  if (!known) return;
  response.status = 304;
  response.body.clear();
  response.static_body = {};
  response.content_type.clear();
}

}  // namespace takt
