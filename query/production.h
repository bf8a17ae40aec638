// What was made: pieces in planned operation time by product.
#pragma once

#include "query/oee.h"

#include <optional>
#include <string>
#include <vector>

namespace takt {

struct ProductionItem {
  std::optional<std::string> product, name;  ///< none: counted for no product
  ProductSums sums;
};
/// Most pieces first; as OEE counts them, so that they add up to its quantities. Errors as of elements().
Result<std::vector<ProductionItem>> production(const StoreView& view, const Scope& scope, TimeRange range,
                                               Timestamp now);

}  // namespace takt
