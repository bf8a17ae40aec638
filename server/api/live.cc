#include "server/api/live.h"

#include "query/render.h"

namespace takt {
namespace {

constexpr auto kFigureInterval = std::chrono::seconds{1};
constexpr int kFullEvery = 10;               // intervals
constexpr std::size_t kMaxChanges = 20'000;  // a back-fill is not news: beyond it only figures are told

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

LiveHub::LiveHub(Store& store) : store_(store), thread_([this] { run(); }) {}

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

Result<void> LiveHub::subscribe(const Scope& scope, const std::function<std::shared_ptr<EventStream>()>& open) {
  {
    const StoreView view = store_.read();
    if (const auto machines = machines_of(view, scope); !machines) return machines.error();
  }
  // Listening begins before the first look, so that nothing that is committed in between is missed.
  auto stream = open();
  {
    const std::lock_guard lock{mutex_};
    std::erase_if(subscribers_, [](const Subscriber& s) { return s.stream->closed(); });
    subscribers_.push_back({stream, scope, {}});
    find_machines(subscribers_.back());
  }
  const StoreView view = store_.read();
  const auto now = current(view, scope, store_.clock().now());
  for (const CurrentMachine& machine : *now) {
    JsonText out;
    append_current(out, machine);
    stream->push("oee", out.text(), std::to_string(view.sequence()));
  }
  return {};
}

void LiveHub::find_machines(Subscriber& subscriber) const {
  const StoreView view = store_.read();
  subscriber.machines.clear();
  const auto machines = machines_of(view, subscriber.scope);
  if (!machines) return;  // the scope has gone with a new plant description
  for (const MachineId machine : *machines) {
    if (is_active(view, machine)) subscriber.machines.insert(view.numbers().name(machine));
  }
}

void LiveHub::committed(const CommitNotice& notice) {
  const std::lock_guard lock{mutex_};
  if (subscribers_.empty()) return;
  if (notice.plant_changed) {
    for (Subscriber& subscriber : subscribers_) find_machines(subscriber);
  }
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

void LiveHub::run() {
  auto next_figures = std::chrono::steady_clock::now() + kFigureInterval;
  int round = 0;
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    wake_.wait_until(lock, next_figures, [&] { return stopping_ || !changes_.empty(); });
    if (stopping_) return;
    std::vector<Change> changes;
    changes.swap(changes_);
    std::set<std::string> figures;
    if (std::chrono::steady_clock::now() >= next_figures) {
      next_figures = std::chrono::steady_clock::now() + kFigureInterval;
      figures.swap(changed_machines_);
      std::erase_if(subscribers_, [](const Subscriber& s) { return s.stream->closed(); });
      if (++round % kFullEvery == 0) {
        for (const Subscriber& subscriber : subscribers_)
          figures.insert(subscriber.machines.begin(), subscriber.machines.end());
      }
    }
    lock.unlock();
    if (!changes.empty()) push_changes(changes);
    if (!figures.empty()) push_figures(figures);
    lock.lock();
  }
}

void LiveHub::push(std::string_view event, const std::string& machine, const std::string& data,
                   Sequence sequence) {
  const std::lock_guard lock{mutex_};
  for (const Subscriber& subscriber : subscribers_) {
    if (subscriber.machines.contains(machine)) subscriber.stream->push(event, data, std::to_string(sequence));
  }
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

void LiveHub::push_figures(const std::set<std::string>& machines) {
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
