#include "ingest/mqtt/resolvable.h"

#include <netdb.h>

#include <future>
#include <memory>
#include <thread>

namespace takt {

bool is_resolvable(const std::string& host, std::chrono::milliseconds patience,
                   const std::atomic<bool>& given_up) {
  // The resolver cannot be interrupted; its thread is left to itself and owns all that it touches.
  const auto found = std::make_shared<std::promise<bool>>();
  std::future<bool> answer = found->get_future();
  std::thread{[host, found] {
    addrinfo* addresses = nullptr;
    const bool any = ::getaddrinfo(host.c_str(), nullptr, nullptr, &addresses) == 0;
    if (any) ::freeaddrinfo(addresses);
    found->set_value(any);
  }}.detach();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!given_up && std::chrono::steady_clock::now() < until) {
    if (answer.wait_for(std::chrono::milliseconds{50}) == std::future_status::ready) return answer.get();
  }
  return false;
}

}  // namespace takt
