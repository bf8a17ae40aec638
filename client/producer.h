// Sends events to a server over the binary protocol, exactly once, whatever happens to either side: what is handed
// over is spooled on disk, sent as long as the server takes it, and let go when it is durable there.
#pragma once

#include "client/server_socket.h"
#include "client/spool.h"
#include "schema/event.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace takt::client {

struct ProducerOptions {
  std::string server;  ///< HOST:PORT of `takt serve --tcp`, or tls://HOST:PORT
  TlsTrust trust;      ///< of a server that speaks TLS
  SpoolOptions spool;
  std::string name;   ///< for people, in GET /v1/sources
  std::string token;  ///< of servers that ask for one
  std::size_t frame_events = 1000;
  std::uint32_t window = 64;                     ///< frames on their way at most; the server may allow fewer
  std::chrono::milliseconds most_pause{10'000};  ///< between attempts to connect; they begin with 50 ms
};

/// An event that the server refused; it is in its quarantine.
struct Refusal {
  std::uint64_t sequence = 0;  ///< of the frame
  std::uint32_t index = 0;     ///< in the frame: readings first, then events
  std::string code, message;
};

/// Since the producer was opened.
struct ProducerReport {
  bool connected = false;
  std::string trouble;    ///< why not, in the last attempt
  bool hopeless = false;  ///< the next attempt will end like the last one, unless somebody does something
  std::uint64_t spooled_sequence = 0, acknowledged_sequence = 0;
  std::uint64_t accepted = 0, duplicate = 0, rejected = 0;
  std::uint64_t spool_bytes = 0, dropped_frames = 0, connections = 0;
  std::vector<Refusal> first_refusals;  ///< a hundred
};

/// send() is for one thread; the others for any. The destructor keeps what is not acknowledged in the spool, for
/// the next producer on it.
class Producer {
 public:
  /// invalid_argument: no server can be meant; else as Spool::open(). Needs no server to be there.
  static Result<std::unique_ptr<Producer>> open(ProducerOptions options);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  /// Spools the events of a batch, and what was refused of it, for the server's quarantine. unavailable: the spool
  /// is full: nothing, or the first frames, of the batch were taken, and sending all of it again does no harm.
  Result<void> send(const EventBatch& batch);
  /// The same with readings as columns; tags are numbered by number().
  Result<void> send(const ReadingColumns& readings);
  std::uint32_t number(std::string_view machine, std::string_view tag);

  /// Waits until all that was sent is durable at the server; false: not within `patience`, or it never will be.
  bool wait_until_acknowledged(std::chrono::milliseconds patience);
  /// The same of what was sent up to the frame `sequence`, as report() counts them.
  bool wait_until_acknowledged(std::uint64_t sequence, std::chrono::milliseconds patience);
  ProducerReport report() const;

 private:
  class Link;
  Producer(ProducerOptions options, ServerAddress address, std::shared_ptr<TlsContext> tls,
           std::unique_ptr<Spool> spool);
  Result<void> spool(std::string_view frame);
  void run();
  bool is_stopping() const;
  void note_welcome(std::uint64_t last);
  void note(const wire::Ack& ack);

  const ProducerOptions options_;
  const ServerAddress address_;
  const std::shared_ptr<TlsContext> tls_;
  std::unique_ptr<Spool> spool_;
  FrameWriter writer_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  ProducerReport report_;
  bool stopping_ = false;
  std::unique_ptr<Link> link_;
  std::thread thread_;
};

}  // namespace takt::client
