// How far back the plant keeps what it was told.
#pragma once

#include "schema/time.h"

#include <chrono>
#include <cstdint>

namespace takt {

/// The first moment that is retained for `days`; 0 days, or more than there were, are for ever.
inline Timestamp retained_from(Timestamp now, std::int64_t days) {
  constexpr Duration kDay = std::chrono::days{1};
  const bool for_ever = days <= 0 || days > (micros(now) - micros(kBeginOfTime)) / kDay.count();
  return for_ever ? kBeginOfTime : now - days * kDay;
}

}  // namespace takt
