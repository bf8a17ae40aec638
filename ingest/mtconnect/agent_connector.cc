#include "ingest/mtconnect/agent_connector.h"

#include "client/http_client.h"
#include "ingest/mtconnect/agent_document.h"
#include "ingest/mtconnect/agent_events.h"
#include "ingest/mtconnect/hand_over.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <optional>
#include <thread>

namespace takt::mtconnect {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr unsigned kObservations = 1000;     // of one answer
constexpr milliseconds kPoll{500};           // after an answer without any
constexpr std::chrono::seconds kNoteAge{5};  // of the position that a restart goes on from

/// Where an agent's observations have been read up to. Numbers mean nothing to another instance of it.
struct Position {
  std::uint64_t instance = 0, next = 0;
};

std::optional<Position> parse_position(const std::string& text) {
  Position position;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, position.instance);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, position.next);
  if (second.ec != std::errc{} || second.ptr != end) return std::nullopt;
  return position;
}

class Agent : public Connector {
 public:
  Agent(ConnectorContext context, HttpClientOptions options)
      : context_(std::move(context)), options_(std::move(options)), thread_([this] { run(); }) {}
  ~Agent() override {
    stop_.set();
    thread_.join();
  }

 private:
  void run() {
    if (const auto noted = store().note(note_key())) position_ = parse_position(*noted);
    GrowingPause pause;
    while (!stop_.is_set()) {
      options_.stop = &stop_.flag();
      auto client = HttpClient::open(context_.description.url, options_);
      const Error why = client ? follow(*client, pause) : client.error();
      note_position();
      if (stop_.is_set()) return;
      context_.source->set_state(SourceState::disconnected, why.context);
      // Another instance is there already; whatever else went wrong had better be left alone for a moment.
      if (stop_.wait(why.code == ErrorCode::conflict ? milliseconds{100} : pause.next())) return;
    }
  }

  /// Until something goes wrong. conflict: the agent was started anew.
  Error follow(HttpClient& client, GrowingPause& pause) {
    const auto probe = ask(client, "/probe");
    if (!probe) return probe.error();
    AgentEvents events{*context_.plant, context_.description, probe->items};
    if (!position_ || position_->instance != probe->header.instance) {
      if (const auto begun = begin(client, events); !begun) return begun.error();
    }
    context_.source->set_state(SourceState::connected,
                               fmt::format("{}, {} data items", client.url(), probe->items.size()));
    for (;;) {
      const auto got = sample(client, events);
      if (!got) return got.error();
      pause.restart();
      if (SteadyClock::now() - noted_ > kNoteAge) note_position();
      if (*got == 0 && stop_.wait(kPoll)) return cancelled();
    }
  }

  /// What holds now, and then everything that the agent still has.
  Result<void> begin(HttpClient& client, AgentEvents& events) {
    const auto current = ask(client, "/current");
    if (!current) return current.error();
    if (!take(events, *current, Observed::holds)) return cancelled();
    position_ = Position{current->header.instance, current->header.first};
    return {};
  }

  /// How many observations came.
  Result<std::size_t> sample(HttpClient& client, AgentEvents& events) {
    const auto document =
        ask(client, fmt::format("/sample?from={}&count={}", position_->next, kObservations), Errors::out_of_range);
    if (!document) return document.error();
    if (document->header.instance != position_->instance) {
      position_.reset();
      return Error{ErrorCode::conflict, "the agent was started anew"};
    }
    if (!document->error_code.empty()) return skip_gap(client, events);
    if (!take(events, *document, Observed::happened)) return cancelled();
    const std::uint64_t before = position_->next;
    position_->next = document->header.next;
    if (position_->next < before) return unavailable("the agent counts backwards");
    return static_cast<std::size_t>(position_->next - before);
  }

  /// The agent no longer has what is asked for.
  Result<std::size_t> skip_gap(HttpClient& client, AgentEvents& events) {
    const std::uint64_t wanted = position_->next;
    if (const auto begun = begin(client, events); !begun) return begun.error();
    const std::uint64_t first = position_->next;
    const std::uint64_t lost = first > wanted ? first - wanted : 1;
    context_.source->add_gaps(lost);
    spdlog::warn("source {}: {} observations were lost before they were fetched", context_.description.id, lost);
    return static_cast<std::size_t>(lost);
  }

  enum class Errors : std::uint8_t { none, out_of_range };
  /// `accepted`: which errors of the agent are answers.
  Result<AgentDocument> ask(HttpClient& client, const std::string& target, Errors accepted = Errors::none) {
    const auto reply = client.get(target, {{"Accept", "application/xml, text/xml"}});
    if (!reply) return reply.error();
    auto document = read_agent_document(reply->body);
    if (!document)
      return unavailable(
          fmt::format("{}{} answered {}: {}", client.url(), target, reply->status, document.error().context));
    const bool fine = document->error_code.empty() ||
                      (accepted == Errors::out_of_range && document->error_code == "OUT_OF_RANGE");
    if (!fine)
      return unavailable(fmt::format("{}{}: {} {}", client.url(), target, document->error_code, document->error));
    return document;
  }

  bool take(AgentEvents& events, const AgentDocument& document, Observed observed) {
    return hand_over(
        context_.ingestor, context_.source,
        [&] {
          EventBatch batch = events.events(document.observations, observed);
          for (std::size_t i = 0; i < document.unreadable; ++i)
            batch.rejected.push_back(
                {batch.size(), Rejection::bad_value, "An observation has no readable time.", {}});
          return batch;
        },
        stop_);
  }

  Store& store() { return context_.ingestor.store(); }
  std::string note_key() const { return "mtconnect " + context_.description.id; }
  void note_position() {
    noted_ = SteadyClock::now();
    if (!position_) return;
    const std::string text = fmt::format("{} {}", position_->instance, position_->next);
    if (text == noted_text_) return;
    if (store().set_note(note_key(), text)) noted_text_ = text;  // else what is fetched twice counts once
  }

  ConnectorContext context_;
  HttpClientOptions options_;
  std::optional<Position> position_;
  SteadyClock::time_point noted_{};
  std::string noted_text_;
  StopSign stop_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace

Result<std::unique_ptr<Connector>> start_agent(ConnectorContext context) {
  HttpClientOptions options;
  options.request_timeout = std::chrono::seconds{30};
  options.max_reply_bytes = std::size_t{64} << 20U;
  options.trust.ca = context.description.ca_file;
  if (const auto client = HttpClient::open(context.description.url, options); !client)
    return invalid(client.error().context + "; an agent's url is http://host:5000 or https://host:5000/device");
  if (!context.description.options.empty())
    return invalid("a source of kind mtconnect has no options; its [[signal]] rules say what data items mean");
  return std::unique_ptr<Connector>{std::make_unique<Agent>(std::move(context), options)};
}

}  // namespace takt::mtconnect
