#include "engine/breakdown.h"

#include <algorithm>
#include <memory>
#include <new>

namespace takt {

// ---------------------------------------- sums of one product

bool ProductSums::none() const {
  return good == 0 && scrap == 0 && rework == 0 && without_cycle == 0 && ideal_produced == 0 && ideal_good == 0;
}

ProductSums& ProductSums::add(const ProductSums& other, int sign) {
  good += sign * other.good, scrap += sign * other.scrap, rework += sign * other.rework;
  without_cycle += sign * other.without_cycle;
  ideal_produced += sign * other.ideal_produced, ideal_good += sign * other.ideal_good;
  return *this;
}

ProductSums pieces_of(const Account& account, NameId product) {
  return {product,
          account.good,
          account.scrap,
          account.rework,
          account.pieces_without_cycle,
          account.ideal_produced,
          account.ideal_good};
}

// ---------------------------------------- the block

/// A pointer follows it if there are several products, then the reasons.
struct Breakdown::Block {
  NameId product = NameId::none;  ///< or kSeveral
  std::uint32_t reasons = 0;
};

namespace {

constexpr NameId kSeveral{~std::uint32_t{0}};  // no name has that number

using Products = std::vector<ProductSums>;
static_assert(sizeof(ReasonSums) == 16 && alignof(ReasonSums) <= 8, "so that each fits behind the other");

std::size_t bytes_for(std::size_t reasons, bool several) {
  return 8 + (several ? sizeof(Products*) : 0) + reasons * sizeof(ReasonSums);
}

}  // namespace

Products* Breakdown::several() const {
  Block* const block = this->block();
  if (block == nullptr || block->product != kSeveral) return nullptr;
  return *reinterpret_cast<Products**>(block + 1);
}
std::span<ReasonSums> Breakdown::own_reasons() const {
  Block* const block = this->block();
  if (block == nullptr) return {};
  const std::size_t behind = block->product == kSeveral ? 2 : 1;
  return {reinterpret_cast<ReasonSums*>(block + behind), block->reasons};
}
std::span<const ReasonSums> Breakdown::reasons() const { return own_reasons(); }
std::span<const ProductSums> Breakdown::products() const {
  const Products* const list = several();
  return list == nullptr ? std::span<const ProductSums>{} : std::span<const ProductSums>{*list};
}

NameId Breakdown::product() const {
  if ((word_ & 1U) != 0) return NameId{static_cast<std::uint32_t>(word_ >> 1U)};
  return block() == nullptr || block()->product == kSeveral ? NameId::none : block()->product;
}

Breakdown::Breakdown(const Breakdown& other) : word_(other.word_) {
  if (other.block() == nullptr) return;
  word_ = 0;
  const Products* const list = other.several();
  set(other.reasons(), other.product(), list == nullptr ? nullptr : std::make_unique<Products>(*list).release());
}

Breakdown Breakdown::of(std::vector<ReasonSums> reasons, Products products, NameId product) {
  std::ranges::sort(reasons, {}, &ReasonSums::reason);
  std::ranges::sort(products, {}, &ProductSums::product);
  Breakdown made;
  made.set(reasons, product,
           products.empty() ? nullptr : std::make_unique<Products>(std::move(products)).release());
  return made;
}

void Breakdown::release() {
  std::unique_ptr<Products> list{several()};
  ::operator delete(block());
  word_ = 0;
}

/// Takes `several` over, which may be its own as the reasons may be; without them all pieces are of `product`.
void Breakdown::set(std::span<const ReasonSums> reasons, NameId product, Products* several) {
  std::uintptr_t word = 0;
  if (reasons.empty() && several == nullptr) {
    if (product != NameId::none) word = std::uintptr_t{static_cast<std::uint32_t>(product)} << 1U | 1U;
  } else {
    void* const room = ::operator new(bytes_for(reasons.size(), several != nullptr));
    Block* block =
        new (room) Block{several != nullptr ? kSeveral : product, static_cast<std::uint32_t>(reasons.size())};
    word = reinterpret_cast<std::uintptr_t>(block);
    if (several != nullptr) *reinterpret_cast<Products**>(++block) = several;
    std::uninitialized_copy(reasons.begin(), reasons.end(), reinterpret_cast<ReasonSums*>(block + 1));
  }
  if (Block* const old = this->block(); old != nullptr) {
    if (this->several() == several) old->product = NameId::none;
    release();
  }
  word_ = word;
}

std::size_t Breakdown::bytes() const {
  const Products* const list = several();
  const std::size_t products = list == nullptr ? 0 : sizeof(Products) + list->capacity() * sizeof(ProductSums);
  return block() == nullptr ? 0 : bytes_for(block()->reasons, list != nullptr) + products;
}

bool operator==(const Breakdown& a, const Breakdown& b) {
  return a.product() == b.product() && std::ranges::equal(a.reasons(), b.reasons()) &&
         std::ranges::equal(a.products(), b.products());
}

// ---------------------------------------- adding up

void Breakdown::add(const ReasonSums& sums) {
  if (sums.none()) return;
  const std::span<ReasonSums> own = own_reasons();
  const auto at = std::ranges::lower_bound(own, sums.reason, {}, &ReasonSums::reason);
  const bool there = at != own.end() && at->reason == sums.reason;
  if (there) {
    *at += sums;
    if (!at->none()) return;
  }
  std::vector<ReasonSums> list(own.begin(), at);
  if (!there) list.push_back(sums);
  list.insert(list.end(), there ? at + 1 : at, own.end());
  set(list, product(), several());
}

void Breakdown::add(const ProductSums& sums, const ProductSums& before) {
  if (sums.none()) return;
  if (Products* const list = several(); list != nullptr) {
    const auto at = std::ranges::lower_bound(*list, sums.product, {}, &ProductSums::product);
    if (at == list->end() || at->product != sums.product)
      list->insert(at, sums);
    else if ((*at += sums).none())
      list->erase(at);
    if (list->size() == 1) set_product(list->front().product);
    return;
  }
  ProductSums all = before;
  all.product = product();
  if (!all.none() && all.product != sums.product) {
    auto list = std::make_unique<Products>(Products{all, sums});
    if (sums.product < all.product) std::swap(list->front(), list->back());
    return set(reasons(), NameId::none, list.release());
  }
  all += sums;
  const NameId only = all.none() ? NameId::none : sums.product;
  if (only != product()) set_product(only);
}

void Sums::add(const Sums& other, int sign) {
  for (ReasonSums reason : other.parts.reasons()) {
    reason.stops *= sign, reason.time *= sign;
    parts.add(reason);
  }
  ProductSums before = pieces_of(account, NameId::none);
  other.parts.visit_products(other.account, [&](const ProductSums& product) {
    ProductSums signed_product{product.product};
    signed_product.add(product, sign);
    parts.add(signed_product, before);
    before += signed_product;
  });
  sign > 0 ? account += other.account : account -= other.account;
}

}  // namespace takt
