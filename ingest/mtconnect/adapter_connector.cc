#include "ingest/mtconnect/adapter_connector.h"

#include "ingest/mtconnect/adapter_events.h"
#include "ingest/mtconnect/adapter_link.h"
#include "ingest/mtconnect/adapter_options.h"
#include "ingest/mtconnect/hand_over.h"
#include "ingest/mtconnect/shdr_stream.h"

#include <thread>

namespace takt::mtconnect {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kPatience{10'000};  // for a connection
constexpr milliseconds kQuiet{50};         // a pause after which an instant is complete
constexpr milliseconds kLongestHold{500};  // of an adapter that never pauses

class Adapter : public Connector {
 public:
  Adapter(ConnectorContext context, AdapterOptions options)
      : context_(std::move(context)),
        options_(options),
        events_(*context_.plant, context_.description, std::move(options.mapping), std::move(options.keys)),
        thread_([this] { run(); }) {}
  ~Adapter() override {
    stop_.set();
    thread_.join();
  }

 private:
  void run() {
    GrowingPause pause;
    while (!stop_.is_set()) {
      auto link = AdapterLink::connect(options_.host, options_.port, kPatience, stop_);
      if (stop_.is_set()) return;
      std::string why = link ? std::string{} : link.error().context;
      if (link) {
        context_.source->set_state(SourceState::connected, options_.host + ":" + options_.port);
        events_.reconnected(context_.clock.now());
        why = talk(*link, pause);
        events_.lost(context_.clock.now());
      }
      context_.source->set_state(SourceState::disconnected, why);
      if (stop_.is_set() || !hand_over_all(AdapterEvents::Hold::nothing) || stop_.wait(pause.next())) return;
    }
  }

  /// Until the connection ends; returns why.
  std::string talk(AdapterLink& link, GrowingPause& pause) {
    ShdrStream stream{options_.stamps};
    auto heard = SteadyClock::now(), pinged = heard, flushed = heard;
    if (const auto sent = link.write("* PING\n"); !sent) return sent.error().context;
    std::string records;
    std::uint64_t skipped = 0;
    while (!stop_.is_set()) {
      const auto bytes = link.read(kQuiet);
      if (!bytes) {
        hand_over_all(AdapterEvents::Hold::nothing);
        return bytes.error().context;
      }
      const auto now = SteadyClock::now();
      if (!bytes->empty()) heard = now, pause.restart();
      stream.feed(*bytes, context_.clock.now(), records);
      events_.take(records);
      events_.too_long(stream.skipped() - skipped);
      skipped = stream.skipped();
      records.clear();
      if (bytes->empty() || events_.is_full() || now - flushed > kLongestHold) {
        if (!hand_over_all(bytes->empty() ? AdapterEvents::Hold::nothing : AdapterEvents::Hold::newest_instant))
          break;
        flushed = SteadyClock::now();
        // While the store was busy nobody listened: that is not the adapter's silence.
        heard = std::max(heard, bytes->empty() ? heard : flushed);
      }
      if (stream.heartbeat() && now - heard > 2 * *stream.heartbeat()) {
        return "it was silent for twice its heartbeat";
      }
      if (stream.heartbeat() && now - pinged >= *stream.heartbeat()) {
        pinged = now;
        if (const auto sent = link.write("* PING\n"); !sent) return sent.error().context;
      }
    }
    return "stopped";
  }

  bool hand_over_all(AdapterEvents::Hold hold) {
    if (events_.is_empty()) return true;
    const bool in = hand_over(
        context_.ingestor, context_.source, [&] { return events_.events(hold); }, stop_);
    if (in) events_.taken();
    return in;
  }

  ConnectorContext context_;
  AdapterOptions options_;
  AdapterEvents events_;
  StopSign stop_;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace

Result<std::unique_ptr<Connector>> start_adapter(ConnectorContext context) {
  auto options = read_adapter_options(context.description);
  if (!options) return options.error();
  return std::unique_ptr<Connector>{std::make_unique<Adapter>(std::move(context), std::move(*options))};
}

}  // namespace takt::mtconnect
