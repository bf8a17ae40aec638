#include "query/schedule.h"

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "query/json_text.h"
#include "query/order_runs.h"

namespace takt {

std::string_view name_of(OrderStatus status) {
  constexpr std::string_view kNames[] = {"planned", "running", "stopped", "late", "completed", "completed_late"};
  return kNames[static_cast<std::size_t>(status)];
}

std::optional<double> ScheduledOrder::completion() const {
  return planned_quantity ? ratio(good, *planned_quantity) : std::nullopt;
}
std::optional<double> ScheduleTotals::adherence() const { return ratio(in_time, due); }
std::optional<double> ScheduleTotals::quantity_adherence() const { return ratio(good, planned_quantity); }

namespace {

constexpr std::size_t kMaxOrders = 50'000;

/// An order while its events are read.
struct OrderStory {
  ScheduledOrder order;
  std::optional<Timestamp> first_event, last_start, last_ran;
  std::optional<Timestamp> first_done;  // of what is no plan
};
using OrderStories = std::unordered_map<NameId, OrderStory>;

std::optional<Timestamp> earlier(std::optional<Timestamp> a, std::optional<Timestamp> b) {
  return a && b ? std::min(*a, *b) : a ? a : b;
}
std::optional<Timestamp> later(std::optional<Timestamp> a, std::optional<Timestamp> b) {
  return a && b ? std::max(*a, *b) : a ? a : b;
}

void tell(OrderStory& story, const OrderRecord& record, const Names& names) {
  ScheduledOrder& order = story.order;
  if (!story.first_event) story.first_event = record.at;
  if (!story.first_done && record.action != OrderAction::plan) story.first_done = record.at;
  if (record.product != NameId::none) order.product = names.text(record.product);
  if (record.quantity != kAbsent) order.planned_quantity = record.quantity;
  if (record.planned_start != kBeginOfTime) order.planned_start = record.planned_start;
  if (record.planned_end != kBeginOfTime) order.planned_end = record.planned_end;
  if (record.action == OrderAction::start) {
    if (!order.actual_start) order.actual_start = record.at;
    story.last_start = record.at;
    order.actual_end.reset();
  }
  // One that is completed and started at one instant runs on, as the running order does.
  if (record.action == OrderAction::complete && story.last_start != record.at) order.actual_end = record.at;
}

OrderStories stories_of(const StoreView& view, const MachineRecord& machine, Timestamp now) {
  OrderStories stories;
  for (const OrderRecord& record : machine.pieces().orders()) {
    if (record.at > now) break;
    if (!record.rank.withdrawn()) tell(stories[record.order], record, view.names());
  }
  const NameId running = machine.pieces().running_order(now).order;
  for (const OrderRun& run : order_runs(machine, now)) {
    if (const auto story = stories.find(run.order); story != stories.end()) story->second.last_ran = run.range.end;
  }
  for (auto& [id, story] : stories) {
    story.order.machine = view.numbers().name(machine.id());
    story.order.order = view.names().text(id);
    story.order.running = running != NameId::none && id == running;
  }
  return stories;
}

bool touches(const OrderStory& story, TimeRange range, Timestamp now) {
  const ScheduledOrder& o = story.order;
  const std::optional<Timestamp> begin = earlier(o.planned_start, o.actual_start);
  const bool awaited = !o.actual_end && (o.running || o.planned_start || o.planned_end);
  std::optional<Timestamp> end = later(o.planned_end, o.actual_end ? o.actual_end : story.last_ran);
  if (awaited) end = later(end, now);
  const Timestamp from = begin.value_or(story.first_done.value_or(*story.first_event));
  const TimeRange whole{std::min(from, end.value_or(from)), end.value_or(from)};
  return range.contains(whole.begin) || whole.overlaps(range);
}

OrderStatus status_of(const ScheduledOrder& o, Timestamp now) {
  if (o.actual_end)
    return o.planned_end && *o.actual_end > *o.planned_end ? OrderStatus::completed_late : OrderStatus::completed;
  const bool should_have_begun = !o.actual_start && o.planned_start && now > *o.planned_start;
  if (should_have_begun || (o.planned_end && now > *o.planned_end)) return OrderStatus::late;
  if (o.running) return OrderStatus::running;
  return o.actual_start ? OrderStatus::stopped : OrderStatus::planned;
}

std::optional<Duration> lateness_of(const ScheduledOrder& o, Timestamp now) {
  if (o.actual_end) return o.planned_end ? std::optional{*o.actual_end - *o.planned_end} : std::nullopt;
  if (o.planned_end && now > *o.planned_end) return now - *o.planned_end;
  if (!o.actual_start && o.planned_start) return std::max(Duration{0}, now - *o.planned_start);
  return o.planned_end ? std::optional{Duration{0}} : std::nullopt;
}

std::optional<Timestamp> projected_end_of(const ScheduledOrder& o, Timestamp now) {
  if (!o.running || !o.actual_start || !o.planned_quantity || o.good == 0) return std::nullopt;
  const std::int64_t left = std::max(std::int64_t{0}, *o.planned_quantity - o.good);
  const WideInt wait = WideInt{(now - *o.actual_start).count()} * left / o.good;
  const WideInt most = (kEndOfTime - now).count();
  if (wait >= most) return std::nullopt;
  return now + Duration{static_cast<std::int64_t>(wait)};
}

/// What the orders' pieces are, a day at a time.
Result<void> count_pieces(const MachineRecord& machine, OrderStories& stories, TimeRange range, Timestamp now,
                          const std::stop_token& stop) {
  constexpr Duration kSlice = std::chrono::hours{24};
  Timestamp begin = now, end = range.end;
  for (const auto& [id, story] : stories) {
    const ScheduledOrder& o = story.order;
    begin = std::min(begin, earlier(o.planned_start, story.first_done).value_or(range.begin));
    end = o.actual_end ? std::max(end, *o.actual_end + Duration{1}) : kEndOfTime;
  }
  end = std::min({end, now, machine.end_of_pieces()});
  begin = std::max(begin, machine.first_event().value_or(end));
  for (Timestamp t = begin; t < end; t += kSlice) {
    if (stop.stop_requested()) return cancelled();
    for (const CountedPieces& made : machine.pieces().counted({t, std::min(end, t + kSlice)})) {
      const auto story = stories.find(made.order);
      if (story == stories.end()) continue;
      ScheduledOrder& o = story->second.order;
      o.good += made.good, o.scrap += made.scrap, o.rework += made.rework;
    }
  }
  return {};
}

void add_to(ScheduleTotals& totals, const ScheduledOrder& o, Timestamp now) {
  ++totals.orders[static_cast<std::size_t>(o.status)];
  if (o.planned_end && (o.actual_end || now >= *o.planned_end)) {
    ++totals.due;
    totals.in_time += o.status == OrderStatus::completed ? 1 : 0;
  }
  if (!o.planned_quantity) return;
  totals.planned_quantity += *o.planned_quantity;
  totals.good += o.good;
}

}  // namespace

Result<Schedule> schedule(const StoreView& view, const Scope& scope, TimeRange range, Timestamp now,
                          const std::stop_token& stop) {
  const auto machines = machines_of(view, scope);
  if (!machines) return machines.error();
  Schedule out;
  out.scope = scope;
  for (const MachineId machine : *machines) {
    if (stop.stop_requested()) return cancelled();
    const MachineRecord& record = view.machine(machine);
    OrderStories stories = stories_of(view, record, now);
    std::erase_if(stories, [&](const auto& entry) { return !touches(entry.second, range, now); });
    if (stories.empty()) continue;
    if (out.orders.size() + stories.size() > kMaxOrders)
      return invalid("the answer would have more than " + std::to_string(kMaxOrders) +
                     " orders; ask for a shorter range or a smaller scope");
    if (const auto counted = count_pieces(record, stories, range, now, stop); !counted) return counted.error();
    const Timestamp horizon = record.horizon().pieces;
    for (auto& [id, story] : stories) {
      ScheduledOrder& o = story.order;
      o.status = status_of(o, now), o.lateness = lateness_of(o, now), o.projected_end = projected_end_of(o, now);
      add_to(out.totals, o, now);
      if (story.first_done && *story.first_done < horizon) out.kept_from = later(out.kept_from, horizon);
      out.orders.push_back(std::move(o));
    }
  }
  const auto key = [](const ScheduledOrder& o) {
    return std::tuple{o.planned_start.value_or(o.actual_start.value_or(kEndOfTime)), std::string_view{o.machine},
                      std::string_view{o.order}};
  };
  std::sort(out.orders.begin(), out.orders.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return out;
}

namespace {

void append_order(JsonText& out, const ScheduledOrder& o) {
  out.begin_object().member("machine", o.machine).member("order", o.order).member("product", o.product);
  out.member("status", name_of(o.status)).member("running", o.running);
  out.member("planned_quantity", o.planned_quantity).member("planned_start", o.planned_start);
  out.member("planned_end", o.planned_end)
      .member("actual_start", o.actual_start)
      .member("actual_end", o.actual_end);
  out.member("produced_quantity", o.produced()).member("good_quantity", o.good).member("scrap_quantity", o.scrap);
  out.member("rework_quantity", o.rework).member("completion", o.completion()).member("lateness_s", o.lateness);
  out.member("projected_end", o.projected_end).end_object();
}

}  // namespace

std::string render_schedule(const Schedule& s) {
  JsonText out;
  out.begin_object().member("scope", to_string(s.scope)).key("orders").begin_array();
  for (const ScheduledOrder& order : s.orders) append_order(out, order);
  out.end_array().key("totals").begin_object().member("orders", std::uint64_t{s.orders.size()});
  for (std::size_t i = 0; i < kOrderStatuses; ++i)
    out.member(name_of(static_cast<OrderStatus>(i)), s.totals.orders[i]);
  out.member("due", s.totals.due).member("in_time", s.totals.in_time).member("adherence", s.totals.adherence());
  out.member("planned_quantity", s.totals.planned_quantity).member("good_quantity", s.totals.good);
  out.member("quantity_adherence", s.totals.quantity_adherence()).end_object();
  if (s.kept_from) out.member("kept_from", *s.kept_from);
  return out.end_object().take();
}

}  // namespace takt
