#include "ingest/mtconnect/agent_document.h"

#include "ingest/xml_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace takt::mtconnect {
namespace {

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

std::string upper_case(std::string_view text) {
  std::string out{text};
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

class DocumentReader : public XmlHandler {
 public:
  AgentDocument document;
  bool is_mtconnect = false;

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    ++depth_;
    if (depth_ == 1) is_mtconnect = name.starts_with("MTConnect");
    if (observed_at_ != 0) several_ = true;  // an element inside a value: a set or a table
    if (observed_at_ != 0 || error_at_ != 0) return;
    if (name == "Header" && depth_ == 2) take_header(attributes);
    if (name == "Device" || name == "Agent") take_device(name, attributes);
    if (name == "DataItem") take_item(attributes);
    if (!attributes["errorCode"].empty()) {
      document.error_code = attributes["errorCode"];
      error_at_ = depth_;
    }
    if (name == "Condition") conditions_at_ = depth_;
    if (!attributes["dataItemId"].empty() && !attributes["sequence"].empty()) begin_observation(name, attributes);
  }

  void end(std::string_view) override {
    if (depth_ == observed_at_) end_observation();
    if (depth_ == error_at_) error_at_ = 0;
    if (depth_ == conditions_at_) conditions_at_ = 0;
    --depth_;
  }

  void text(std::string_view text) override {
    if (observed_at_ != 0 && depth_ == observed_at_) text_ += text;
    if (error_at_ != 0) document.error += text;
  }

 private:
  void take_header(const XmlAttributes& attributes) {
    document.header = {number_in(attributes["instanceId"]), number_in(attributes["firstSequence"]),
                       number_in(attributes["lastSequence"]), number_in(attributes["nextSequence"])};
  }
  void take_device(std::string_view kind, const XmlAttributes& attributes) {
    device_.clear();
    if (kind == "Agent") return;
    for (const char* key : {"name", "uuid", "id"}) {
      if (device_.empty()) device_ = attributes[key];
    }
  }
  void take_item(const XmlAttributes& attributes) {
    document.items.push_back({std::string{attributes["id"]}, std::string{attributes["name"]}, device_,
                              upper_case(attributes["type"]), upper_case(attributes["subType"]),
                              attributes["category"] == "CONDITION"});
  }
  void begin_observation(std::string_view name, const XmlAttributes& attributes) {
    observed_at_ = depth_;
    text_.clear();
    several_ = !attributes["sampleCount"].empty() || !attributes["count"].empty();
    const auto at = parse_time(attributes["timestamp"]);
    has_time_ = at.has_value();
    observation_ = {std::string{attributes["dataItemId"]}, at ? *at : kBeginOfTime,
                    number_in(attributes["sequence"]), conditions_at_ != 0 ? upper_case(name) : std::string{}};
  }
  void end_observation() {
    observed_at_ = 0;
    if (!has_time_) return ++document.unreadable, void();
    if (several_) return;
    if (conditions_at_ == 0) observation_.value = trim(text_);
    document.observations.push_back(std::move(observation_));
  }

  int depth_ = 0, observed_at_ = 0, error_at_ = 0, conditions_at_ = 0;
  bool several_ = false, has_time_ = false;
  std::string device_, text_;
  Observation observation_;
};

}  // namespace

Result<AgentDocument> read_agent_document(std::string_view xml) {
  DocumentReader reader;
  if (const auto read = read_xml(xml, reader); !read) return read.error();
  if (!reader.is_mtconnect) return invalid("this is XML, but no document of MTConnect");
  std::stable_sort(reader.document.observations.begin(), reader.document.observations.end(),
                   [](const Observation& a, const Observation& b) { return a.sequence < b.sequence; });
  reader.document.error = trim(reader.document.error);
  return std::move(reader.document);
}

}  // namespace takt::mtconnect
