#include "ingest/mtconnect/mapping.h"

#include "schema/event_json.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace takt::mtconnect {
namespace {

constexpr std::string_view kUnavailable = "UNAVAILABLE";
constexpr double kLargestCount = 9.0e15;  // whole in a double

bool absent(std::string_view value) { return value.empty() || value == kUnavailable; }

bool contains(const std::vector<std::string>& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// Reads the keys of the mapping file, remembering the first problem.
class MappingReader {
 public:
  MappingReader(const toml::table& table, std::string_view file) : table_(table), file_(file) {}

  Result<Mapping> read() {
    Mapping m;
    text("machine", m.machine);
    text("execution", m.execution);
    text("availability", m.availability);
    text("good_total", m.good_total);
    text("scrap_total", m.scrap_total);
    text("product", m.product);
    list("attributes", m.attributes);
    read_readings(m);
    list("without", m.without);
    list("conditions", m.keys.conditions);
    list("messages", m.keys.messages);
    names("tags", m.tags);
    names("states", m.states);
    if (m.machine.empty()) complain("machine", "is missing; name the machine all events belong to");
    for (const auto& [key, value] : table_) {
      if (!known_.contains(std::string_view{key}))
        complain(key.str(), "is unknown; see the import page for the keys there are");
    }
    if (!problem_.empty()) return invalid(problem_);
    return m;
  }

 private:
  void read_readings(Mapping& m) {
    known_.insert("readings");
    const toml::node* node = table_.get("readings");
    if (node == nullptr) return;
    m.numeric_readings = node->value<std::string>() == "numeric";
    if (m.numeric_readings) return;
    if (!node->is_array()) return complain("readings", "must be \"numeric\" or a list of keys");
    list("readings", m.readings);
  }

  void text(std::string_view key, std::string& out) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return;
    if (!node->is_string()) return complain(key, "must be a string");
    out = **node->as_string();
  }

  void list(std::string_view key, std::vector<std::string>& out) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return;
    if (!node->is_array()) return complain(key, "must be a list of strings");
    for (const toml::node& element : *node->as_array()) {
      if (!element.is_string()) return complain(key, "must be a list of strings");
      out.push_back(**element.as_string());
    }
  }

  void names(std::string_view key, std::map<std::string, std::string, std::less<>>& out) {
    known_.insert(key);
    const toml::node* node = table_.get(key);
    if (node == nullptr) return;
    if (!node->is_table()) return complain(key, "must be a table of strings");
    for (const auto& [from, to] : *node->as_table()) {
      if (!to.is_string()) return complain(key, "must be a table of strings");
      out.emplace(from.str(), **to.as_string());
    }
  }

  void complain(std::string_view key, std::string_view what) {
    if (problem_.empty()) problem_ = fmt::format("{}: '{}' {}", file_, key, what);
  }

  const toml::table& table_;
  std::string_view file_;
  std::set<std::string_view, std::less<>> known_;
  std::string problem_;
};

/// Turns samples into events, instant by instant.
class EventMaker {
 public:
  EventMaker(const Mapping& mapping, EventBatch& batch, std::vector<Fault>& faults)
      : mapping_(mapping), batch_(batch), faults_(faults) {}

  void add_instant(std::span<const Sample> samples) {
    states_now_ = counts_now_ = 0;
    last_reading_.clear();
    for (const Sample& sample : samples) take_context(sample);
    const bool was_unavailable = unavailable_;
    for (const Sample& sample : samples) {
      if (sample.key == mapping_.availability) unavailable_ = absent(sample.value);
    }
    bool executed = false;
    for (const Sample& sample : samples) executed = add(sample) || executed;
    // Without a new execution value the machine is again where it was before its adapter was lost.
    if (was_unavailable != unavailable_ && !executed && (unavailable_ || !execution_.empty()))
      add_state(samples.front());
    for (const auto& [key, sample] : last_reading_) add_reading(*sample);
  }

 private:
  void take_context(const Sample& sample) {
    if (sample.key == mapping_.product) product_ = absent(sample.value) ? std::string_view{} : sample.value;
    if (contains(mapping_.attributes, sample.key)) {
      absent(sample.value) ? void(attributes_.erase(sample.key)) : void(attributes_[sample.key] = sample.value);
    }
  }

  /// True if it was an execution value.
  bool add(const Sample& sample) {
    if (sample.key == mapping_.execution) {
      execution_ = sample.value;
      add_state(sample);
      return true;
    }
    if (sample.key == mapping_.good_total || sample.key == mapping_.scrap_total) {
      add_count(sample);
    } else if (is_reading(sample)) {
      last_reading_[sample.key] = &sample;
    }
    return false;
  }

  bool is_reading(const Sample& sample) const {
    if (absent(sample.value) || contains(mapping_.without, sample.key)) return false;
    if (!mapping_.numeric_readings) return contains(mapping_.readings, sample.key);
    const bool named = sample.key == mapping_.product || sample.key == mapping_.availability ||
                       contains(mapping_.attributes, sample.key);
    return !named && number_in(sample.value);
  }

  void add_state(const Sample& sample) {
    Event state = event(EventType::state, sample, states_now_);
    const auto renamed = mapping_.states.find(execution_);
    state.state = renamed != mapping_.states.end() ? batch_.keep(renamed->second) : batch_.keep(execution_);
    if (unavailable_ || absent(execution_)) state.state = "unavailable";
    state.attributes = attributes_json();
    push(state, sample);
  }

  void add_count(const Sample& sample) {
    if (absent(sample.value)) return;
    const std::optional<double> total = number_in(sample.value);
    if (!total || *total < 0 || *total > kLargestCount || *total != std::floor(*total)) {
      faults_.push_back(
          {sample.line, fmt::format("{} = '{}' is no counter value", sample.key, sample.value.substr(0, 40))});
      return;
    }
    Event count = event(EventType::count, sample, counts_now_);
    (sample.key == mapping_.good_total ? count.good_total : count.scrap_total) = static_cast<std::int64_t>(*total);
    count.product = batch_.keep(product_);
    push(count, sample);
  }

  void add_reading(const Sample& sample) {
    unsigned none = 0;
    Event reading = event(EventType::reading, sample, none);
    const auto renamed = mapping_.tags.find(sample.key);
    reading.tag = batch_.keep(renamed != mapping_.tags.end() ? std::string_view{renamed->second} : sample.key);
    if (const std::optional<double> number = number_in(sample.value)) {
      reading.value = {Value::Kind::number, *number, {}};
    } else {
      reading.value = {Value::Kind::text, 0, batch_.keep(sample.value)};
    }
    push(reading, sample);
  }

  Event event(EventType type, const Sample& sample, unsigned& of_this_instant) {
    if (machine_.empty()) machine_ = batch_.keep(mapping_.machine);
    Event event;
    event.type = type;
    event.machine = machine_;
    event.at = sample.at;
    if (of_this_instant > 0) event.id = batch_.keep(fmt::format("{:04}", of_this_instant));
    ++of_this_instant;
    return event;
  }

  std::string_view attributes_json() {
    if (attributes_.empty()) return {};
    std::string json = "{";
    for (const auto& [key, value] : attributes_) {  // a map: sorted, as canonical JSON is
      if (json.size() > 1) json += ',';
      append_json_string(json, key);
      json += ':';
      append_json_string(json, value);
    }
    return batch_.keep(json + '}');
  }

  void push(const Event& event, const Sample& sample) {
    batch_.indexes.push_back(sample.line);
    batch_.events.push_back(event);
  }

  const Mapping& mapping_;
  EventBatch& batch_;
  std::vector<Fault>& faults_;
  std::string_view machine_, product_, execution_;
  std::map<std::string_view, std::string_view> attributes_;
  std::map<std::string_view, const Sample*> last_reading_;
  unsigned states_now_ = 0, counts_now_ = 0;
  bool unavailable_ = false;
};

}  // namespace

Result<Mapping> parse_mapping(std::string_view text, std::string_view file_name) {
  try {
    const toml::table table = toml::parse(text, file_name);
    return MappingReader{table, file_name}.read();
  } catch (const toml::parse_error& problem) {
    return invalid(fmt::format("{}:{}: {}", file_name, problem.source().begin.line, problem.description()));
  }
}

void append_events(Log& log, const Mapping& mapping, EventBatch& batch) {
  std::stable_sort(log.samples.begin(), log.samples.end(),
                   [](const Sample& a, const Sample& b) { return a.at < b.at; });
  EventMaker maker{mapping, batch, log.faults};
  for (auto begin = log.samples.begin(); begin != log.samples.end();) {
    const auto end =
        std::find_if(begin, log.samples.end(), [&](const Sample& sample) { return sample.at != begin->at; });
    maker.add_instant({begin, end});
    begin = end;
  }
}

}  // namespace takt::mtconnect
