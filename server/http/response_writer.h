// Internal: from an HttpResponse to the bytes on the wire.
#pragma once

#include "server/http/message.h"

#include <string>
#include <string_view>

namespace takt {

enum class ConnectionFate { keep, close };

/// What of the request decides how its answer is written.
struct AnswerTraits {
  bool to_head = false;      ///< Headers only.
  bool to_http_1_0 = false;  ///< Keeping the connection must be said.
  bool accepts_gzip = false;
  bool secured = false;  ///< Through TLS: the client is told never to come without.
};

/// Packs the body if the client accepts that and it is worth it.
void compress(HttpResponse& response, const AnswerTraits& traits);

/// Status line and headers with the empty line that ends them. `out` is overwritten, keeping its capacity.
void write_head(const HttpResponse& response, const AnswerTraits& traits, ConnectionFate fate, std::string& out);

/// The head of an event stream, which ends with its connection.
std::string event_stream_head();

}  // namespace takt
