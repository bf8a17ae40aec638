#include "engine/cell_changes.h"

#include <iterator>

namespace takt {
namespace {

// Bits of the third word: the parts of the account from 0 on, then what the change is.
constexpr unsigned kTimes = 0, kCounts = std::size(kAccountTimes), kIdeals = kCounts + std::size(kAccountCounts);
constexpr unsigned kGoesOn = 32, kShared = 33, kParts = 34, kGrain = 35;
static_assert(kIdeals + std::size(kAccountIdealTimes) < kGoesOn);

void append_wide(std::vector<std::int64_t>& words, WideInt value) {
  words.push_back(static_cast<std::int64_t>(value >> 64)), words.push_back(static_cast<std::int64_t>(value));
}
WideInt read_wide(const std::int64_t*& words) {
  const WideInt high = *words++;
  return high * (WideInt{1} << 64) + static_cast<std::uint64_t>(*words++);
}

void append_parts(std::vector<std::int64_t>& words, const Breakdown& parts) {
  words.insert(words.end(),
               {static_cast<std::int64_t>(parts.product()), static_cast<std::int64_t>(parts.reasons().size()),
                static_cast<std::int64_t>(parts.products().size())});
  for (const ReasonSums& r : parts.reasons())
    words.insert(words.end(), {static_cast<std::int64_t>(r.reason), r.stops, r.time.count()});
  for (const ProductSums& p : parts.products()) {
    words.insert(words.end(), {static_cast<std::int64_t>(p.product), p.good, p.scrap, p.rework, p.without_cycle});
    append_wide(words, p.ideal_produced), append_wide(words, p.ideal_good);
  }
}
Breakdown read_parts(const std::int64_t*& words) {
  const NameId product{static_cast<std::uint32_t>(*words++)};
  std::vector<ReasonSums> reasons(static_cast<std::size_t>(*words++));
  std::vector<ProductSums> products(static_cast<std::size_t>(*words++));
  for (ReasonSums& r : reasons) {
    r = {NameId{static_cast<std::uint32_t>(words[0])}, static_cast<std::int32_t>(words[1]), Duration{words[2]}};
    words += 3;
  }
  for (ProductSums& p : products) {
    p = {NameId{static_cast<std::uint32_t>(words[0])}, words[1], words[2], words[3], words[4]};
    words += 5;
    p.ideal_produced = read_wide(words), p.ideal_good = read_wide(words);
  }
  return Breakdown::of(std::move(reasons), std::move(products), product);
}

constexpr std::int64_t bit(std::size_t number) { return std::int64_t{1} << number; }

}  // namespace

void CellChanges::add(const CellChange& change) {
  words_.push_back(micros(change.range.begin));
  words_.push_back(change.range.length().count());
  const std::size_t what_at = words_.size();
  std::int64_t what = (change.goes_on ? bit(kGoesOn) : 0) | (change.shared ? bit(kShared) : 0) |
                      std::int64_t{static_cast<std::uint8_t>(change.grain)} << kGrain;
  words_.push_back(what);
  const Account& by = change.by.account;
  for (std::size_t i = 0; i < std::size(kAccountTimes); ++i) {
    if (const auto part = by.*kAccountTimes[i]; part != Duration{0})
      what |= bit(kTimes + i), words_.push_back(part.count());
  }
  for (std::size_t i = 0; i < std::size(kAccountCounts); ++i) {
    if (const auto part = by.*kAccountCounts[i]; part != 0) what |= bit(kCounts + i), words_.push_back(part);
  }
  for (std::size_t i = 0; i < std::size(kAccountIdealTimes); ++i) {
    const WideInt part = by.*kAccountIdealTimes[i];
    if (part == 0) continue;
    what |= bit(kIdeals + i);
    append_wide(words_, part);
  }
  if (!change.by.parts.empty()) {
    what |= bit(kParts);
    append_parts(words_, change.by.parts);
  }
  words_[what_at] = what;
}

CellChange CellChanges::next(std::size_t& at) const {
  const std::int64_t* words = &words_[at];
  CellChange change;
  change.range.begin = from_micros(*words++);
  change.range.end = change.range.begin + Duration{*words++};
  const std::int64_t what = *words++;
  const auto has = [&](std::size_t number) { return (what & bit(number)) != 0; };
  change.grain = static_cast<Grain>(what >> kGrain);
  change.goes_on = has(kGoesOn), change.shared = has(kShared);
  Account& by = change.by.account;
  for (std::size_t i = 0; i < std::size(kAccountTimes); ++i) {
    if (has(kTimes + i)) by.*kAccountTimes[i] = Duration{*words++};
  }
  for (std::size_t i = 0; i < std::size(kAccountCounts); ++i) {
    if (has(kCounts + i)) by.*kAccountCounts[i] = *words++;
  }
  for (std::size_t i = 0; i < std::size(kAccountIdealTimes); ++i) {
    if (has(kIdeals + i)) by.*kAccountIdealTimes[i] = read_wide(words);
  }
  if (has(kParts)) change.by.parts = read_parts(words);
  at = static_cast<std::size_t>(words - words_.data());
  return change;
}

}  // namespace takt
