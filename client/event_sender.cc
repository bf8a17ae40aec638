#include "client/event_sender.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <thread>

namespace takt {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{2'000};
constexpr int kTooManyRequests = 429, kUnavailable = 503;

json::value parse(std::string_view text) {
  json::error_code failed;
  json::value value = json::parse(json::string_view{text.data(), text.size()}, failed);
  return failed ? json::value{} : value;
}

std::uint64_t number(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  json::error_code failed;
  const auto result = value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(failed) : 0;
  return failed ? 0 : result;
}

std::string text(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string{value->as_string().c_str()} : std::string{};
}

Result<SendReceipt> to_receipt(const std::string& body) {
  const json::value value = parse(body);
  if (!value.is_object()) return io_error("the answer is no JSON object; is this a Takt server?");
  const json::object& object = value.as_object();
  SendReceipt receipt{number(object, "accepted"), number(object, "duplicate"), number(object, "rejected"), {}};
  const json::value* rejects = object.if_contains("rejects");
  if (rejects == nullptr || !rejects->is_array()) return receipt;
  for (const json::value& reject : rejects->as_array()) {
    if (!reject.is_object()) continue;
    const json::object& refused = reject.as_object();
    receipt.refusals.push_back({number(refused, "index"), text(refused, "code"), text(refused, "message")});
  }
  return receipt;
}

/// What the server asks for in whole seconds, else `otherwise`.
milliseconds pause_asked(const HttpReply& reply, milliseconds otherwise) {
  const auto asked = reply.header("Retry-After");
  unsigned seconds = 0;
  if (!asked || std::from_chars(asked->data(), asked->data() + asked->size(), seconds).ec != std::errc{})
    return otherwise;
  return std::min<milliseconds>(std::chrono::seconds{seconds}, std::chrono::seconds{60});
}

}  // namespace

std::string problem_of(const HttpReply& reply) {
  const json::value value = parse(reply.body);
  const std::string status = "status " + std::to_string(reply.status);
  if (!value.is_object()) return status;
  const std::string detail = text(value.as_object(), "detail"), title = text(value.as_object(), "title");
  return detail.empty() ? (title.empty() ? status : title) : detail;
}

Result<SendReceipt> EventSender::send(std::string_view body, std::string_view type) {
  const auto deadline = Clock::now() + options_.patience;
  milliseconds next_pause = kFirstPause;
  while (true) {
    const Result<HttpReply> reply = client_.post("/v1/events", {body, type, options_.compression});
    if (reply && reply->ok()) return to_receipt(reply->body);
    const bool may_pass = reply ? reply->status == kTooManyRequests || reply->status == kUnavailable
                                : reply.error().code == ErrorCode::unavailable;
    const std::string why = reply ? client_.url() + ": " + problem_of(*reply) : reply.error().context;
    if (!may_pass) return reply ? invalid(why) : reply.error();
    const milliseconds wait = reply ? pause_asked(*reply, next_pause) : next_pause;
    if (Clock::now() + wait > deadline) return unavailable(why + "; gave up after trying for a while");
    if (!pause(wait)) return unavailable("stopped");
    next_pause = std::min(next_pause * 2, kLongestPause);
  }
}

bool EventSender::pause(milliseconds length) const {
  constexpr milliseconds kStep{50};  // how long a stop may go unnoticed
  const auto end = Clock::now() + length;
  while (Clock::now() < end) {
    if (options_.stop != nullptr && *options_.stop) return false;
    std::this_thread::sleep_for(std::min<Clock::duration>(kStep, end - Clock::now()));
  }
  return options_.stop == nullptr || !*options_.stop;
}

}  // namespace takt
