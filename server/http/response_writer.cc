#include "server/http/response_writer.h"

#include "server/http/content_coding.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

namespace takt {
namespace {

constexpr std::size_t worth_packing_bytes = 1024;  // below, a packet is a packet

// With every answer: nobody guesses its type, frames it, takes it from another site or is told where it was found.
constexpr std::string_view kSafeguards =
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nCross-Origin-Resource-Policy: same-origin\r\n"
    "Referrer-Policy: no-referrer\r\n";

bool is_packed_already(std::string_view type) {
  return type.starts_with("image/") ? !type.starts_with("image/svg")
                                    : type.starts_with("video/") || type.starts_with("font/") ||
                                          type == "application/zip" || type == "application/gzip";
}

// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second and thread.
std::string_view http_date() {
  thread_local std::time_t second = -1;
  thread_local std::array<char, 64> text{};
  thread_local std::size_t length = 0;
  const std::time_t now = std::time(nullptr);
  if (now != second) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    length = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    second = now;
  }
  return {text.data(), length};
}

void append_number(std::string& out, std::size_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// The framing is ours, and a line break in a value would let its author write headers, or a whole answer.
bool may_be_sent(const std::pair<std::string, std::string>& header) {
  static constexpr std::array<std::string_view, 5> ours = {"Content-Length", "Transfer-Encoding", "Connection",
                                                           "Date", "Server"};
  const auto names_it = [&](std::string_view name) { return equal_ignoring_case(name, header.first); };
  const std::string_view breaks("\r\n\0", 3);
  return header.first.find_first_of(breaks) == std::string::npos && header.first.find(':') == std::string::npos &&
         header.second.find_first_of(breaks) == std::string::npos &&
         std::none_of(ours.begin(), ours.end(), names_it);
}

}  // namespace

void compress(HttpResponse& response, const AnswerTraits& traits) {
  const std::string_view payload = response.payload();
  if (payload.size() <= worth_packing_bytes || is_packed_already(response.content_type)) return;
  if (!response.header("Content-Encoding").empty()) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!traits.accepts_gzip) return;
  std::string packed = gzip(payload);
  if (packed.empty() || packed.size() >= payload.size()) return;
  response.body = std::move(packed);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

void write_head(const HttpResponse& response, const AnswerTraits& traits, ConnectionFate fate, std::string& out) {
  const auto status = static_cast<std::size_t>(response.status);
  out.assign("HTTP/1.1 ");
  append_number(out, status);
  out.append(" ").append(reason_phrase(response.status)).append("\r\nServer: takt\r\nDate: ").append(http_date());
  out.append("\r\n").append(kSafeguards);
  if (traits.secured) out.append("Strict-Transport-Security: max-age=31536000\r\n");
  if (response.header("Content-Security-Policy").empty())
    out.append("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
  if (response.header("Cache-Control").empty()) out.append("Cache-Control: no-store\r\n");
  if (!response.content_type.empty() && may_be_sent({"Content-Type", response.content_type}))
    out.append("Content-Type: ").append(response.content_type).append("\r\n");
  for (const auto& header : response.headers)
    if (may_be_sent(header)) out.append(header.first).append(": ").append(header.second).append("\r\n");
  if (status >= 200 && status != 204 && status != 304) {
    out.append("Content-Length: ");
    append_number(out, response.payload().size());
    out.append("\r\n");
  }
  if (fate == ConnectionFate::close) out.append("Connection: close\r\n");
  if (fate == ConnectionFate::keep && traits.to_http_1_0) out.append("Connection: keep-alive\r\n");
  out.append("\r\n");
}

std::string event_stream_head() {
  return std::string("HTTP/1.1 200 OK\r\nServer: takt\r\nDate: ")
      .append(http_date())
      .append("\r\n")
      .append(kSafeguards)
      .append(
          "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
          "Connection: close\r\n\r\n");
}

}  // namespace takt
