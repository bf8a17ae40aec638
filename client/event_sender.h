// Sends batches of events to a server's POST /v1/events and waits as long as the server asks to.
#pragma once

#include "client/http_client.h"
#include "schema/result.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

struct Refusal {
  std::size_t index = 0;  ///< in the batch, from 0
  std::string code, message;
};

/// The server's answer to one batch (contract 4).
struct SendReceipt {
  std::uint64_t accepted = 0, duplicate = 0, rejected = 0;
  std::vector<Refusal> refusals;
};

struct EventSenderOptions {
  std::chrono::milliseconds patience{
      60'000};  ///< how long one batch is tried against 429, 503 and lost connections
  Compression compression = Compression::none;
  const std::atomic<bool>* stop = nullptr;  ///< borrowed; when it turns true, waiting ends with an error
};

/// The same batch again is harmless, since events have an identity; so whatever may pass is simply tried again.
/// Not thread-safe.
class EventSender {
 public:
  EventSender(HttpClient client, EventSenderOptions options) : client_(std::move(client)), options_(options) {}

  /// `type`: "application/x-ndjson" or "text/csv". On success the events are on the server's disk. Errors:
  /// `unavailable` when patience ran out, `invalid_argument` when the server refused the batch as a whole.
  Result<SendReceipt> send(std::string_view body, std::string_view type = "application/x-ndjson");

  HttpClient& client() { return client_; }

 private:
  bool pause(std::chrono::milliseconds length) const;

  HttpClient client_;
  EventSenderOptions options_;
};

/// What an unsuccessful answer says: the `detail` or `title` of a problem+json, else the status.
std::string problem_of(const HttpReply& reply);

}  // namespace takt
