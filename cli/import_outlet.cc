#include "cli/import_outlet.h"

#include "client/event_sender.h"
#include "client/producer.h"
#include "ingest/decode.h"

#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <utility>

namespace takt {
namespace {

class HttpOutlet : public ImportOutlet {
 public:
  explicit HttpOutlet(HttpClient client) : sender_(std::move(client), {}) {}

  Result<ImportReceipt> send(const ImportBody& body, std::string_view content_type) override {
    const Result<SendReceipt> sent = sender_.send(body.text, content_type);
    if (!sent) return sent.error();
    ImportReceipt receipt{body.lines.size(), sent->accepted, sent->duplicate, sent->rejected, {}};
    for (const Refusal& refusal : sent->refusals) {
      const std::size_t line = refusal.index < body.lines.size() ? body.lines[refusal.index] : 0;
      receipt.refusals.push_back({line, refusal.code + ": " + refusal.message});
    }
    return receipt;
  }
  Result<ImportReceipt> finish() override { return ImportReceipt{}; }

 private:
  EventSender sender_;
};

/// A folder of a producer whose spool need not outlive it: the file is still there to be read again.
class PassingFolder {
 public:
  static Result<PassingFolder> make() {
    std::error_code failed;
    std::string name = (std::filesystem::temp_directory_path(failed) / "takt-import-XXXXXX").string();
    if (failed || ::mkdtemp(name.data()) == nullptr)
      return io_error("no folder can be made for what is on its way: " + name + "; set TMPDIR");
    PassingFolder folder;
    folder.path_ = name;
    return folder;
  }
  ~PassingFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  PassingFolder(PassingFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  PassingFolder& operator=(PassingFolder&&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  PassingFolder() = default;
  std::filesystem::path path_;
};

class ProducerOutlet : public ImportOutlet {
 public:
  static Result<std::unique_ptr<ImportOutlet>> open(const ServerAccess& server) {
    auto folder = PassingFolder::make();
    if (!folder) return folder.error();
    client::ProducerOptions options;
    options.server = server.url;
    options.trust = server.trust;
    auto token = token_of(server);
    if (!token) return token.error();
    options.token = std::move(*token);
    options.name = "import";
    options.frame_events = kFrameEvents;
    options.spool.folder = folder->path();
    auto producer = client::Producer::open(std::move(options));
    if (!producer) return producer.error();
    return std::unique_ptr<ImportOutlet>{new ProducerOutlet{std::move(*folder), std::move(*producer)}};
  }

  Result<ImportReceipt> send(const ImportBody& body, std::string_view content_type) override {
    Decoder decoder{content_type == "text/csv" ? BodyFormat::csv : BodyFormat::ndjson, body.text};
    for (;;) {
      EventBatch batch;
      const auto more = decoder.next(batch);
      if (!more) return more.error();
      if (!*more) break;
      const std::uint64_t before = producer_->report().spooled_sequence;
      if (const auto spooled = producer_->send(batch); !spooled) return spooled.error();
      note_frames(batch, body.lines, before);
    }
    if (!on_their_way_.empty()) on_their_way_.back().events += body.lines.size();
    const std::uint64_t last = producer_->report().spooled_sequence;
    return last > kFramesOnTheirWay ? wait_for(last - kFramesOnTheirWay) : receipt();
  }
  Result<ImportReceipt> finish() override { return wait_for(producer_->report().spooled_sequence); }

 private:
  static constexpr std::size_t kFrameEvents = 1000;
  static constexpr std::uint64_t kFramesOnTheirWay = 64;
  static constexpr auto kPatience = std::chrono::seconds{60};  // with a server that takes nothing
  static constexpr auto kLook = std::chrono::milliseconds{200};

  struct FrameOnItsWay {
    std::uint64_t sequence;
    std::uint64_t events = 0;        // of the body that ends with it
    std::vector<std::size_t> lines;  // of its rows, as it has them
  };

  ProducerOutlet(PassingFolder folder, std::unique_ptr<client::Producer> producer)
      : folder_(std::move(folder)), producer_(std::move(producer)) {}

  void note_frames(const EventBatch& batch, const std::vector<std::size_t>& lines, std::uint64_t before) {
    const auto line_of = [&](std::size_t index) { return index < lines.size() ? lines[index] : 0; };
    for (const client::FrameRows& rows : client::frames_of(batch, kFrameEvents)) {
      FrameOnItsWay& frame = on_their_way_.emplace_back(FrameOnItsWay{++before, 0, {}});
      for (const bool readings : {true, false}) {
        for (std::size_t i = rows.first; i < rows.last; ++i) {
          if ((batch.events[i].type == EventType::reading) == readings)
            frame.lines.push_back(line_of(batch.indexes[i]));
        }
      }
      for (std::size_t i = rows.first_refused; i < rows.last_refused; ++i)
        frame.lines.push_back(line_of(batch.rejected[i].index));
    }
  }

  Result<ImportReceipt> wait_for(std::uint64_t sequence) {
    std::uint64_t reached = 0;
    auto moved = std::chrono::steady_clock::now();
    while (!producer_->wait_until_acknowledged(sequence, kLook)) {
      const client::ProducerReport now = producer_->report();
      if (now.acknowledged_sequence > reached) {
        reached = now.acknowledged_sequence;
        moved = std::chrono::steady_clock::now();
      }
      if (now.hopeless || std::chrono::steady_clock::now() - moved > kPatience)
        return unavailable(now.trouble.empty() ? "the server takes nothing" : now.trouble);
    }
    return receipt();
  }

  ImportReceipt receipt() {
    client::ProducerReport now = producer_->report();
    ImportReceipt receipt{
        0, now.accepted - told_.accepted, now.duplicate - told_.duplicate, now.rejected - told_.rejected, {}};
    for (std::size_t i = told_.first_refusals.size(); i < now.first_refusals.size(); ++i) {
      const client::Refusal& refusal = now.first_refusals[i];
      receipt.refusals.push_back({line_of(refusal), refusal.code + ": " + refusal.message});
    }
    while (!on_their_way_.empty() && on_their_way_.front().sequence <= now.acknowledged_sequence) {
      receipt.events += on_their_way_.front().events;
      on_their_way_.pop_front();
    }
    told_ = std::move(now);
    return receipt;
  }
  std::size_t line_of(const client::Refusal& refusal) const {
    for (const FrameOnItsWay& frame : on_their_way_) {
      if (frame.sequence == refusal.sequence && refusal.index < frame.lines.size())
        return frame.lines[refusal.index];
    }
    return 0;
  }

  PassingFolder folder_;  // outlives the producer
  std::unique_ptr<client::Producer> producer_;
  std::deque<FrameOnItsWay> on_their_way_;
  client::ProducerReport told_;
};

}  // namespace

Result<std::unique_ptr<ImportOutlet>> open_outlet(const ServerAccess& server) {
  if (server.url.starts_with("tcp://") || server.url.starts_with("tls://")) return ProducerOutlet::open(server);
  Result<HttpClient> client = connect_to(server);
  if (!client) return client.error();
  return std::unique_ptr<ImportOutlet>{std::make_unique<HttpOutlet>(std::move(*client))};
}

}  // namespace takt
