#include "ingest/signal_mapper.h"

#include "ingest/decode_draft.h"
#include "ingest/signal_pattern.h"
#include "ingest/steps.h"
#include "ingest/stray_signal.h"
#include "schema/event_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace takt {
namespace {

static_assert(SignalMapper::kMostSteps == Steps::kMost);
constexpr double kExact = 9007199254740992.0;  // 2^53: above it not every whole number is a double

/// What an address means. Empty `machine`: it does not say.
struct Meaning {
  SignalUse use = SignalUse::reading;
  std::string machine, tag;
  bool tag_is_told = false;                     // by the rule, not by the address
  const boost::json::object* values = nullptr;  // of the rule
};

/// What is known of a machine beside the signal at hand.
struct Context {
  Steps product, order, reason, state;
};

/// The value as text: what names are looked up by, and what a state, product or order is.
std::string text_of(const Signal& signal) {
  if (signal.value.kind == Value::Kind::text) return std::string{signal.value.text};
  if (signal.value.kind == Value::Kind::boolean) return signal.value.number != 0 ? "true" : "false";
  if (signal.whole != kAbsent) return fmt::format("{}", signal.whole);
  return fmt::format("{}", signal.value.number);
}

std::string lower_case(std::string_view text) {
  std::string out{text};
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

SignalUse use_named(std::string_view level) {
  const std::string name = lower_case(level);
  if (name == "execution") return SignalUse::state;
  for (auto use = SignalUse::state; use < SignalUse::reading;
       use = static_cast<SignalUse>(static_cast<int>(use) + 1))
    if (name == name_of(use)) return use;
  return SignalUse::reading;
}

bool is_increment(SignalUse use) {
  return use == SignalUse::good || use == SignalUse::scrap || use == SignalUse::rework;
}

/// The field of an event that a use fills in.
Field field_of(SignalUse use) {
  switch (use) {
    case SignalUse::good_total:
      return Field::good_total;
    case SignalUse::scrap_total:
      return Field::scrap_total;
    case SignalUse::rework_total:
      return Field::rework_total;
    case SignalUse::good:
      return Field::good;
    case SignalUse::scrap:
      return Field::scrap;
    case SignalUse::rework:
      return Field::rework;
    case SignalUse::kwh_total:
      return Field::kwh_total;
    default:
      return Field::value;
  }
}

/// The number that a signal is, in digits too; nothing if it is none.
std::optional<Number> number_of(const Signal& signal) {
  if (signal.whole != kAbsent) return Number{static_cast<double>(signal.whole), signal.whole, true};
  if (signal.value.kind == Value::Kind::text) return parse_number(signal.value.text);
  const double real = signal.value.number;
  const bool whole = std::fabs(real) <= kExact && real == std::trunc(real);
  return Number{real, whole ? static_cast<std::int64_t>(real) : 0, whole};
}

/// One event on its way into the batch, by the rules for all events.
class NewEvent {
 public:
  /// An empty machine: nobody's.
  NewEvent(EventBatch& batch, EventType type, std::string_view machine, const Signal& signal)
      : batch_(batch), address_(signal.address), is_stray_(machine.empty()), draft_(event_) {
    draft_.text(Field::type, name_of(type));
    text(Field::machine, is_stray_ ? "?" : machine);
    draft_.number(Field::ts, Number{0, micros(signal.at), true});
  }
  /// An empty one is not given.
  NewEvent& text(Field field, std::string_view text) {
    if (text.empty() && field != Field::value) return *this;
    const bool utf8 = simdjson::validate_utf8(text.data(), text.size());
    if (!utf8) draft_.fail("A text is no UTF-8.");
    draft_.text(field, utf8 ? batch_.keep(text) : "?");
    return *this;
  }
  NewEvent& number(Field field, const std::optional<Number>& number) {
    if (number)
      draft_.number(field, *number);
    else
      draft_.wrong(field);
    return *this;
  }
  NewEvent& truth(Field field, bool value) {
    draft_.truth(field, value);
    return *this;
  }
  void add() {
    const auto problem = draft_.judge();
    if (problem) return refuse(problem->code, problem->message);
    if (is_stray_) {
      return refuse(Rejection::unknown_machine, "The address " + in_quotes(address_) +
                                                    " names no machine that is described; describe it, or " +
                                                    "name it in a [[signal]] rule, and replay the quarantine.");
    }
    batch_.indexes.push_back(batch_.size());
    batch_.events.push_back(event_);
  }
  /// With what there is of it, as it can be tried again.
  void refuse(Rejection code, std::string message) {
    if (!std::isfinite(event_.value.number)) event_.value = {};
    if (std::isinf(event_.kwh_total)) event_.kwh_total = std::numeric_limits<double>::quiet_NaN();
    std::string raw;
    if (is_stray_) {
      event_.machine = {};
      raw = stray_json(event_, address_);
    } else {
      append_json(raw, event_);
    }
    batch_.rejected.push_back(
        {batch_.size(), code, std::move(message), std::move(raw), std::string{event_.machine}});
  }

 private:
  EventBatch& batch_;
  std::string_view address_;
  bool is_stray_;
  Event event_;
  EventDraft draft_;
};

}  // namespace

class SignalMapper::Rules {
 public:
  Rules(const Plant& plant, const DataSource& source) : machine_(source.machine) {
    for (const Machine& machine : plant.machines) machines_.insert(machine.id);
    for (const Reason& reason : plant.reasons) reasons_.insert(reason.code);
    for (const SignalRule& rule : plant.signals) {
      if (rule.source.empty() || rule.source == source.id) rules_.push_back({SignalPattern{rule.match}, rule});
    }
  }

  const Meaning& meaning(std::string_view address) {
    if (const auto found = known_.find(address); found != known_.end()) return found->second;
    if (known_.size() >= kMostAddresses) return unlisted_ = look_up(address);
    return known_.emplace(std::string{address}, look_up(address)).first->second;
  }

  void map(Signals message, std::string_view machine, EventBatch& batch) {
    // A second look at an address may move what was found at the first: only the machine's name is kept.
    std::vector<std::pair<const Signal*, std::string>> states, reasons;
    for (const Signal& signal : message) remember(signal, machine, states, reasons);
    for (const auto& [signal, whose] : states) state(*signal, whose, batch);
    for (const auto& [signal, whose] : reasons) {
      const bool told = std::any_of(states.begin(), states.end(), [&, &s = *signal, &w = whose](const auto& each) {
        return each.second == w && each.first->at == s.at;
      });
      if (!told) begin_again(*signal, whose, batch);
    }
    for (const Signal& signal : message) amount(signal, machine, batch);
  }

 private:
  using Mine = std::vector<std::pair<const Signal*, std::string>>;
  struct Rule {
    SignalPattern pattern;
    SignalRule rule;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Names = std::unordered_set<std::string, Hash, std::equal_to<>>;

  Meaning look_up(std::string_view address) const {
    for (const Rule& each : rules_) {
      const auto kept = each.pattern.match(address);
      if (!kept) continue;
      Meaning meaning = place_of(address);
      meaning.use = each.rule.as, meaning.values = &each.rule.values;
      const auto named = filled_in(each.rule.machine.empty() ? "{machine}" : each.rule.machine, *kept);
      if (named) meaning.machine = *named, meaning.tag = below(address, *named);
      if (const auto tag = filled_in(each.rule.tag, *kept); tag && !tag->empty())
        meaning.tag = *tag, meaning.tag_is_told = true;
      return meaning;
    }
    Meaning meaning = place_of(address);
    meaning.use = use_named(address.substr(address.rfind('/') + 1));
    return meaning;
  }
  /// Whose signal it is by the source or by the levels of its address, and its tag.
  Meaning place_of(std::string_view address) const {
    Meaning meaning;
    meaning.machine = machine_;
    for (std::size_t end = address.size(); meaning.machine.empty() && end != std::string_view::npos;) {
      const std::size_t slash = end == 0 ? std::string_view::npos : address.rfind('/', end - 1);
      const std::string_view level = address.substr(slash + 1, end - slash - 1);
      if (machines_.contains(level)) meaning.machine = level;
      end = slash;
    }
    meaning.tag = below(address, meaning.machine);
    return meaning;
  }
  /// The levels after the last one that is `machine`; all where there is none or none is after it.
  static std::string below(std::string_view address, std::string_view machine) {
    for (std::size_t end = address.size();;) {
      const std::size_t slash = end == 0 ? std::string_view::npos : address.rfind('/', end - 1);
      if (address.substr(slash + 1, end - slash - 1) == machine && end < address.size())
        return std::string{address.substr(end + 1)};
      if (slash == std::string_view::npos) return std::string{address};
      end = slash;
    }
  }
  static std::string whose(const Meaning& meaning, std::string_view machine) {
    return meaning.machine.empty() ? std::string{machine} : meaning.machine;
  }

  /// What values are called by the rule; the value's own text if it has no name there. Nothing: not known.
  static std::optional<std::string> named_value(const Signal& signal, const Meaning& meaning) {
    if (signal.value.kind == Value::Kind::none) return std::nullopt;
    std::string text = text_of(signal);
    const auto* name = meaning.values == nullptr ? nullptr : meaning.values->if_contains(text);
    if (name != nullptr && name->is_string()) return std::string{name->as_string()};
    return text;
  }

  /// Takes note of product, order and reason before anything of the message becomes an event.
  void remember(const Signal& signal, std::string_view machine, Mine& states, Mine& reasons) {
    const Meaning& meaning = this->meaning(signal.address);
    if (meaning.use > SignalUse::order) return;
    std::string whose = this->whose(meaning, machine);
    if (meaning.use == SignalUse::state) return states.emplace_back(&signal, std::move(whose)), void();
    Context& context = context_of(whose);
    Steps& steps = meaning.use == SignalUse::product ? context.product
                   : meaning.use == SignalUse::order ? context.order
                                                     : context.reason;
    steps.set(signal.at, named_value(signal, meaning).value_or(""));
    if (meaning.use == SignalUse::reason) reasons.emplace_back(&signal, std::move(whose));
  }

  void state(const Signal& signal, const std::string& machine, EventBatch& batch) {
    const Meaning& meaning = this->meaning(signal.address);
    std::string name = named_value(signal, meaning).value_or("unavailable");
    if (signal.value.kind == Value::Kind::boolean && (name == "true" || name == "false"))
      name = name == "true" ? "running" : "stopped";
    const bool nameless = signal.value.kind == Value::Kind::number && name == text_of(signal);
    if (nameless) {
      NewEvent event{batch, EventType::state, machine, signal};
      return event.text(Field::state, name)
          .refuse(Rejection::bad_value, "The state " + in_quotes(name) + " of " + in_quotes(signal.address) +
                                            " is a number; name it in the values of a [[signal]] rule.");
    }
    context_of(machine).state.set(signal.at, name);
    add_state(machine, signal, name, batch);
  }
  void begin_again(const Signal& signal, const std::string& machine, EventBatch& batch) {
    const std::string name{context_of(machine).state.at(signal.at)};
    if (!name.empty()) add_state(machine, signal, name, batch);
  }
  void add_state(const std::string& machine, const Signal& signal, const std::string& name, EventBatch& batch) {
    const std::string_view reason = context_of(machine).reason.at(signal.at);
    if (!reason.empty() && !reasons_.contains(reason)) {
      NewEvent{batch, EventType::state, machine, signal}
          .text(Field::state, name)
          .text(Field::reason, reason)
          .number(Field::revision, Number{1, 1, true})
          .refuse(Rejection::unknown_reason, "The reason " + in_quotes(reason) +
                                                 " is not described; the state counts without it. Describe it and "
                                                 "replay the quarantine.");
      return NewEvent{batch, EventType::state, machine, signal}.text(Field::state, name).add();
    }
    NewEvent{batch, EventType::state, machine, signal}.text(Field::state, name).text(Field::reason, reason).add();
  }

  void amount(const Signal& signal, std::string_view machine, EventBatch& batch) {
    const Meaning& meaning = this->meaning(signal.address);
    if (meaning.use < SignalUse::good_total || meaning.use > SignalUse::reading) return;
    if (signal.value.kind == Value::Kind::none) return;
    const std::string whose = this->whose(meaning, machine);
    if (meaning.use == SignalUse::reading) return reading(signal, meaning, whose, batch);
    if (meaning.use == SignalUse::kwh_total)
      return NewEvent{batch, EventType::energy, whose, signal}.number(Field::kwh_total, number_of(signal)).add();
    if (!(is_increment(meaning.use) && signal.republished)) count(signal, meaning, whose, batch);
  }
  void reading(const Signal& signal, const Meaning& meaning, const std::string& machine, EventBatch& batch) const {
    NewEvent event{batch, EventType::reading, machine, signal};
    // As it will be when the plant describes the machine that the connector names.
    const bool is_below = meaning.machine.empty() && !meaning.tag_is_told;
    event.text(Field::tag, is_below ? below(signal.address, machine) : meaning.tag);
    const auto name = named_value(signal, meaning);
    if (meaning.values != nullptr && name && *name != text_of(signal))
      event.text(Field::value, *name);
    else if (signal.value.kind == Value::Kind::text)
      event.text(Field::value, signal.value.text);
    else if (signal.value.kind == Value::Kind::boolean)
      event.truth(Field::value, signal.value.number != 0);
    else
      event.number(Field::value, Number{signal.value.number, 0, false});
    if (signal.quality != kAbsent) event.number(Field::quality, Number{0, signal.quality, true});
    event.add();
  }
  void count(const Signal& signal, const Meaning& meaning, const std::string& machine, EventBatch& batch) {
    const bool pulse = signal.value.kind == Value::Kind::boolean;
    if (pulse && signal.value.number == 0 && is_increment(meaning.use)) return;
    const Context& context = context_of(machine);
    NewEvent{batch, EventType::count, machine, signal}
        .number(field_of(meaning.use), number_of(signal))
        .text(Field::product, context.product.at(signal.at))
        .text(Field::order, context.order.at(signal.at))
        .text(Field::id, name_of(meaning.use))
        .add();
  }

  /// Of more machines than there can be nothing is remembered, as a source may make names up; nor of none.
  Context& context_of(std::string_view machine) {
    const auto found = contexts_.find(machine);
    if (found != contexts_.end()) return found->second;
    if (machine.empty() || contexts_.size() >= kMostMachines) return forgotten_ = {};
    return contexts_[std::string{machine}];
  }

  static constexpr std::size_t kMostMachines = 20'000;

  std::string machine_;  // the source's
  Names machines_, reasons_;
  std::vector<Rule> rules_;
  std::unordered_map<std::string, Meaning, Hash, std::equal_to<>> known_;
  Meaning unlisted_;
  std::map<std::string, Context, std::less<>> contexts_;
  Context forgotten_;
};

SignalMapper::SignalMapper(const Plant& plant, const DataSource& source)
    : rules_(std::make_unique<Rules>(plant, source)) {}
SignalMapper::~SignalMapper() = default;
SignalMapper::SignalMapper(SignalMapper&&) noexcept = default;
SignalMapper& SignalMapper::operator=(SignalMapper&&) noexcept = default;

void SignalMapper::map(Signals message, std::string_view machine, EventBatch& batch) {
  rules_->map(message, machine, batch);
}

SignalPlace SignalMapper::place_of(std::string_view address) {
  const Meaning& meaning = rules_->meaning(address);
  return {meaning.machine, meaning.tag};
}

SignalUse SignalMapper::use_of(std::string_view address) { return rules_->meaning(address).use; }

}  // namespace takt
