// A question put to the store as it was.
#pragma once

#include "engine/store.h"
#include "query/oee.h"

namespace takt {

/// What the store knew of a scope at `then`, for a question about `range`: to be asked with `then` as now. Errors
/// as for Store::as_of() and machines_of(); invalid_argument, too, where events of the range are retained no more,
/// so that nobody knows what was known of them then.
Result<StoreView> view_as_of(const Store& store, Timestamp then, const Scope& scope, TimeRange range,
                             const std::stop_token& stop = {});

}  // namespace takt
