#include "engine/pieces.h"

#include <algorithm>
#include <map>

namespace takt {
namespace {

constexpr Duration kTick{1};

CountedPieces counted_pieces(const PieceRecord& p) {
  return {p.at, p.product, p.order, p.defect, p.good, p.scrap, p.rework, p.startup};
}

}  // namespace

struct Pieces::Lists {
  Lists(ByIdentity order, ColdArena* arena)
      : pieces(order, arena), cycles(order, arena), counters(order, arena), orders(order, arena) {}
  SortedRuns<PieceRecord, ByIdentity> pieces;
  SortedRuns<CycleRecord, ByIdentity> cycles;
  SortedRuns<CounterRecord, ByIdentity> counters;
  SortedRuns<OrderRecord, ByIdentity> orders;
  std::vector<RunningOrder> running;
};

Pieces::Pieces(MachineId machine, ByIdentity order, const MasterData& master, ColdArena* arena)
    : machine_(machine),
      master_(&master),
      order_(order),
      own_(std::make_unique<Lists>(order, arena)),
      pieces_(own_->pieces),
      cycles_(own_->cycles),
      counters_(own_->counters),
      orders_(own_->orders),
      running_(own_->running) {}

Pieces::Pieces(const Pieces& other, const MasterData& master)
    : machine_(other.machine_),
      master_(&master),
      order_(other.order_),
      pieces_(other.pieces_),
      cycles_(other.cycles_),
      counters_(other.counters_),
      orders_(other.orders_),
      running_(other.running_) {}

Pieces::~Pieces() = default;
Pieces::Pieces(Pieces&&) noexcept = default;

void Pieces::put(const PieceRecord& piece) { pieces_.put(piece); }
void Pieces::put(const CycleRecord& cycle) { cycles_.put(cycle); }
void Pieces::put(const CounterRecord& counter) { counters_.put(counter); }
void Pieces::put(const OrderRecord& order) { orders_.put(order); }
void Pieces::erase(const SortedRuns<PieceRecord, ByIdentity>::Iterator& piece) { pieces_.erase(piece); }
void Pieces::erase(const SortedRuns<CounterRecord, ByIdentity>::Iterator& counter) { counters_.erase(counter); }

CountedPieces Pieces::resolved(CountedPieces pieces) const {
  if (pieces.product == NameId::none || pieces.order == NameId::none) {
    const RunningOrder running = running_order(pieces.at);
    if (pieces.product == NameId::none) pieces.product = running.product;
    if (pieces.order == NameId::none) pieces.order = running.order;
  }
  return pieces;
}

/// What the counters of one event have gained since their readings before it.
std::optional<CountedPieces> Pieces::increase_of(const SortedRuns<CounterRecord, ByIdentity>::Iterator& at) const {
  const CounterRecord& now = *at;
  CountedPieces pieces{now.at, now.product, now.order, now.defect, 0, 0, 0, now.startup};
  std::int64_t* const parts[] = {&pieces.good, &pieces.scrap, &pieces.rework};
  const std::int64_t modulus = master_->at(now.at).settings(machine_).counter_modulus;
  bool any = false;
  for (std::size_t field = 0; field < 3; ++field) {
    const std::int64_t reading = now.total[field];
    if (reading == kAbsent) continue;
    auto before = at;
    std::int64_t earlier = kAbsent;
    while (earlier == kAbsent && before != counters_.begin()) earlier = (--before)->total[field];
    if (earlier == kAbsent) continue;  // the first reading is a baseline
    std::int64_t increase = reading - earlier;
    if (increase < 0) {
      // A fall is a wrap if that makes the increase less than half the modulus, else a reset.
      const std::int64_t wrapped = increase + modulus;
      increase = modulus > 0 && wrapped >= 0 && wrapped < modulus - wrapped ? wrapped : reading;
    }
    *parts[field] = increase;
    any = any || increase != 0;
  }
  return any ? std::optional{pieces} : std::nullopt;
}

template <class Visit>
void Pieces::visit(TimeRange range, Visit see) const {
  for (auto at = pieces_.partition_point([&](const PieceRecord& p) { return p.at < range.begin; });
       at != pieces_.end() && at->at < range.end; ++at) {
    if (!at->rank.withdrawn()) see(counted_pieces(*at));
  }
  for (auto at = counters_.partition_point([&](const CounterRecord& c) { return c.at < range.begin; });
       at != counters_.end() && at->at < range.end; ++at) {
    if (const auto increase = increase_of(at)) see(*increase);
  }
}

void Pieces::contribute(TimeRange range, ContributionSink& sink) const {
  visit(range, [&](const CountedPieces& made) { contribute_counted(made, sink); });
}

void Pieces::contribute_one(const PieceRecord& piece, ContributionSink& sink) const {
  if (!piece.rank.withdrawn()) contribute_counted(counted_pieces(piece), sink);
}

void Pieces::contribute_counted(const CountedPieces& made, ContributionSink& sink) const {
  if (made.none()) return;
  const CountedPieces known = resolved(made);
  sink.pieces(known, master_->at(known.at).ideal_cycle(machine_, known.product, known.at));
}

std::vector<CountedPieces> Pieces::counted(TimeRange range) const {
  std::vector<CountedPieces> list;
  visit(range, [&](const CountedPieces& p) {
    if (!p.none()) list.push_back(resolved(p));
  });
  std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.at < b.at; });
  return list;
}

RunningOrder Pieces::running_order(Timestamp t) const {
  const auto after = std::partition_point(running_.begin(), running_.end(), [&](auto& r) { return r.from <= t; });
  return after == running_.begin() ? RunningOrder{kBeginOfTime} : *std::prev(after);
}

NameId Pieces::product_at(Timestamp t) const {
  if (const NameId product = running_order(t).product; product != NameId::none) return product;
  auto at = pieces_.partition_point([&](const PieceRecord& p) { return p.at <= t; });
  for (int steps = 0; at != pieces_.begin() && steps < 64; ++steps) {
    --at;
    if (!at->rank.withdrawn() && at->product != NameId::none) return at->product;
  }
  return NameId::none;
}

std::vector<RunningOrder> Pieces::order_steps() const {
  std::map<NameId, NameId> planned;  // the product that an order was planned with: the latest plan's
  for (const OrderRecord& order : orders_) {
    if (!order.rank.withdrawn() && order.action == OrderAction::plan && order.product != NameId::none) {
      planned[order.order] = order.product;
    }
  }
  std::vector<RunningOrder> active, steps;
  for (auto at = orders_.begin(); at != orders_.end();) {
    const Timestamp t = at->at;
    auto group = at;
    // An order that is stopped and started at one instant runs on.
    for (const bool starts : {false, true}) {
      for (group = at; group != orders_.end() && group->at == t; ++group) {
        const OrderRecord& order = *group;
        const bool start = order.action == OrderAction::start;
        if (order.rank.withdrawn() || order.action == OrderAction::plan || start != starts) continue;
        std::erase_if(active, [&](const RunningOrder& r) { return r.order == order.order; });
        if (!start) continue;
        const auto plan = planned.find(order.order);
        const NameId product =
            order.product != NameId::none || plan == planned.end() ? order.product : plan->second;
        active.push_back({t, order.order, product});
      }
    }
    at = group;
    RunningOrder now{t};
    if (!active.empty()) now.order = active.back().order, now.product = active.back().product;
    const bool same = steps.empty() ? now.order == NameId::none
                                    : steps.back().order == now.order && steps.back().product == now.product;
    if (!same) steps.push_back(now);
  }
  return steps;
}

TimeRange Pieces::counter_reach(Timestamp t) const {
  auto at = counters_.partition_point([&](const CounterRecord& c) { return c.at <= t; });
  Timestamp end = t + kTick;
  bool open[3] = {true, true, true};
  for (; at != counters_.end() && (open[0] || open[1] || open[2]); ++at) {
    for (std::size_t field = 0; field < 3; ++field) {
      if (open[field] && at->total[field] != kAbsent) open[field] = false, end = at->at + kTick;
    }
  }
  return {t, end};
}

}  // namespace takt
