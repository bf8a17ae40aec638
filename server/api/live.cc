#include "server/api/live.h"

#include "query/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace takt {
namespace {

constexpr auto kFigureInterval = std::chrono::seconds{1};
constexpr int kFullEvery = 10;               // intervals
constexpr std::size_t kMaxChanges = 20'000;  // a back-fill is not news: beyond it only figures are told
constexpr std::size_t kMostTold = std::size_t{8} << 20U;  // bytes of events kept for who comes again
constexpr auto kToldFor = std::chrono::seconds{60};

std::string state_json(const CurrentMachine& m, Timestamp at) {
  JsonText out;
  out.begin_object().member("machine", m.machine).member("state", m.state).member("category", name_of(m.category));
  out.member("reason", m.reason).member("since", m.since).member("product", m.product).member("ts", at);
  return out.end_object().take();
}

std::string count_json(const std::string& machine, const CountedPieces& p, const Names& names) {
  JsonText out;
  out.begin_object().member("machine", machine).member("ts", p.at).member("good", p.good).member("scrap", p.scrap);
  out.member("rework", p.rework).key("product");
  if (p.product == NameId::none)
    out.null();
  else
    out.value(names.text(p.product));
  return out.end_object().take();
}

}  // namespace

LiveHub::LiveHub(Store& store)
    : store_(store), run_(fmt::format("{:x}", micros(store.clock().now()))), thread_([this] { run(); }) {}

LiveHub::~LiveHub() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    for (const Subscriber& subscriber : subscribers_) subscriber.stream->close();
  }
  wake_.notify_all();
  thread_.join();
}

std::size_t LiveHub::listeners() const {
  const std::lock_guard lock{mutex_};
  return subscribers_.size();
}

Result<void> LiveHub::subscribe(const Listening& wish, const std::function<std::shared_ptr<EventStream>()>& open) {
  const Scope& scope = wish.scope;
  {
    const StoreView view = store_.read();
    if (const auto machines = machines_of(view, scope); !machines) return machines.error();
  }
  // Listening begins before the first look, so that nothing that is committed in between is missed.
  auto stream = open();
  std::uint64_t number = 0;
  {
    const std::lock_guard lock{mutex_};
    drop_gone();
    subscribers_.push_back({stream, scope, wish.holds, machines_in(scope)});
    if (!wish.last_id.empty()) replay(subscribers_.back(), wish.last_id);
    number = number_;
  }
  const StoreView view = store_.read();
  const auto now = current(view, scope, store_.clock().now());
  for (const CurrentMachine& machine : *now) {
    JsonText out;
    append_current(out, machine);
    stream->push("oee", out.text(), id_of(view.sequence(), number));
  }
  return {};
}

std::string LiveHub::id_of(Sequence sequence, std::uint64_t number) const {
  return fmt::format("{}-{}-{}", sequence, run_, number);
}

/// Under the lock, as all that follows up to committed().
void LiveHub::replay(const Subscriber& to, std::string_view last_id) const {
  std::uint64_t last = 0;
  const std::size_t second = last_id.rfind('-');
  const std::string_view digits = last_id.substr(second == std::string_view::npos ? last_id.size() : second + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), last);
  const std::string_view before = last_id.substr(0, last_id.size() - digits.size());
  const bool of_this_run = error == std::errc{} && end == digits.data() + digits.size() &&
                           before.ends_with("-" + run_ + "-") && last <= number_;
  const std::uint64_t oldest = number_ + 1 - told_.size();
  if (!of_this_run || last + 1 < oldest) {
    to.stream->push("gap", R"({"reason":"what was told meanwhile is not known any more"})");
    return;
  }
  for (auto told = told_.end() - static_cast<std::ptrdiff_t>(number_ - last); told != told_.end(); ++told) {
    if (to.machines->contains(told->machine)) to.stream->push_frame(told->frame);
  }
}

std::shared_ptr<const LiveHub::MachineSet> LiveHub::machines_in(const Scope& scope) const {
  const auto same = std::ranges::find_if(
      subscribers_, [&](const Subscriber& s) { return s.machines != nullptr && s.scope == scope; });
  if (same != subscribers_.end()) return same->machines;
  auto names = std::make_shared<MachineSet>();
  const StoreView view = store_.read();
  const auto machines = machines_of(view, scope);
  if (!machines) return names;  // the scope has gone with a new plant description
  for (const MachineId machine : *machines) {
    if (is_active(view, machine)) names->insert(view.numbers().name(machine));
  }
  return names;
}

void LiveHub::find_machines() {
  for (Subscriber& subscriber : subscribers_) subscriber.machines = nullptr;
  for (Subscriber& subscriber : subscribers_) subscriber.machines = machines_in(subscriber.scope);
}

void LiveHub::drop_gone() {
  if (!subscribers_.empty()) last_listened_ = std::chrono::steady_clock::now();
  std::erase_if(subscribers_, [](const Subscriber& s) { return s.stream->closed(); });
}

bool LiveHub::somebody_cares() const {
  return !subscribers_.empty() || (last_listened_ != std::chrono::steady_clock::time_point{} &&
                                   std::chrono::steady_clock::now() - last_listened_ < kToldFor);
}

void LiveHub::committed(const CommitNotice& notice) {
  const std::lock_guard lock{mutex_};
  if (!somebody_cares()) {
    told_.clear(), told_bytes_ = 0;
    ++number_;  // what is not told leaves a hole, so that who comes again hears of it
    return;
  }
  if (notice.plant_changed) find_machines();
  for (const Event* event : notice.events) {
    changed_machines_.emplace(event->machine);
    const bool told =
        event->type == EventType::state || event->type == EventType::count || event->type == EventType::cycle;
    if (!told || event->deleted || changes_.size() >= kMaxChanges) continue;
    changes_.push_back(
        {std::string{event->machine}, event->type, event->type == EventType::cycle ? event->end : event->at});
  }
  wake_.notify_one();
}

/// Closes the streams of those who may not listen any more. Not under the lock: who asks the tokens may have to
/// wait for a commit, which is told to this hub.
void LiveHub::show_out() {
  std::vector<std::pair<std::shared_ptr<EventStream>, std::function<bool()>>> listening;
  {
    const std::lock_guard lock{mutex_};
    for (const Subscriber& s : subscribers_) {
      if (s.holds) listening.emplace_back(s.stream, s.holds);
    }
  }
  for (const auto& [stream, holds] : listening) {
    if (!holds()) stream->close();
  }
}

void LiveHub::run() {
  auto next_figures = std::chrono::steady_clock::now() + kFigureInterval;
  int round = 0;
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    wake_.wait_until(lock, next_figures, [&] { return stopping_ || !changes_.empty(); });
    if (stopping_) return;
    std::vector<Change> changes;
    changes.swap(changes_);
    MachineSet figures;
    if (std::chrono::steady_clock::now() >= next_figures) {
      next_figures = std::chrono::steady_clock::now() + kFigureInterval;
      figures.swap(changed_machines_);
      drop_gone();
      if (++round % kFullEvery == 0) {
        for (const Subscriber& subscriber : subscribers_)
          figures.insert(subscriber.machines->begin(), subscriber.machines->end());
      }
    }
    lock.unlock();
    if (!figures.empty() || changes.empty()) show_out();
    if (!changes.empty()) push_changes(changes);
    if (!figures.empty()) push_figures(figures);
    lock.lock();
  }
}

void LiveHub::push(std::string_view event, const std::string& machine, const std::string& data,
                   Sequence sequence) {
  const std::lock_guard lock{mutex_};
  std::string frame = event_frame(event, data, id_of(sequence, ++number_));
  for (const Subscriber& subscriber : subscribers_) {
    if (subscriber.machines->contains(machine)) subscriber.stream->push_frame(frame);
  }
  told_bytes_ += frame.size();
  told_.push_back({number_, machine, std::move(frame)});
  while (told_bytes_ > kMostTold) told_bytes_ -= told_.front().frame.size(), told_.pop_front();
}

void LiveHub::push_changes(const std::vector<Change>& changes) {
  const Timestamp now = store_.clock().now();
  std::set<std::string> told;  // a machine has one state, however many events made it
  for (const Change& change : changes) {
    std::string data;
    std::string_view event = "count";
    Sequence sequence = 0;
    {
      const StoreView view = store_.read();
      sequence = view.sequence();
      const MachineRecord* record = view.machine(change.machine);
      if (record == nullptr) continue;
      if (change.type == EventType::state) {
        if (!told.insert(change.machine).second) continue;
        event = "state";
        data = state_json(current(view, record->id(), now), change.at);
      } else {
        CountedPieces sum{change.at};
        for (const CountedPieces& p : record->pieces().counted({change.at, change.at + Duration{1}})) {
          sum.product = p.product;
          sum.good += p.good, sum.scrap += p.scrap, sum.rework += p.rework;
        }
        data = count_json(change.machine, sum, view.names());
      }
    }
    push(event, change.machine, data, sequence);
  }
}

void LiveHub::push_figures(const MachineSet& machines) {
  for (const std::string& name : machines) {
    JsonText out;
    Sequence sequence = 0;
    {
      const StoreView view = store_.read();
      sequence = view.sequence();
      const MachineRecord* record = view.machine(name);
      if (record == nullptr || !is_active(view, record->id()) || !check_whole(view, record->id())) continue;
      append_current(out, current(view, record->id(), store_.clock().now()));
    }
    push("oee", name, out.text(), sequence);
  }
}

}  // namespace takt
