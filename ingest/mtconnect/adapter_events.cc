#include "ingest/mtconnect/adapter_events.h"

#include "ingest/mtconnect/observed_value.h"

#include <algorithm>

namespace takt::mtconnect {
namespace {

constexpr std::size_t kMostStates = 1000;  // keys an adapter may make up
constexpr std::size_t kMostFaults = 1000;

/// `device:key` is the key of a device.
std::string address_of(std::string_view key) {
  std::string address{key};
  if (const auto colon = address.find(':'); colon != std::string::npos) address[colon] = '/';
  return address;
}

void reject(const std::vector<Fault>& faults, std::uint64_t too_long, EventBatch& batch) {
  for (; too_long > 0; --too_long)
    batch.rejected.push_back({batch.size(), Rejection::too_large, "A line is longer than 1 MiB.", {}});
  for (const Fault& fault : faults)
    batch.rejected.push_back({batch.size(), Rejection::bad_value, fault.message, {}});
}

}  // namespace

AdapterEvents::AdapterEvents(const Plant& plant, const DataSource& source, std::optional<Mapping> mapping,
                             ShdrKeys keys)
    : keys_(std::move(keys)), mapper_(plant, source) {
  if (!mapping) return;
  execution_ = mapping->execution;
  stream_.emplace(std::move(*mapping));
}

void AdapterEvents::take(std::string_view records) {
  Log log = read_shdr(records, keys_);
  for (const Sample& sample : log.samples) add(sample);
  for (const auto& [key, value] : said_again_) add_own(*again_, key, value);
  said_again_.clear();
  const std::size_t room = kMostFaults - std::min(kMostFaults, faults_.size());
  log.faults.resize(std::min(log.faults.size(), room));
  std::move(log.faults.begin(), log.faults.end(), std::back_inserter(faults_));
}

void AdapterEvents::add(const Sample& sample) {
  const bool said_again = again_ && sample.at <= *lost_;
  if (is_state(sample.key)) {
    if (states_.size() < kMostStates) states_.emplace(sample.key);
    if (said_again) said_again_.insert_or_assign(std::string{sample.key}, std::string{sample.value});
  }
  newest_ = std::max(newest_, sample.at);
  add_own(sample.at, sample.key, sample.value);
}

void AdapterEvents::add_own(Timestamp at, std::string_view key, std::string_view value) {
  const Text& text = texts_.emplace_back(Text{std::string{key}, std::string{value}});
  samples_.push_back({at, text.key, text.value, 0});
}

bool AdapterEvents::is_state(std::string_view key) {
  return stream_ ? key == execution_ : mapper_.use_of(address_of(key)) == SignalUse::state;
}

void AdapterEvents::lost(Timestamp now) {
  if (lost_ && !again_) return;
  lost_ = std::max(now, newest_ + Duration{1}), again_.reset();
  newest_ = *lost_;
  for (const std::string& key : states_) add_own(*lost_, key, "UNAVAILABLE");
}

void AdapterEvents::reconnected(Timestamp now) {
  if (!lost_) return;
  again_ = std::max(now, *lost_ + Duration{1});
  if (stream_) stream_->reconnected();
}

/// Those that can be made events, to the front.
std::size_t AdapterEvents::ready(Hold hold) {
  if (hold == Hold::nothing || samples_.empty()) return samples_.size();
  const Timestamp newest = samples_.back().at;
  const auto first =
      std::find_if(samples_.begin(), samples_.end(), [&](const Sample& s) { return s.at == newest; });
  // One instant that is more than can be held is as good as complete.
  return first == samples_.begin() ? samples_.size() : static_cast<std::size_t>(first - samples_.begin());
}

EventBatch AdapterEvents::events(Hold hold) {
  if (events_of_ == 0) events_of_ = ready(hold);
  const std::span<const Sample> samples{samples_.data(), events_of_};
  return stream_ ? by_mapping(samples) : by_rules(samples);
}

EventBatch AdapterEvents::by_mapping(std::span<const Sample> samples) {
  EventBatch batch;
  std::vector<Sample> sorted{samples.begin(), samples.end()};
  std::vector<Fault> faults = faults_;
  stream_after_ = stream_;  // an attempt that fails leaves no trace
  stream_after_->add(sorted, batch, faults);
  reject(faults, too_long_, batch);
  return batch;
}

EventBatch AdapterEvents::by_rules(std::span<const Sample> samples) {
  EventBatch batch;
  std::vector<Sample> sorted{samples.begin(), samples.end()};
  std::stable_sort(sorted.begin(), sorted.end(), [](const Sample& a, const Sample& b) { return a.at < b.at; });
  std::deque<std::string> addresses;
  std::vector<Signal> message;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const std::string& address = addresses.emplace_back(address_of(sorted[i].key));
    Signal& signal = message.emplace_back();
    signal.address = address, signal.at = sorted[i].at;
    set_value(signal, sorted[i].value, mapper_.use_of(address) >= SignalUse::good_total);
    if (i + 1 < sorted.size() && sorted[i + 1].at == signal.at) continue;
    mapper_.map(message, {}, batch);
    message.clear();
  }
  reject(faults_, too_long_, batch);
  return batch;
}

void AdapterEvents::taken() {
  if (stream_after_) stream_ = std::exchange(stream_after_, std::nullopt);
  samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(events_of_));
  texts_.erase(texts_.begin(), texts_.begin() + static_cast<std::ptrdiff_t>(events_of_));
  events_of_ = 0;
  faults_.clear();
  too_long_ = 0;
}

}  // namespace takt::mtconnect
