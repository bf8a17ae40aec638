// The engine's answers as the API gives them, in process.
#pragma once

#include "query/render.h"

#include <nlohmann/json.hpp>

#include <string>

namespace takt {

inline nlohmann::json engine_oee(const Store& store, const std::string& scope, TimeRange range,
                                 const std::string& grain, Timestamp now) {
  OeeRequest request;
  request.scope = *parse_scope(scope);
  request.range = range;
  request.grain = *grain_named(grain);
  const auto series = oee(store.read(), request, now);
  if (!series) return series.error().context;
  return nlohmann::json::parse(render_oee(request, *series));
}

inline nlohmann::json engine_timeline(const Store& store, const std::string& machine, TimeRange range,
                                      Timestamp now) {
  const StoreView view = store.read();
  return nlohmann::json::parse(render_timeline(machine, timeline(view, view.machine(machine)->id(), range, now)));
}

inline nlohmann::json engine_losses(const Store& store, const std::string& scope, TimeRange range, Timestamp now) {
  const StoreView view = store.read();
  const auto sum = elements(view, *parse_scope(scope), range, now);
  return nlohmann::json::parse(render_losses(losses_of(*sum, policies_of(view.master().latest().plant()))));
}

inline nlohmann::json engine_pareto(const Store& store, const std::string& scope, TimeRange range,
                                    const std::string& by, Timestamp now) {
  const auto pareto = downtime_pareto(store.read(), *parse_scope(scope), range, *pareto_by_named(by), now);
  return nlohmann::json::parse(render_pareto(*pareto));
}

}  // namespace takt
