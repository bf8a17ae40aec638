#include "server/alerts/alert_book.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <random>
#include <set>
#include <vector>

#include "query/json_text.h"

namespace takt {
namespace {

constexpr auto kLookEvery = std::chrono::seconds{1};
constexpr Duration kTriedFor = std::chrono::hours{24};
constexpr std::size_t kMostDeliveries = 500;
constexpr const char* kNote = "alerts";

double chance() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>{0, 1}(random);
}

void append_acknowledgement(JsonText& out, const std::optional<Acknowledgement>& acknowledged) {
  out.key("acknowledged");
  if (!acknowledged) {
    out.null();
    return;
  }
  out.begin_object().member("by", acknowledged->by).member("at", acknowledged->at);
  out.member("comment", acknowledged->comment).end_object();
}

/// What both a kept and a shown alert say.
void append_situation(JsonText& out, const AlertSituation& s) {
  out.member("state", name_of(s.state)).key("since");
  if (s.since == kBeginOfTime)
    out.null();
  else
    out.value(s.since);
  out.member("value", s.value).member("subject", s.subject);
  out.member("fired", s.fired);
  out.member("resolved", s.resolved);
  append_acknowledgement(out, s.acknowledged);
}

void append_delivery(JsonText& out, const AlertDelivery& d, std::string_view target) {
  out.member("id", d.id).member("alert", d.alert).member("target", target).member("state", name_of(d.state));
  out.member("made", d.made).member("attempts", d.attempts).member("last_error", d.last_error);
  out.member("next_attempt", d.state == DeliveryState::waiting ? std::optional{d.next_attempt} : std::nullopt);
  out.member("delivered", d.delivered);
}

/// Of what was kept: the members of an object, as far as they are what they should be.
class KeptObject {
 public:
  explicit KeptObject(const boost::json::value& value) : object_(value.if_object()) {}
  bool is_one() const { return object_ != nullptr; }
  const boost::json::value* member(std::string_view name) const {
    return object_ == nullptr ? nullptr : object_->if_contains(name);
  }
  std::string text(std::string_view name) const {
    const auto* value = member(name);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
  }
  std::optional<Timestamp> time(std::string_view name) const {
    const auto at = parse_time(text(name));
    return at ? std::optional{*at} : std::nullopt;
  }
  std::int64_t whole(std::string_view name) const {
    const auto* value = member(name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
  }

 private:
  const boost::json::object* object_;
};

AlertSituation read_situation(const KeptObject& kept) {
  AlertSituation s;
  s.state = alert_state_named(kept.text("state")).value_or(AlertState::ok);
  s.since = kept.time("since").value_or(kBeginOfTime);
  s.subject = kept.text("subject");
  s.fired = kept.time("fired"), s.resolved = kept.time("resolved");
  if (const auto* acknowledged = kept.member("acknowledged");
      acknowledged != nullptr && acknowledged->is_object()) {
    const KeptObject who{*acknowledged};
    s.acknowledged = {who.text("by"), who.text("comment"), who.time("at").value_or(kBeginOfTime)};
  }
  return s;
}

AlertDelivery read_delivery(const KeptObject& kept) {
  AlertDelivery d;
  d.id = kept.text("id"), d.alert = kept.text("alert"), d.target = kept.text("target"), d.body = kept.text("body");
  d.made = kept.time("made").value_or(kBeginOfTime);
  d.next_attempt = kept.time("next_attempt").value_or(kBeginOfTime);
  d.state = delivery_state_named(kept.text("state")).value_or(DeliveryState::failed);
  d.attempts = kept.whole("attempts");
  d.last_error = kept.text("last_error");
  d.delivered = kept.time("delivered");
  return d;
}

std::string sentence(const Alert& alert, const AlertSituation& s, AlertTurn turn) {
  const bool above = alert.above.has_value();
  std::string text = alert.on + " of " + (s.subject.empty() ? alert.scope : s.subject);
  text += turn == AlertTurn::fired ? (above ? " is above " : " is below ") : " is back from beyond ";
  std::string number;
  append_json_number(number, above ? *alert.above : alert.below.value_or(0));
  text += number + ": ";
  number.clear();
  append_json_number(number, s.value.value_or(0));
  return text + number;
}

}  // namespace

Result<std::unique_ptr<AlertBook>> AlertBook::open(Store& store, Ingestor& ingestor, const Exporter& exporter,
                                                   std::optional<DataSource> broker) {
  std::unique_ptr<AlertBook> book{new AlertBook{store, ingestor, exporter, std::move(broker)}};
  if (const auto kept = store.note(kNote)) {
    if (const auto read = book->read(*kept); !read) return read.error();
  }
  book->watcher_ = std::thread{[b = book.get()] { b->watch(); }};
  book->deliverer_ = std::thread{[b = book.get()] { b->deliver_due(); }};
  return book;
}

AlertBook::~AlertBook() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  if (watcher_.joinable()) watcher_.join();
  if (deliverer_.joinable()) deliverer_.join();
}

void AlertBook::watch() {
  std::unique_lock lock{mutex_};
  while (!wake_.wait_for(lock, kLookEvery, [&] { return stopping_.load(); })) {
    lock.unlock();
    look(store_.plant());
    keep();
    lock.lock();
  }
}

void AlertBook::look(const std::shared_ptr<const Plant>& plant) {
  const Timestamp now = store_.clock().now();
  std::set<std::string, std::less<>> known;
  for (const Alert& alert : plant->alerts) {
    const Measured measured = measures_.measure(alert, now);  // not under the lock: it reads the store
    const std::lock_guard lock{mutex_};
    known.insert(alert.id);
    AlertSituation& situation = situations_[alert.id];
    problems_[alert.id] = measured.problem;
    if (measured.value) situation.subject = measured.subject;
    const AlertState before = situation.state;
    const AlertTurn turn = judge(alert, measured.value, now, situation);
    changed_ = changed_ || before != situation.state;
    if (turn != AlertTurn::none) tell(alert, situation, turn, now);
  }
  const std::lock_guard lock{mutex_};
  const std::size_t gone = std::erase_if(situations_, [&](const auto& s) { return !known.contains(s.first); });
  std::erase_if(problems_, [&](const auto& p) { return !known.contains(p.first); });
  changed_ = changed_ || gone > 0;
}

/// Under the lock.
void AlertBook::tell(const Alert& alert, const AlertSituation& situation, AlertTurn turn, Timestamp now) {
  const std::string text = sentence(alert, situation, turn);
  if (turn == AlertTurn::fired)
    spdlog::warn("alert {} fires: {}", alert.id, text);
  else
    spdlog::info("alert {} is over: {}", alert.id, text);
  for (const std::string& target : alert.send) {
    AlertDelivery delivery;
    delivery.id = store_.id().substr(0, 8) + "-" + std::to_string(next_delivery_++);
    delivery.alert = alert.id, delivery.target = target;
    delivery.made = delivery.next_attempt = now;
    JsonText out;
    out.begin_object().member("delivery", delivery.id).member("alert", alert.id);
    out.member("status", turn == AlertTurn::fired ? "firing" : "resolved").member("on", alert.on);
    out.member("scope", alert.scope).member("subject", situation.subject).member("value", situation.value);
    out.member("above", alert.above).member("below", alert.below).member("clear", alert.clear);
    out.member("fired", situation.fired);
    out.member("resolved", situation.resolved);
    out.member("plant", store_.plant()->id).member("message", text).end_object();
    delivery.body = out.take();
    deliveries_.push_back(std::move(delivery));
  }
  forget_old();
  changed_ = is_news_ = true;
}

/// Under the lock. What is done goes first.
void AlertBook::forget_old() {
  while (deliveries_.size() > kMostDeliveries) {
    const auto done = std::ranges::find_if(
        deliveries_, [](const AlertDelivery& d) { return d.state != DeliveryState::waiting; });
    if (done == deliveries_.end()) {
      spdlog::error("alerts: more than {} deliveries wait; the oldest, of {}, is given up", kMostDeliveries,
                    deliveries_.front().alert);
      deliveries_.pop_front();
    } else {
      deliveries_.erase(done);
    }
  }
}

void AlertBook::deliver_due() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    const Timestamp now = store_.clock().now();
    const auto due = std::ranges::find_if(deliveries_, [&](const AlertDelivery& d) {
      return d.state == DeliveryState::waiting && d.next_attempt <= now;
    });
    if (due == deliveries_.end() || is_news_) {  // what fires is kept first: a restart must not tell it again
      wake_.wait_for(lock, std::chrono::milliseconds{100}, [&] { return stopping_.load(); });
      continue;
    }
    const AlertDelivery attempt = *due;
    lock.unlock();
    const auto outcome = deliver(attempt, broker_of(*store_.plant()), stopping_);
    lock.lock();
    const auto kept = std::ranges::find(deliveries_, attempt.id, &AlertDelivery::id);
    if (kept == deliveries_.end() || (!outcome && stopping_)) continue;
    ++kept->attempts;
    changed_ = true;
    if (outcome) {
      kept->state = DeliveryState::delivered;
      kept->delivered = store_.clock().now();
      kept->last_error.clear();
      ++delivered_;
    } else {
      ++failures_;
      kept->last_error = outcome.error().context;
      kept->next_attempt = store_.clock().now() + pause_after(kept->attempts, chance());
      if (kept->next_attempt - kept->made > kTriedFor) kept->state = DeliveryState::failed;
      spdlog::warn("alert {} is not delivered to {} (attempt {}): {}", kept->alert, shown_target(kept->target),
                   kept->attempts, kept->last_error);
    }
    lock.unlock();
    keep();
    lock.lock();
  }
}

std::optional<DataSource> AlertBook::broker_of(const Plant& plant) const {
  const auto named = std::ranges::find_if(
      plant.sources, [](const DataSource& source) { return source.active && source.kind == "mqtt"; });
  return named == plant.sources.end() ? broker_ : std::optional{*named};
}

Result<void> AlertBook::acknowledge(std::string_view id, const Acknowledgement& acknowledgement,
                                    const Author& author, const Permit* permit) {
  const auto plant = store_.plant();
  const auto alert = std::ranges::find(plant->alerts, id, &Alert::id);
  const auto scope = alert == plant->alerts.end() ? Result<Scope>{not_found("")} : parse_scope(alert->scope);
  const bool visible = scope && (permit == nullptr || covers(*permit, *plant, *scope));
  if (!visible) return not_found("there is no alert \"" + std::string{id} + "\"");
  {
    const std::lock_guard lock{mutex_};
    const auto situation = situations_.find(id);
    if (situation == situations_.end() || situation->second.state != AlertState::firing)
      return {Error{ErrorCode::conflict, "the alert \"" + std::string{id} + "\" does not fire"}};
    situation->second.acknowledged = acknowledgement;
  }
  const std::lock_guard turn{keeping_};
  return store_.set_note(kNote, kept(), author, "alert.acknowledge",
                         {{"alert", std::string{id}}, {"comment", acknowledgement.comment}});
}

void AlertBook::keep() {
  const std::lock_guard turn{keeping_};
  {
    const std::lock_guard lock{mutex_};
    if (!changed_) return;
    changed_ = false;
  }
  const auto written = store_.set_note(kNote, kept());
  const std::lock_guard lock{mutex_};
  if (!written && !is_unkept_) spdlog::warn("alerts: their state is not kept: {}", written.error().context);
  is_unkept_ = !written;
  changed_ = changed_ || !written;
  is_news_ = false;  // where nothing can be written, it is told all the same: just then it may matter
}

std::string AlertBook::render(const Scope& scope, std::string_view id) const {
  const auto plant = store_.plant();
  const Permit asked{{}, Role::viewer, {scope}, {}};
  JsonText out;
  std::set<std::string, std::less<>> shown;
  const std::lock_guard lock{mutex_};
  out.begin_object().key("alerts").begin_array();
  for (const Alert& alert : plant->alerts) {
    if (!id.empty() && alert.id != id) continue;
    const auto its = parse_scope(alert.scope);
    if (scope.kind != Scope::Kind::plant && !(its && covers(asked, *plant, *its))) continue;
    shown.insert(alert.id);
    out.begin_object().member("id", alert.id).member("on", alert.on).member("scope", alert.scope);
    out.member("above", alert.above).member("below", alert.below).member("clear", alert.clear);
    out.member("for_s", alert.for_at_least);
    const auto situation = situations_.find(alert.id);
    append_situation(out, situation == situations_.end() ? AlertSituation{} : situation->second);
    const auto problem = problems_.find(alert.id);
    out.key("problem");
    if (problem == problems_.end() || problem->second.empty())
      out.null();
    else
      out.value(problem->second);
    out.end_object();
  }
  out.end_array().key("deliveries").begin_array();
  for (auto delivery = deliveries_.rbegin(); delivery != deliveries_.rend(); ++delivery) {
    if (!shown.contains(delivery->alert)) continue;
    out.begin_object();
    append_delivery(out, *delivery, shown_target(delivery->target));
    out.end_object();
  }
  return out.end_array().end_object().take();
}

AlertBook::Counts AlertBook::counts() const {
  const std::lock_guard lock{mutex_};
  Counts counts;
  counts.alerts = situations_.size();
  for (const auto& [id, s] : situations_) counts.firing += s.state == AlertState::firing ? 1 : 0;
  for (const AlertDelivery& d : deliveries_) counts.waiting += d.state == DeliveryState::waiting ? 1 : 0;
  counts.delivered = delivered_, counts.failures = failures_;
  return counts;
}

std::string AlertBook::kept() const {
  JsonText out;
  const std::lock_guard lock{mutex_};
  out.begin_object()
      .member("next_delivery", static_cast<std::int64_t>(next_delivery_))
      .key("alerts")
      .begin_array();
  for (const auto& [id, situation] : situations_) {
    out.begin_object().member("id", id);
    append_situation(out, situation);
    out.end_object();
  }
  out.end_array().key("deliveries").begin_array();
  for (const AlertDelivery& delivery : deliveries_) {
    out.begin_object();
    append_delivery(out, delivery, delivery.target);
    out.member("body", delivery.body).end_object();
  }
  return out.end_array().end_object().take();
}

Result<void> AlertBook::read(std::string_view kept) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(kept, error);
  const KeptObject all{parsed};
  const auto* alerts = all.member("alerts");
  const auto* deliveries = all.member("deliveries");
  const bool readable =
      !error && alerts != nullptr && alerts->is_array() && deliveries != nullptr && deliveries->is_array();
  if (!readable) return corruption("what is kept of the alerts is damaged");
  next_delivery_ = static_cast<std::uint64_t>(std::max<std::int64_t>(1, all.whole("next_delivery")));
  for (const auto& each : alerts->get_array()) {
    const KeptObject alert{each};
    situations_.insert_or_assign(alert.text("id"), read_situation(alert));
  }
  for (const auto& each : deliveries->get_array()) deliveries_.push_back(read_delivery(KeptObject{each}));
  return {};
}

}  // namespace takt
