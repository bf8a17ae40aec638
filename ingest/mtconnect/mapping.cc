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

/// What a mapping may hold: texts, lists of texts, tables of texts. All else is none of it.
toml::table toml_of(const boost::json::object& object) {
  const auto text = [](const boost::json::value& v) {
    return std::string{v.get_string().data(), v.get_string().size()};
  };
  toml::table table;
  for (const auto& member : object) {
    const std::string key{member.key().data(), member.key().size()};
    const boost::json::value& value = member.value();
    if (value.is_string()) {
      table.insert(key, text(value));
    } else if (value.is_object()) {
      table.insert(key, toml_of(value.get_object()));
    } else if (value.is_array()) {
      toml::array list;
      for (const auto& each : value.get_array()) each.is_string() ? list.push_back(text(each)) : list.push_back(0);
      table.insert(key, std::move(list));
    } else {
      table.insert(key, 0);  // of no kind that a mapping knows
    }
  }
  return table;
}

}  // namespace

Result<Mapping> mapping_of(const boost::json::object& options, const std::string& machine,
                           std::string_view where) {
  toml::table table = toml_of(options);
  if (table.contains("machine")) return invalid("write the machine beside the source's url, not in its options");
  table.insert("machine", machine);
  return MappingReader{table, where}.read();
}

Result<Mapping> parse_mapping(std::string_view text, std::string_view file_name) {
  try {
    const toml::table table = toml::parse(text, file_name);
    return MappingReader{table, file_name}.read();
  } catch (const toml::parse_error& problem) {
    return invalid(fmt::format("{}:{}: {}", file_name, problem.source().begin.line, problem.description()));
  }
}

void EventStream::add(std::span<Sample> samples, EventBatch& batch, std::vector<Fault>& faults) {
  batch_ = &batch, faults_ = &faults;
  std::stable_sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) { return a.at < b.at; });
  for (auto begin = samples.begin(); begin != samples.end();) {
    const auto end =
        std::find_if(begin, samples.end(), [&](const Sample& sample) { return sample.at != begin->at; });
    add_instant({begin, end});
    begin = end;
  }
  if (!samples.empty()) newest_ = std::max(newest_, samples.back().at);
}

void EventStream::add_instant(std::span<const Sample> samples) {
  const Timestamp at = samples.front().at;
  last_reading_.clear();
  for (const Sample& sample : samples) take_context(sample);
  const bool was_unavailable = is_unavailable(at - Duration{1});
  for (const Sample& sample : samples) {
    if (sample.key == mapping_.availability)
      availability_.set(at, absent(sample.value) ? kUnavailable : sample.value);
  }
  const bool unavailable = is_unavailable(at);
  bool executed = false;
  for (const Sample& sample : samples) executed = add(sample) || executed;
  // Without a new execution value the machine is again where it was before its adapter was lost.
  if (was_unavailable != unavailable && !executed && (unavailable || !execution_.at(at).empty()))
    add_state(samples.front());
  for (const auto& [key, sample] : last_reading_) add_reading(*sample);
  last_reading_.clear();
}

bool EventStream::is_unavailable(Timestamp t) const { return availability_.at(t) == kUnavailable; }

void EventStream::take_context(const Sample& sample) {
  const std::string_view value = absent(sample.value) ? std::string_view{} : sample.value;
  if (sample.key == mapping_.product) product_.set(sample.at, value);
  if (contains(mapping_.attributes, sample.key)) attributes_[std::string{sample.key}].set(sample.at, value);
}

/// True if it was an execution value.
bool EventStream::add(const Sample& sample) {
  if (sample.key == mapping_.execution) {
    execution_.set(sample.at, sample.value);
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

bool EventStream::is_reading(const Sample& sample) const {
  if (absent(sample.value) || contains(mapping_.without, sample.key)) return false;
  if (!mapping_.numeric_readings) return contains(mapping_.readings, sample.key);
  const bool named = sample.key == mapping_.product || sample.key == mapping_.availability ||
                     contains(mapping_.attributes, sample.key);
  return !named && number_in(sample.value);
}

void EventStream::add_state(const Sample& sample) {
  const std::string_view execution = execution_.at(sample.at);
  const auto renamed = mapping_.states.find(execution);
  std::string_view name = renamed != mapping_.states.end() ? std::string_view{renamed->second} : execution;
  if (is_unavailable(sample.at) || absent(execution)) name = "unavailable";
  const auto id = next_id(EventType::state, sample, std::string{name});
  if (!id) return;
  Event state = event(EventType::state, sample);
  state.id = *id;
  state.state = batch_->keep(name);
  state.attributes = attributes_json(sample.at);
  push(state, sample);
}

void EventStream::add_count(const Sample& sample) {
  if (absent(sample.value)) return;
  const std::optional<double> total = number_in(sample.value);
  if (!total || *total < 0 || *total > kLargestCount || *total != std::floor(*total)) {
    faults_->push_back(
        {sample.line, fmt::format("{} = '{}' is no counter value", sample.key, sample.value.substr(0, 40))});
    return;
  }
  const auto id = next_id(EventType::count, sample, fmt::format("{}|{}", sample.key, *total));
  if (!id) return;
  Event count = event(EventType::count, sample);
  count.id = *id;
  (sample.key == mapping_.good_total ? count.good_total : count.scrap_total) = static_cast<std::int64_t>(*total);
  count.product = batch_->keep(product_.at(sample.at));
  push(count, sample);
}

void EventStream::add_reading(const Sample& sample) {
  Event reading = event(EventType::reading, sample);
  const auto renamed = mapping_.tags.find(sample.key);
  reading.tag = batch_->keep(renamed != mapping_.tags.end() ? std::string_view{renamed->second} : sample.key);
  if (const std::optional<double> number = number_in(sample.value)) {
    reading.value = {Value::Kind::number, *number, {}};
  } else {
    reading.value = {Value::Kind::text, 0, batch_->keep(sample.value)};
  }
  push(reading, sample);
}

Event EventStream::event(EventType type, const Sample& sample) {
  Event event;
  event.type = type;
  const bool kept = !batch_->events.empty() && batch_->events.back().machine == mapping_.machine;
  event.machine = kept ? batch_->events.back().machine : batch_->keep(mapping_.machine);
  event.at = sample.at;
  return event;
}

/// Nothing: the adapter says again what it said last.
std::optional<std::string_view> EventStream::next_id(EventType type, const Sample& sample, std::string content) {
  Told& told = instants_[sample.at][type == EventType::state ? 0 : 1];
  if (told.events > 0 && sample.at <= repeated_until_ && told.last == content) return std::nullopt;
  told.last = std::move(content);
  const unsigned before = told.events++;
  if (instants_.size() > kMostInstants) instants_.erase(instants_.begin());
  return before == 0 ? std::string_view{} : batch_->keep(fmt::format("{:04}", before));
}

std::string_view EventStream::attributes_json(Timestamp t) {
  std::string json = "{";
  for (const auto& [key, steps] : attributes_) {  // a map: sorted, as canonical JSON is
    const std::string_view value = steps.at(t);
    if (value.empty()) continue;
    if (json.size() > 1) json += ',';
    append_json_string(json, key);
    json += ':';
    append_json_string(json, value);
  }
  return json.size() == 1 ? std::string_view{} : batch_->keep(json + '}');
}

void EventStream::push(const Event& event, const Sample& sample) {
  batch_->indexes.push_back(sample.line);
  batch_->events.push_back(event);
}

void append_events(Log& log, const Mapping& mapping, EventBatch& batch) {
  EventStream{mapping}.add(log.samples, batch, log.faults);
}

}  // namespace takt::mtconnect
