// What the stop time of a bucket is put down to, and which products its pieces are of: the parts of an account.
#pragma once

#include "engine/account.h"
#include "engine/names.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace takt {

/// Stops in planned operation time with one reason.
struct ReasonSums {
  NameId reason = NameId::none;
  std::int32_t stops = 0;  ///< whose first moment in POT lies here
  Duration time{0};

  bool none() const { return stops == 0 && time == Duration{0}; }
  ReasonSums& operator+=(const ReasonSums& other) {
    stops += other.stops, time += other.time;
    return *this;
  }
  friend bool operator==(const ReasonSums&, const ReasonSums&) = default;
};

/// Pieces in planned operation time of one product, or of all.
struct ProductSums {
  NameId product = NameId::none;
  std::int64_t good = 0, scrap = 0, rework = 0;
  std::int64_t without_cycle = 0;              ///< pieces counted where the product has no ideal cycle
  WideInt ideal_produced = 0, ideal_good = 0;  ///< pieces times their ideal cycle, in microseconds

  std::int64_t produced() const { return good + scrap + rework; }
  bool none() const;
  ProductSums& operator+=(const ProductSums& other) { return add(other, 1); }
  ProductSums& add(const ProductSums& other, int sign);
  friend bool operator==(const ProductSums&, const ProductSums&) = default;
};
inline constexpr std::int64_t ProductSums::*kProductCounts[] = {&ProductSums::good, &ProductSums::scrap,
                                                                &ProductSums::rework, &ProductSums::without_cycle};
inline constexpr WideInt ProductSums::*kProductIdealTimes[] = {&ProductSums::ideal_produced,
                                                               &ProductSums::ideal_good};
/// All pieces of an account, as if they were of one product.
ProductSums pieces_of(const Account& account, NameId product);

/// The parts of one account in as little room as they take: a word where no reason is named and all pieces are of
/// one product. What no reason is named for is the account's stop time less the reasons'; where all pieces are of
/// one product, the account has their numbers. Of the same parts, whatever they were added up from, two compare
/// equal. Not thread-safe.
class Breakdown {
 public:
  Breakdown() = default;
  Breakdown(const Breakdown& other);
  Breakdown(Breakdown&& other) noexcept : word_(std::exchange(other.word_, 0)) {}
  Breakdown& operator=(Breakdown other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~Breakdown() { release(); }

  /// Of sums each of which is not zero, one for each name; not of one product alone, which is `product`.
  static Breakdown of(std::vector<ReasonSums> reasons, std::vector<ProductSums> products, NameId product);

  bool empty() const { return word_ == 0; }
  /// By the reason's number.
  std::span<const ReasonSums> reasons() const;
  /// By the product's number. Never one: then it is product().
  std::span<const ProductSums> products() const;
  /// Of which all pieces are, where products() is empty; none as well where there are none.
  NameId product() const;
  /// Calls `visit(ProductSums)` for each product that `account`, whose parts these are, has pieces of.
  template <class Visit>
  void visit_products(const Account& account, Visit visit) const {
    for (const ProductSums& sums : products()) visit(sums);
    if (!products().empty()) return;
    if (const ProductSums all = pieces_of(account, product()); !all.none()) visit(all);
  }

  /// Adds what is not zero, and takes out what comes to zero.
  void add(const ReasonSums& sums);
  /// `before`: all pieces of the account, to which these are not added yet.
  void add(const ProductSums& sums, const ProductSums& before);
  /// Memory beside the object's own.
  std::size_t bytes() const;

  friend bool operator==(const Breakdown& a, const Breakdown& b);

 private:
  struct Block;
  Block* block() const { return (word_ & 1U) != 0 ? nullptr : reinterpret_cast<Block*>(word_); }
  std::vector<ProductSums>* several() const;
  std::span<ReasonSums> own_reasons() const;
  void set(std::span<const ReasonSums> reasons, NameId product, std::vector<ProductSums>* several);
  void set_product(NameId product) { set(reasons(), product, nullptr); }
  void release();

  // Zero: no reason, no product. Odd: a product's number. Else where the block lies.
  std::uintptr_t word_ = 0;
};

/// An account and its parts.
struct Sums {
  Account account;
  Breakdown parts;

  bool none() const { return account == Account{} && parts.empty(); }
  void add(const Sums& other, int sign = 1);
  void add_stop(NameId reason, Duration time, std::int32_t stops) {
    if (reason != NameId::none) parts.add(ReasonSums{reason, stops, time});
  }
  friend bool operator==(const Sums&, const Sums&) = default;
};

}  // namespace takt
