#include "client/frame_writer.h"

#include <algorithm>
#include <cmath>

namespace takt::client {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using Text = Offset<flatbuffers::String>;

constexpr std::size_t kTagsAtOnce = 10'000;  // far below the longest message

Text text(FlatBufferBuilder& builder, std::string_view value) {
  return value.empty() ? Text{} : builder.CreateString(value.data(), value.size());
}

flatbuffers::Optional<std::int64_t> given(std::int64_t value) {
  return value == kAbsent ? flatbuffers::nullopt : flatbuffers::Optional<std::int64_t>{value};
}
flatbuffers::Optional<std::int64_t> given(Timestamp time) {
  return time == kBeginOfTime ? flatbuffers::nullopt : flatbuffers::Optional<std::int64_t>{micros(time)};
}

Offset<wire::Event> event_of(FlatBufferBuilder& b, const Event& e) {
  const bool number = e.value.kind == Value::Kind::number;
  const auto value = number ? flatbuffers::Optional<double>{e.value.number} : flatbuffers::nullopt;
  const auto kwh = std::isnan(e.kwh_total) ? flatbuffers::nullopt : flatbuffers::Optional<double>{e.kwh_total};
  const auto revision = e.revision == 0 ? flatbuffers::nullopt : flatbuffers::Optional<std::int64_t>{e.revision};
  const Text machine = b.CreateString(e.machine.data(), e.machine.size());
  const Text id = text(b, e.id);
  const Text state = text(b, e.state);
  const Text reason = text(b, e.reason);
  const Text product = text(b, e.product);
  const Text order = text(b, e.order);
  const Text defect = text(b, e.defect);
  const Text characteristic = text(b, e.characteristic);
  const Text serial = text(b, e.serial);
  const Text subgroup = text(b, e.subgroup);
  const Text result = text(b, e.result);
  const Text by = text(b, e.by);
  const Text attributes = text(b, e.attributes);
  return wire::CreateEvent(b, static_cast<std::uint8_t>(e.type), machine, micros(e.at), given(e.end), id, revision,
                           e.deleted, state, reason, given(e.good), given(e.scrap), given(e.rework),
                           given(e.good_total), given(e.scrap_total), given(e.rework_total), product, order,
                           defect, e.startup, characteristic, value, serial, subgroup, result, given(e.quantity),
                           static_cast<std::uint8_t>(e.action), given(e.planned_start), given(e.planned_end), by,
                           given(e.recorded_at), kwh, attributes);
}

/// The readings of a batch as columns in the making.
struct Columns {
  std::vector<std::uint32_t> of;
  std::vector<std::int64_t> at;
  std::vector<double> number;
  std::vector<std::int32_t> quality;
  std::vector<std::uint8_t> boolean;
  std::vector<Offset<wire::ReadingExtra>> extras;
  bool any_quality = false, any_boolean = false;

  void add(FlatBufferBuilder& b, const Event& e, std::uint32_t tag) {
    const bool has_extra = e.value.kind == Value::Kind::text || !e.id.empty() || e.revision != 0 || e.deleted ||
                           !e.attributes.empty() || e.value.kind == Value::Kind::none;
    if (has_extra) {
      const Text value =
          e.value.kind == Value::Kind::text ? b.CreateString(e.value.text.data(), e.value.text.size()) : Text{};
      const Text id = text(b, e.id);
      const Text attributes = text(b, e.attributes);
      extras.push_back(wire::CreateReadingExtra(b, static_cast<std::uint32_t>(at.size()), value, id, e.revision,
                                                e.deleted, attributes));
    }
    of.push_back(tag);
    at.push_back(micros(e.at));
    number.push_back(e.value.number);
    quality.push_back(e.value_quality == kAbsent ? -1 : static_cast<std::int32_t>(e.value_quality));
    boolean.push_back(e.value.kind == Value::Kind::boolean ? 1 : 0);
    any_quality = any_quality || e.value_quality != kAbsent;
    any_boolean = any_boolean || e.value.kind == Value::Kind::boolean;
  }
  Offset<wire::Readings> finish(FlatBufferBuilder& b,
                                Offset<flatbuffers::Vector<Offset<wire::Series>>> series = {}) const {
    if (at.empty()) return {};
    const auto tags = b.CreateVector(of);
    const auto times = b.CreateVector(at);
    const auto numbers = b.CreateVector(number);
    const auto qualities = any_quality ? b.CreateVector(quality) : Offset<flatbuffers::Vector<std::int32_t>>{};
    const auto booleans = any_boolean ? b.CreateVector(boolean) : Offset<flatbuffers::Vector<std::uint8_t>>{};
    const auto rare =
        extras.empty() ? Offset<flatbuffers::Vector<Offset<wire::ReadingExtra>>>{} : b.CreateVector(extras);
    return wire::CreateReadings(b, series, tags, times, numbers, qualities, booleans, rare);
  }
};

/// Of a message, at most: names and numbers of an event beside its texts.
constexpr std::size_t kEventBytes = 512;
/// Leaves room for one more event of any size: 1 MiB of JSON has no more text than that.
constexpr std::size_t kFrameBytes = kMostMessageBytes / 2;

std::size_t bytes_of(const Event& e) {
  return kEventBytes + e.machine.size() + e.id.size() + e.state.size() + e.reason.size() + e.product.size() +
         e.order.size() + e.defect.size() + e.characteristic.size() + e.serial.size() + e.subgroup.size() +
         e.result.size() + e.by.size() + e.attributes.size() + e.value.text.size();
}
std::size_t bytes_of(const RejectedEvent& rejected) {
  return kEventBytes + rejected.message.size() + rejected.raw.size();
}

/// The end of what goes into one frame from `first` on; at least one of them.
template <class Rows>
std::size_t end_of_frame(const Rows& rows, std::size_t first, std::size_t most) {
  std::size_t last = first;
  for (std::size_t bytes = 0; last < rows.size() && last - first < most && bytes < kFrameBytes; ++last)
    bytes += bytes_of(rows[last]);
  return last;
}

Offset<wire::Batch> batch_of(FlatBufferBuilder& b, const EventBatch& batch, const FrameRows& rows,
                             TagNumbers& tags, bool own_series) {
  Columns columns;
  std::vector<Offset<wire::Event>> events;
  for (std::size_t i = rows.first; i < rows.last; ++i) {
    const Event& event = batch.events[i];
    if (event.type == EventType::reading)
      columns.add(b, event, tags.number(event.machine, event.tag));
    else
      events.push_back(event_of(b, event));
  }
  std::vector<Offset<wire::Refused>> refused;
  for (std::size_t i = rows.first_refused; i < rows.last_refused; ++i) {
    const RejectedEvent& rejected = batch.rejected[i];
    const Text code = text(b, name_of(rejected.code));
    const Text message = text(b, rejected.message);
    refused.push_back(wire::CreateRefused(b, code, message, text(b, rejected.raw)));
  }
  const auto readings = columns.finish(b, own_series ? tags.series(b) : 0);
  const auto list = events.empty() ? 0 : b.CreateVector(events);
  const auto bad = refused.empty() ? 0 : b.CreateVector(refused);
  return wire::CreateBatch(b, readings, list, bad);
}

}  // namespace

std::uint32_t TagNumbers::number(std::string_view machine, std::string_view tag) {
  const auto known = numbers_.find(std::pair{machine, tag});
  if (known != numbers_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(tags_.size());
  tags_.emplace_back(machine, tag);
  numbers_.emplace(tags_.back(), number);
  return number;
}

Offset<flatbuffers::Vector<Offset<wire::Series>>> TagNumbers::series(FlatBufferBuilder& builder, std::size_t first,
                                                                     std::size_t last) const {
  std::vector<Offset<wire::Series>> list;
  for (std::size_t i = first; i < std::min(last, tags_.size()); ++i) {
    const Text machine = builder.CreateString(tags_[i].first);
    const Text tag = builder.CreateString(tags_[i].second);
    list.push_back(wire::CreateSeries(builder, machine, tag));
  }
  return builder.CreateVector(list);
}

std::string TagNumbers::definitions(std::size_t first) const {
  std::string messages;
  for (; first < tags_.size(); first += kTagsAtOnce) {
    FlatBufferBuilder builder;
    const auto list = series(builder, first, first + kTagsAtOnce);
    const auto define = wire::CreateDefine(builder, static_cast<std::uint32_t>(first), list);
    builder.Finish(wire::CreateMessage(builder, wire::Content::Define, define.Union()));
    append_message(messages, builder);
  }
  return messages;
}

void TagNumbers::learn(const wire::Define& define) {
  if (define.series() == nullptr || define.first() > tags_.size()) return;
  for (std::uint32_t i = 0; i < define.series()->size(); ++i) {
    const wire::Series* series = define.series()->Get(i);
    if (define.first() + i < tags_.size() || series->machine() == nullptr || series->tag() == nullptr) continue;
    tags_.emplace_back(series->machine()->str(), series->tag()->str());
    numbers_.emplace(tags_.back(), define.first() + i);
  }
}

std::string_view FrameWriter::frame(std::uint64_t sequence, const ReadingColumns& readings) {
  builder_.Clear();
  const auto of = builder_.CreateVector(readings.of.data(), readings.of.size());
  const auto at = builder_.CreateVector(readings.at.data(), readings.at.size());
  const auto number = builder_.CreateVector(readings.number.data(), readings.number.size());
  const auto quality = readings.quality.empty()
                           ? Offset<flatbuffers::Vector<std::int32_t>>{}
                           : builder_.CreateVector(readings.quality.data(), readings.quality.size());
  const auto columns = wire::CreateReadings(builder_, 0, of, at, number, quality);
  return finish(sequence, wire::CreateBatch(builder_, columns));
}

std::vector<FrameRows> frames_of(const EventBatch& batch, std::size_t most) {
  std::vector<FrameRows> frames;
  for (std::size_t first = 0; first < batch.events.size();) {
    const std::size_t last = end_of_frame(batch.events, first, most);
    frames.push_back({first, last, 0, 0});
    first = last;
  }
  for (std::size_t first = 0; first < batch.rejected.size();) {
    const std::size_t last = end_of_frame(batch.rejected, first, most);
    frames.push_back({0, 0, first, last});
    first = last;
  }
  return frames;
}

std::string_view FrameWriter::frame(std::uint64_t sequence, const EventBatch& batch, const FrameRows& rows,
                                    TagNumbers& tags) {
  builder_.Clear();
  return finish(sequence, batch_of(builder_, batch, rows, tags, false));
}

std::string_view FrameWriter::finish(std::uint64_t sequence, Offset<wire::Batch> batch) {
  const auto frame = wire::CreateFrame(builder_, sequence, batch);
  builder_.Finish(wire::CreateMessage(builder_, wire::Content::Frame, frame.Union()));
  bytes_.clear();
  append_message(bytes_, builder_);
  return bytes_;
}

std::string encode_batch(const EventBatch& batch) {
  FlatBufferBuilder builder;
  TagNumbers tags;
  builder.Finish(batch_of(builder, batch, {0, batch.events.size(), 0, batch.rejected.size()}, tags, true));
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

}  // namespace takt::client
