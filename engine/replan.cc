#include "engine/replan.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "engine/committer.h"
#include "engine/event_codec.h"
#include "engine/events/event_log.h"

namespace takt {
namespace {

using Steady = std::chrono::steady_clock;

constexpr const char* kJob = "plant change";
constexpr Duration kDay = std::chrono::hours{24};
constexpr std::size_t kFewDays = 16;  // what may be left for the committer to do
constexpr int kTries = 3;
constexpr auto kTellEvery = std::chrono::milliseconds{200};
constexpr std::size_t kNamedMachines = 100;  // in the audit log

std::int64_t day_of(Timestamp t) { return std::chrono::floor<std::chrono::days>(t).time_since_epoch().count(); }
TimeRange range_of(std::int64_t day) {
  const Timestamp begin{std::chrono::days{day}};
  return {begin, begin + kDay};
}

}  // namespace

Store::Replan::Replan(Store& store, Plant wanted, std::optional<Timestamp> valid_from, Author author,
                      std::stop_token given_up)
    : store_(store),
      wanted_(std::move(wanted)),
      wanted_from_(valid_from),
      author_(std::move(author)),
      given_up_(std::move(given_up)) {}

Store::Replan::~Replan() {
  if (watching_) store_.committer_->run_task([&] { leave(); });
}

std::optional<Error> Store::Replan::reason_to_leave() const {
  if (given_up_.stop_requested() || store_.closing_) return cancelled();
  if (std::string reason = store_.read_only_reason(); !reason.empty()) return unavailable(std::move(reason));
  return std::nullopt;
}

// ---------------------------------------- planning

Result<void> Store::Replan::plan() {
  Result<void> outcome;
  store_.committer_->run_task([&] { outcome = prepare(); });
  return outcome;
}

Result<void> Store::Replan::prepare() {
  horizon_ = store_.horizon();
  merged_ = wanted_;
  change_ = store_.merge_left_out(merged_);
  auto descriptions = versions();
  if (!descriptions) return descriptions.error();
  versions_ = std::move(*descriptions);
  MachineNumbers numbers = store_.numbers_;
  for (const auto& [from, plant] : versions_) {
    for (const Machine& machine : plant.machines) {
      if (numbers.find(machine.id)) continue;
      numbers.add(machine.id, MachineId{static_cast<std::uint32_t>(numbers.size())});
      new_machines_.push_back(machine.id);
    }
  }
  const std::string& timezone = merged_.timezone;
  const auto zone = store_.zones_.named(timezone);
  if (!zone) return zone.error();
  zone_ = store_.zones_.kept(timezone).value_or(KeptZone{*zone, store_.options_.zones.version()});
  if (timezone != store_.master_->latest().plant().timezone) {
    // One that was used long ago goes on with today's tzdata.
    const Timestamp now = std::max(store_.clock().now(), store_.newest());
    zone_ = store_.zones_.renewed(timezone, now).value_or(*zone_);
  }
  next_ = std::make_unique<MasterData>(MasterData::compile(versions_, zone_->zone, store_.names_, numbers));
  for (const NameId state : store_.master_->latest().states()) next_->know_state(state, store_.names_);
  difference_.emplace(*store_.master_, *next_, store_.names_);
  for (const auto& record : store_.machines_) {
    const auto differs = difference_->of(record->id());
    if (!differs.any()) continue;
    Part& part = parts_.emplace_back();
    part.machine = record->id(), part.differs = differs;
    part_of_.emplace(part.machine, &part);
    record->watch(&part.touched);
  }
  store_.replan_ = this;
  watching_ = true;
  return {};
}

/// Every description in time, the new one last.
Result<PlantVersions> Store::Replan::versions() {
  PlantVersions list;
  const MasterData& now = *store_.master_;
  std::optional<Timestamp> from = wanted_from_;
  if (horizon_ > kBeginOfTime) {
    from = std::max(from.value_or(horizon_), horizon_);
    if (merged_.timezone != now.latest().plant().timezone) {
      return Error{ErrorCode::conflict, "the time zone cannot change: the figures of before " +
                                            format_time(horizon_) +
                                            " are by its days, and their events are retained no more"};
    }
  }
  if (from && store_.has_plant_) {
    list = now.descriptions();
    std::erase_if(list, [&](const auto& version) { return version.first >= *from; });
  }
  list.emplace_back(list.empty() ? kBeginOfTime : *from, merged_);
  return list;
}

void Store::Replan::leave() {
  for (const Part& part : parts_) store_.machines_[index_of(part.machine)]->watch(nullptr);
  store_.replan_ = nullptr;
  watching_ = false;
}

// ---------------------------------------- rehearsing

Rehearsal Store::Replan::rehearsal(const Part& part, const MachineRecord& record) const {
  return {record, *store_.master_, *next_, {part.differs.timeline, part.differs.pieces}};
}

/// One short look, between which commits go on.
Result<void> Store::Replan::look(const std::function<void(const StoreView&)>& at) {
  if (auto reason = reason_to_leave()) return *reason;
  {
    const StoreView view = store_.read();
    at(view);
  }
  if (store_.options_.between_looks) store_.options_.between_looks();
  return {};
}

Result<void> Store::Replan::find() {
  for (Part& part : parts_) {
    TimeRange life;
    const auto asked =
        look([&](const StoreView& view) { life = rehearsal(part, view.machine(part.machine)).life(); });
    if (!asked) return asked;
    difference_->look_at_calendar(part.machine, life);
    const auto found = look([&](const StoreView& view) {
      const Rehearsal under = rehearsal(part, view.machine(part.machine));
      part.life = under.life();
      part.settled_now = under.settled_now(), part.settled_next = under.settled_next();
      for (const TimeRange& range : difference_->ranges(view.machine(part.machine), part.life))
        make_due(part, under.widened(range));
      part.concerned = !part.due.empty() || (part.differs.silence && !part.life.empty());
      make_due(part,
               {std::min(part.settled_now, part.settled_next), std::max(part.settled_now, part.settled_next)});
    });
    if (!found) return found;
  }
  count_concerned();
  return {};
}

void Store::Replan::count_concerned() {
  change_.machines_recomputed = static_cast<std::size_t>(
      std::count_if(parts_.begin(), parts_.end(), [](const Part& part) { return part.concerned; }));
}

/// Days of the range that a machine's events have anything to add in, or had.
void Store::Replan::make_due(Part& part, TimeRange range) {
  range = intersect(range, part.life);
  if (range.empty()) return;
  for (Day day = day_of(range.begin); range_of(day).begin < range.end; ++day) part.due.insert(day);
}

/// What commits have touched since.
void Store::Replan::take_up(Part& part, const Rehearsal& rehearsal) {
  const TimeRange life = rehearsal.life();
  part.life = {std::min(part.life.begin, life.begin), std::max(part.life.end, life.end)};
  for (const TimeRange& range : part.touched.take()) make_due(part, rehearsal.widened(range));
  const auto settled_anew = [&](Timestamp& known, Timestamp now) {
    if (known == now) return;
    make_due(part, {std::min(known, now), std::max(known, now)});
    known = now;
  };
  settled_anew(part.settled_now, rehearsal.settled_now());
  settled_anew(part.settled_next, rehearsal.settled_next());
}

/// False if days are left.
bool Store::Replan::step(Part& part, const MachineRecord& record, Until until) {
  if (part.differs.silence) return true;  // as a whole, at the end
  const Rehearsal under = rehearsal(part, record);
  take_up(part, under);
  const auto end = Steady::now() + store_.options_.plant_change_look;
  while (!part.due.empty()) {
    const Day day = *part.due.begin();
    part.due.erase(part.due.begin());
    CellChanges changes = under.changes(range_of(day));
    if (changes.empty())
      part.days.erase(day);
    else
      part.days[day] = std::move(changes);
    ++days_done_;
    if (until == Until::a_while && Steady::now() >= end) break;
  }
  return part.due.empty();
}

/// Returns how many days of machines there were to do.
Result<std::size_t> Store::Replan::round() {
  const std::size_t done_before = days_done_;
  std::size_t left = 0;
  for (const Part& part : parts_) left += part.due.size();
  for (Part& part : parts_) {
    for (bool done = false; !done;) {
      const std::size_t before = part.due.size();
      const auto looked =
          look([&](const StoreView& view) { done = step(part, view.machine(part.machine), Until::a_while); });
      if (!looked) return looked.error();
      left -= std::min(left, before - std::min(before, part.due.size()));
      tell_progress(left);
    }
  }
  return days_done_ - done_before;
}

/// Until little is left, or no less each time: under ingest that goes on, today is always left.
Result<void> Store::Replan::rehearse() {
  for (std::size_t before = std::numeric_limits<std::size_t>::max();;) {
    const auto days = round();
    if (!days) return days.error();
    if (*days <= kFewDays || *days >= before) return {};
    before = *days;
  }
}

std::string Store::Replan::progress_text() const {
  return fmt::format("{} machines, {} days of machines", change_.machines_recomputed, days_done_);
}

void Store::Replan::tell_progress(std::size_t days_left) {
  const auto now = Steady::now();
  if (now < told_ + kTellEvery) return;
  told_ = now;
  const double all = static_cast<double>(days_done_ + days_left);
  store_.note_job(kJob, std::nullopt, "under way: " + progress_text() + " recomputed",
                  all > 0 ? static_cast<double>(days_done_) / all : 0);
}

// ---------------------------------------- going over

Result<bool> Store::Replan::put() {
  if (auto reason = reason_to_leave()) return *reason;
  Result<bool> outcome = false;
  store_.committer_->run_task([&] { outcome = put_now(); });
  if (outcome && *outcome) {
    const auto took = std::chrono::duration<double>(Steady::now() - began_).count();
    store_.note_job(kJob, std::nullopt,
                    fmt::format("done as commit {}: {} in {:.1f} s", change_.sequence, progress_text(), took));
  }
  return outcome;
}

/// Whether events still refer to what they referred to, and the same is retained.
bool Store::Replan::is_current() {
  Plant again = wanted_;
  PlantChange change = store_.merge_left_out(again);
  return store_.horizon() == horizon_ && again == merged_;
}

Result<bool> Store::Replan::put_now() {
  if (!is_current()) return false;
  if (std::string reason = store_.committer_->read_only_reason(); !reason.empty())
    return unavailable(std::move(reason));
  // Nobody writes but this thread: what is left needs no lock.
  for (Part& part : parts_) {
    step(part, *store_.machines_[index_of(part.machine)], Until::done);
    part.concerned = part.concerned || !part.days.empty();  // by events that came since
  }
  count_concerned();
  change_.sequence = store_.sequence() + 1;
  if (const auto written = write(); !written) return written.error();
  go_over();
  store_.has_plant_ = true;
  store_.events_->plant_changed();
  if (store_.listener_) store_.listener_({change_.sequence, {}, true});
  return true;
}

Result<void> Store::Replan::write() {
  Disk& disk = *store_.disk_;
  rocksdb::WriteBatch batch;
  const std::string key = sequence_key(change_.sequence);
  for (std::size_t i = 0; i < new_machines_.size(); ++i)
    batch.Put(disk[Disk::meta], "m" + sequence_key(store_.numbers_.size() + i), new_machines_[i]);
  batch.Put(disk[Disk::meta], "p" + key, encode_plants(versions_));
  batch.Put(disk[Disk::meta], "sequence", key);
  batch.Put(disk[Disk::meta], zone_key(merged_.timezone), encode_zone(*zone_));
  const std::vector<Event> marks = store_.silence_marks(versions_.back().second);
  std::vector<const Event*> marked;
  for (const Event& mark : marks) marked.push_back(&mark);
  if (!marks.empty()) {
    const std::string frame = encode_frame(marked);
    batch.Put(disk[Disk::events], key, frame);
    store_.events_->appended(frame.size());
  }
  time_ = store_.commit_times_->note(change_.sequence, batch);
  const AuditHead head = store_.add_audit_entry(batch, audit_entry(), store_.audit_head_);
  const auto written = store_.committer_->write(batch);
  if (!written) return written;
  store_.audit_head_ = head;
  store_.zones_.keep(merged_.timezone, *zone_);
  return {};
}

AuditEntry Store::Replan::audit_entry() const {
  AuditEntry entry;
  entry.author = author_;
  entry.action = "plant.change";
  const Plant& plant = versions_.back().second;
  const Timestamp from = versions_.back().first;
  boost::json::array sections, machines;
  for (const std::string& section : changed_sections(store_.master_->latest().plant(), plant))
    sections.emplace_back(section);
  for (const Part& part : parts_) {
    if (part.concerned && machines.size() < kNamedMachines)
      machines.emplace_back(store_.numbers_.name(part.machine));
  }
  boost::json::array kept(change_.kept_inactive.begin(), change_.kept_inactive.end());
  entry.details = boost::json::object{{"sequence", change_.sequence},
                                      {"changed", sections},
                                      {"machines_added", change_.machines_added},
                                      {"machines_recomputed", change_.machines_recomputed},
                                      {"machines", machines},
                                      {"kept_inactive", kept},
                                      {"plant_sha256", sha256(boost::json::serialize(to_json(plant)))}};
  if (from > kBeginOfTime)
    entry.details["valid_from"] = format_time(from);
  else
    entry.details["valid_from"] = nullptr;
  return entry;
}

/// All figures at once.
void Store::Replan::go_over() {
  std::unique_ptr<MasterData> before;  // goes when nobody waits any more
  {
    const std::lock_guard turn{store_.turnstile_};
    const std::unique_lock lock{store_.gate_};
    before = std::exchange(store_.master_, std::move(next_));
    for (const auto& record : store_.machines_) {
      const auto part = part_of_.find(record->id());
      use(*record, part == part_of_.end() ? nullptr : part->second);
    }
    for (const std::string& machine : new_machines_)
      store_.add_machine(machine, MachineId{static_cast<std::uint32_t>(store_.numbers_.size())});
    leave();
    {
      const std::lock_guard plant{store_.plant_mutex_};
      store_.plant_ = std::make_shared<const Plant>(store_.master_->latest().plant());
    }
    store_.commit_times_->made(time_);
    store_.sequence_.store(change_.sequence, std::memory_order_release);
  }
  difference_.reset();
}

void Store::Replan::use(MachineRecord& record, const Part* part) {
  const MasterData& master = *store_.master_;
  if (part != nullptr && part->differs.silence) {
    record.use(master, change_.sequence);
    store_.rebuild_heard(record, change_.sequence, HeardFrom::readings_too);
    return;
  }
  std::vector<const CellChanges*> changes;
  if (part != nullptr) {
    for (const auto& [day, list] : part->days) changes.push_back(&list);
  }
  record.use(master, changes, change_.sequence);
}

// ---------------------------------------- for all to use

/// Changes of the plant one at a time: a description is refused while another is under way, machines that are
/// added wait.
class Store::PlantTurn {
 public:
  enum class Kind : std::uint8_t { description, machines };
  PlantTurn(Store& store, Kind kind) : store_(store) {
    std::unique_lock lock{store.turn_mutex_};
    if (kind == Kind::description && store.describing_) return;
    store.turn_free_.wait(lock, [&] { return !store.changing_; });
    store.changing_ = held_ = true;
    store.describing_ = kind == Kind::description;
  }
  ~PlantTurn() {
    if (!held_) return;
    {
      const std::lock_guard lock{store_.turn_mutex_};
      store_.changing_ = store_.describing_ = false;
    }
    store_.turn_free_.notify_all();
  }
  PlantTurn(const PlantTurn&) = delete;
  PlantTurn& operator=(const PlantTurn&) = delete;
  bool held() const { return held_; }

 private:
  Store& store_;
  bool held_ = false;
};

Result<PlantChange> Store::set_plant(const Plant& plant, std::optional<Timestamp> valid_from, bool dry_run,
                                     const Author& author, const std::stop_token& given_up) {
  const PlantTurn turn{*this, PlantTurn::Kind::description};
  if (!turn.held()) {
    return Error{ErrorCode::conflict,
                 "another description of the plant is taking hold at this moment; see how far "
                 "it is in GET /v1/status, and send this one again then"};
  }
  return change_plant(plant, valid_from, dry_run, author, given_up);
}

Result<PlantChange> Store::change_plant(const Plant& plant, std::optional<Timestamp> valid_from, bool dry_run,
                                        const Author& author, const std::stop_token& given_up) {
  const auto outcome = [&]() -> Result<PlantChange> {
    for (int i = 0; i < kTries; ++i) {
      Replan replan{*this, plant, valid_from, author, given_up};
      if (const auto planned = replan.plan(); !planned) return planned.error();
      if (const auto found = replan.find(); !found) return found.error();
      if (dry_run) return replan.change();
      if (const auto rehearsed = replan.rehearse(); !rehearsed) return rehearsed.error();
      const auto put = replan.put();
      if (!put) return put.error();
      if (*put) return replan.change();
    }
    return unavailable("events refer to ever more that the new description leaves out; try again");
  }();
  if (!outcome && !dry_run)
    note_job(kJob, std::nullopt, "failed, nothing was changed: " + outcome.error().context);
  return outcome;
}

Result<void> Store::register_machines(const std::vector<std::string>& ids) {
  const PlantTurn turn{*this, PlantTurn::Kind::machines};
  Plant plant = *this->plant();
  const std::size_t known = plant.machines.size();
  for (const std::string& id : ids) {
    if (plant.machine(id) != nullptr) continue;
    Machine machine;
    machine.id = machine.name = id;
    plant.machines.push_back(std::move(machine));
  }
  if (plant.machines.size() == known) return {};
  std::optional<Timestamp> newest_from;
  {
    const StoreView view = read();
    if (view.master().versions().size() > 1) newest_from = view.master().latest().valid().begin;
  }
  const auto changed = change_plant(plant, newest_from, false, {"auto_register", {}}, {});
  if (!changed) return changed.error();
  return {};
}

// ---------------------------------------- what was changed

namespace {

/// Stands for an entry that cannot be read.
AuditEntry damaged_entry(std::uint64_t number) {
  AuditEntry entry;
  entry.number = number;
  entry.author.actor.clear();
  entry.action = "damaged";
  return entry;
}

}  // namespace

Result<std::vector<AuditEntry>> Store::audit(std::uint64_t after, std::size_t limit) const {
  std::vector<AuditEntry> entries;
  if (limit == 0 || after == std::numeric_limits<std::uint64_t>::max()) return entries;
  const auto scanned =
      disk_->scan(Disk::meta, audit_key(after + 1), [&](std::string_view key, std::string_view value) {
        if (key.size() != 9 || key[0] != 'a') return false;
        auto entry = decode_audit(value);
        entries.push_back(entry ? std::move(*entry) : damaged_entry(sequence_of_key(key.substr(1))));
        return entries.size() < limit;
      });
  if (!scanned) return scanned.error();
  return entries;
}

}  // namespace takt
