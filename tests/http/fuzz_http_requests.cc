#include "server/http/request_parser.h"
#include "tests/http/fuzz.h"
#include "tests/support/fuzz_require.h"

#include <algorithm>
#include <vector>

namespace takt::fuzz {
namespace {

HttpOptions small_limits() {
  HttpOptions options;
  options.max_url_bytes = 200, options.max_header_bytes = 1000;
  options.max_body_bytes = 2000, options.max_bodies_bytes = 10'000;
  return options;
}
const HttpOptions kOptions = small_limits();

void check(const HttpRequest& request) {
  require(!request.method.empty() && request.path.size() <= kOptions.max_url_bytes);
  require(request.body.size() <= kOptions.max_body_bytes);
  for (const auto& [name, value] : request.query.entries())
    require(name.size() + value.size() <= kOptions.max_url_bytes);
}

/// The requests of a connection, each as one text, as they come piece by piece.
std::vector<std::string> requests(std::string_view data, std::size_t at_once) {
  BodyRoom room{kOptions.max_bodies_bytes};
  std::vector<std::string> out;
  std::string waiting;
  auto parser = std::make_unique<RequestParser>(kOptions, room, "192.0.2.7:1");
  while (!data.empty()) {
    waiting += data.substr(0, at_once);
    data.remove_prefix(std::min(at_once, data.size()));
    for (bool more = true; more;) {
      // As a connection: line breaks before a request are no part of it.
      if (!parser->got_some()) waiting.erase(0, waiting.find_first_not_of("\r\n"));
      if (waiting.empty()) break;
      const std::vector<char> exact(waiting.begin(), waiting.end());
      const std::size_t taken = parser->feed({exact.data(), exact.size()});
      require(taken <= waiting.size());
      waiting.erase(0, taken);
      if (const auto& refusal = parser->refusal()) {
        require(refusal->status >= 400 && refusal->status < 600 && !refusal->body.empty());
        return out;
      }
      more = parser->is_done();
      if (!more) continue;
      const HttpRequest request = parser->take();
      check(request);
      std::string& text = out.emplace_back(request.method + ' ' + request.path + '\n');
      for (const auto& [name, value] : request.query.entries()) text.append(name).append("=").append(value + '\n');
      text += request.body;
      parser = std::make_unique<RequestParser>(kOptions, room, "192.0.2.7:1");
    }
  }
  parser.reset();
  require(room.take(kOptions.max_bodies_bytes));
  return out;
}

}  // namespace

/// However the bytes come, they are the same requests. How much beyond its limit a header may be depends on them.
std::size_t http_requests(std::string_view data) {
  const auto whole = requests(data, std::max<std::size_t>(data.size(), 1));
  const auto cut = requests(data, 7);
  require(whole == cut || data.size() > kOptions.max_header_bytes);
  return whole.size();
}

}  // namespace takt::fuzz
