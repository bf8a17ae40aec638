#include "query/production.h"

#include <algorithm>
#include <map>

#include "engine/account_reader.h"

namespace takt {
namespace {

ProductionItem item_of(const StoreView& view, const ProductSums& sums) {
  ProductionItem item{std::nullopt, std::nullopt, sums};
  if (sums.product == NameId::none) return item;
  item.product = view.names().text(sums.product);
  const std::vector<Product>& products = view.master().latest().plant().products;
  const auto described =
      std::find_if(products.begin(), products.end(), [&](const Product& p) { return p.id == *item.product; });
  item.name = described != products.end() ? described->name : *item.product;
  return item;
}

}  // namespace

Result<std::vector<ProductionItem>> production(const StoreView& view, const Scope& scope, TimeRange range,
                                               Timestamp now) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  std::map<NameId, ProductSums> by_product;
  for (const MachineId machine : *machines) {
    if (const auto whole = check_cut(view, machine, range); !whole) return whole.error();
    Sums sums;
    AccountReader{view.machine(machine), now}.add(range, sums);
    sums.parts.visit_products(sums.account, [&](const ProductSums& product) {
      by_product.try_emplace(product.product, ProductSums{product.product}).first->second += product;
    });
  }
  std::vector<ProductionItem> items;
  for (const auto& [product, sums] : by_product) items.push_back(item_of(view, sums));
  std::sort(items.begin(), items.end(), [](const ProductionItem& a, const ProductionItem& b) {
    const std::int64_t of_a = a.sums.produced(), of_b = b.sums.produced();
    return of_a != of_b ? of_a > of_b : a.product < b.product;
  });
  return items;
}

}  // namespace takt
