// What every call goes through before its handler, and every answer on its way out.
#pragma once

#include "server/access/gate.h"
#include "server/access/request_rate.h"
#include "server/api/api.h"
#include "server/api/front_options.h"
#include "server/api/request_meter.h"
#include "server/http/responder.h"
#include "server/time_limit.h"

#include <chrono>
#include <string>

namespace takt {

/// On the way in: how many requests a caller may make, whether he may ask this, and how long it may take. On the
/// way out: the form that he accepts, 304 for what he has, and a count of it all. Any thread.
class ApiFront {
 public:
  /// Borrows the gate.
  ApiFront(Gate& gate, FrontOptions options)
      : gate_(gate), options_(options), rate_(options.requests_per_second), limit_(options.query_timeout) {}

  /// `route` as the router takes it. `api` outlives it, as this does. To be called before there are requests.
  Handler around(Route route, Api& api);
  void append_metrics(std::string& out) const;

 private:
  struct Call;

  Gate& gate_;
  const FrontOptions options_;
  RequestMeter meter_;
  RequestRate rate_;
  TimeLimit limit_;
};

}  // namespace takt
