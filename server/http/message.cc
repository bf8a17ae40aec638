#include "server/http/message.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <simdjson.h>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace takt {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// The position of the `+` in "...T06:00:00+02:00", or npos.
std::size_t utc_offset_at(std::string_view raw) {
  constexpr std::size_t length = std::string_view("+02:00").size();
  if (raw.size() <= length || raw.find_first_of("Tt") == std::string_view::npos) return std::string_view::npos;
  const std::string_view tail = raw.substr(raw.size() - length);
  const bool is_offset = tail[0] == '+' && is_digit(tail[1]) && is_digit(tail[2]) && tail[3] == ':' &&
                         is_digit(tail[4]) && is_digit(tail[5]) && is_digit(raw[raw.size() - length - 1]);
  return is_offset ? raw.size() - length : std::string_view::npos;
}

enum class Plus { is_itself, is_space };

std::optional<std::string> decoded(std::string_view raw, Plus plus) {
  std::string out;
  out.reserve(raw.size());
  const std::size_t kept_plus = plus == Plus::is_space ? utc_offset_at(raw) : std::string_view::npos;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '+' && plus == Plus::is_space && i != kept_plus) {
      out += ' ';
    } else if (raw[i] == '%') {
      const int high = i + 2 < raw.size() ? hex_digit(raw[i + 1]) : -1;
      const int low = i + 2 < raw.size() ? hex_digit(raw[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += raw[i];
    }
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// "gzip;q=0", also with more zeros, refuses what it names: RFC 9110 section 12.4.2.
bool refused_by_weight(std::string_view parameters) {
  const auto q = parameters.find_first_of("qQ");
  if (q == std::string_view::npos) return false;
  const std::string_view weight = trimmed(parameters.substr(q + 1));
  return weight.starts_with("=") && weight.find_first_of("123456789") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view raw) { return decoded(raw, Plus::is_itself); }

std::optional<QueryParameters> QueryParameters::parse(std::string_view raw) {
  QueryParameters parameters;
  while (!raw.empty()) {
    const std::string_view pair = raw.substr(0, raw.find('&'));
    raw.remove_prefix(std::min(raw.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto name = decoded(pair.substr(0, equals), Plus::is_space);
    auto value = decoded(equals == std::string_view::npos ? "" : pair.substr(equals + 1), Plus::is_space);
    if (!name || !value) return std::nullopt;
    parameters.entries_.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

std::optional<std::string_view> QueryParameters::get(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.first == name; });
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

std::size_t QueryParameters::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.first == name; }));
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

void HeaderFields::add(std::string_view name, std::string_view value) {
  fields_.push_back({bytes_.size(), name.size(), value.size()});
  bytes_.append(name).append(value);
}

const HeaderFields::Field* HeaderFields::find(std::string_view name) const {
  const std::string_view bytes = bytes_;
  const auto found = std::find_if(fields_.begin(), fields_.end(), [&](const Field& field) {
    return equal_ignoring_case(bytes.substr(field.begin, field.name_length), name);
  });
  return found == fields_.end() ? nullptr : &*found;
}

std::string_view HeaderFields::get(std::string_view name) const {
  const Field* field = find(name);
  if (field == nullptr) return {};
  return std::string_view(bytes_).substr(field->begin + field->name_length, field->value_length);
}

bool accepts_gzip(const HttpRequest& request) {
  std::string_view list = request.header("Accept-Encoding");
  bool by_star = false;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const std::string_view name = trimmed(item.substr(0, item.find(';')));
    const bool accepted = !refused_by_weight(item.substr(name.empty() ? 0 : item.find(name) + name.size()));
    if (equal_ignoring_case(name, "gzip") || equal_ignoring_case(name, "x-gzip")) return accepted;
    if (name == "*") by_star = accepted;
  }
  return by_star;
}

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [field, value] : headers)
    if (equal_ignoring_case(field, name)) return value;
  return {};
}

std::string readable(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    const auto first = static_cast<unsigned char>(bytes[i]);
    const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    const std::string_view piece = bytes.substr(i, length);
    if (simdjson::validate_utf8(piece.data(), piece.size())) {
      out += piece;
      i += piece.size();
    } else {
      out += "\xEF\xBF\xBD";
      ++i;
    }
  }
  return out;
}

HttpResponse json_response(std::string body, int status) { return {status, "application/json", std::move(body)}; }

HttpResponse problem(int status, std::string_view title, std::string_view detail) {
  const boost::json::value body = {
      {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", readable(detail)}};
  return {status, "application/problem+json", boost::json::serialize(body)};
}

HttpResponse problem(int status, std::string_view detail) {
  return problem(status, reason_phrase(status), detail);
}

std::string_view reason_phrase(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 36> phrases = {
      {{100, "Continue"},
       {200, "OK"},
       {201, "Created"},
       {202, "Accepted"},
       {204, "No Content"},
       {206, "Partial Content"},
       {301, "Moved Permanently"},
       {302, "Found"},
       {303, "See Other"},
       {304, "Not Modified"},
       {307, "Temporary Redirect"},
       {308, "Permanent Redirect"},
       {400, "Bad Request"},
       {401, "Unauthorized"},
       {403, "Forbidden"},
       {404, "Not Found"},
       {405, "Method Not Allowed"},
       {406, "Not Acceptable"},
       {408, "Request Timeout"},
       {409, "Conflict"},
       {410, "Gone"},
       {411, "Length Required"},
       {412, "Precondition Failed"},
       {413, "Content Too Large"},
       {414, "URI Too Long"},
       {415, "Unsupported Media Type"},
       {417, "Expectation Failed"},
       {422, "Unprocessable Content"},
       {429, "Too Many Requests"},
       {431, "Request Header Fields Too Large"},
       {500, "Internal Server Error"},
       {501, "Not Implemented"},
       {503, "Service Unavailable"},
       {504, "Gateway Timeout"},
       {505, "HTTP Version Not Supported"},
       {507, "Insufficient Storage"}}};
  const auto found =
      std::find_if(phrases.begin(), phrases.end(), [&](const auto& phrase) { return phrase.first == status; });
  return found == phrases.end() ? "Unknown" : found->second;
}

}  // namespace takt
