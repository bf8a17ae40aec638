// The 34 KPIs of ISO 22400-2, each with its formula, what went into it, and why it is absent where it is (contract
// 4).
#pragma once

#include "engine/store.h"
#include "query/energy.h"
#include "query/oee.h"

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace takt {

/// What a symbol of a formula stands for: nothing, as Takt is not told it; a time; pieces or failures; an amount.
using KpiInput = std::variant<std::monostate, WideInt, std::int64_t, double>;

/// The value is that of the formula with the inputs put in, times in seconds.
struct Kpi {
  int number = 0;       ///< in the standard's order
  std::string_view id;  ///< the standard's name in snake case
  std::string_view formula, unit;
  std::vector<std::pair<std::string_view, KpiInput>> inputs;
  std::optional<double> value;
  std::string reason;  ///< why there is no value
};

struct KpiAnswer {
  Scope scope;
  std::vector<Kpi> kpis;  ///< all of them, by number
  EnergyUse energy;
};

/// Times and pieces are those of the bucket of section 5, failures those of /v1/reliability. Errors as of
/// elements() and reliability(); cancelled: soon after stop was requested.
Result<KpiAnswer> kpis(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                       const std::stop_token& stop = {});
std::string render_kpis(const KpiAnswer& answer);

}  // namespace takt
