#include "engine/cell_changes.h"

#include <iterator>

namespace takt {
namespace {

// Bits of the third word: the parts of the account from 0 on, then what the change is.
constexpr unsigned kTimes = 0, kCounts = std::size(kAccountTimes), kIdeals = kCounts + std::size(kAccountCounts);
constexpr unsigned kGoesOn = 32, kShared = 33, kGrain = 34;
static_assert(kIdeals + std::size(kAccountIdealTimes) < kGoesOn);

constexpr std::int64_t bit(std::size_t number) { return std::int64_t{1} << number; }

}  // namespace

void CellChanges::add(const CellChange& change) {
  words_.push_back(micros(change.range.begin));
  words_.push_back(change.range.length().count());
  const std::size_t what_at = words_.size();
  std::int64_t what = (change.goes_on ? bit(kGoesOn) : 0) | (change.shared ? bit(kShared) : 0) |
                      std::int64_t{static_cast<std::uint8_t>(change.grain)} << kGrain;
  words_.push_back(what);
  const Account& by = change.by;
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
    words_.push_back(static_cast<std::int64_t>(part >> 64));
    words_.push_back(static_cast<std::int64_t>(part));
  }
  words_[what_at] = what;
}

CellChange CellChanges::next(std::size_t& at) const {
  CellChange change;
  change.range.begin = from_micros(words_[at++]);
  change.range.end = change.range.begin + Duration{words_[at++]};
  const std::int64_t what = words_[at++];
  const auto has = [&](std::size_t number) { return (what & bit(number)) != 0; };
  change.grain = static_cast<Grain>(what >> kGrain);
  change.goes_on = has(kGoesOn), change.shared = has(kShared);
  for (std::size_t i = 0; i < std::size(kAccountTimes); ++i) {
    if (has(kTimes + i)) change.by.*kAccountTimes[i] = Duration{words_[at++]};
  }
  for (std::size_t i = 0; i < std::size(kAccountCounts); ++i) {
    if (has(kCounts + i)) change.by.*kAccountCounts[i] = words_[at++];
  }
  for (std::size_t i = 0; i < std::size(kAccountIdealTimes); ++i) {
    if (!has(kIdeals + i)) continue;
    const WideInt high = words_[at++];
    change.by.*kAccountIdealTimes[i] = high * (WideInt{1} << 64) + static_cast<std::uint64_t>(words_[at++]);
  }
  return change;
}

}  // namespace takt
