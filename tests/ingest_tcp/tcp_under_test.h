// A store, an ingestor and a TCP server of a test, and a producer's side without a spool.
#pragma once

#include "client/frame_writer.h"
#include "ingest/tcp/tcp_server.h"
#include "tests/engine/engine_store.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>

namespace takt {

inline const Timestamp kTcpNow = *parse_time("2026-01-05T12:00:00Z");

struct TcpUnderTest {
  EngineStore engine;
  TcpOptions options;
  std::unique_ptr<Ingestor> ingestor;
  std::unique_ptr<TcpServer> server;

  explicit TcpUnderTest(TcpOptions tcp_options = {}, StoreOptions store_options = {})
      : engine(kTcpNow, small_plant(), std::move(store_options)), options(tcp_options) {
    listen(0);
  }
  ~TcpUnderTest() { stop(); }
  TcpUnderTest(const TcpUnderTest&) = delete;
  TcpUnderTest& operator=(const TcpUnderTest&) = delete;

  Store& store() { return *engine.store; }
  std::uint16_t port() const { return server->port(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  void listen(std::uint16_t port) {
    ingestor = std::make_unique<Ingestor>(store());
    auto listening = TcpServer::listen("127.0.0.1", port, options, *ingestor, store());
    if (!listening) {
      ADD_FAILURE() << listening.error().context;
      return;
    }
    server = std::move(*listening);
  }
  void stop() {
    server.reset();
    ingestor.reset();
  }
  /// As after kill -9 of an idle server: another process on the same folder and port.
  void restart() {
    const std::uint16_t before = port();
    stop();
    engine.reopen();
    listen(before);
  }
  /// Readings of a tag, counted.
  std::size_t readings(std::string_view machine, std::string_view tag) {
    const StoreView view = store().read();
    const auto id = view.numbers().find(machine);
    const ReadingSeries* series = id ? view.series(*id, tag) : nullptr;
    return series == nullptr ? 0 : series->snapshot({}).rows(view.chunks())->size();
  }
};

/// Says what it is told to, right or wrong.
class RawProducer {
 public:
  /// `receive_buffer`: how many bytes of answers wait for it on this side; 0: as many as is usual.
  explicit RawProducer(std::uint16_t port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~RawProducer() { ::close(socket_); }
  RawProducer(const RawProducer&) = delete;
  RawProducer& operator=(const RawProducer&) = delete;

  /// Waits until all is handed over to this machine's network.
  void send(std::string_view bytes) { EXPECT_TRUE(try_send(bytes)); }
  /// False: the server has ended the connection.
  bool try_send(std::string_view bytes) const {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0;
  }
  /// Whether the server has said anything that was not received yet.
  bool is_answered() const {
    char byte = 0;
    return ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  }
  void hello(std::uint64_t producer, std::uint64_t epoch = 1, std::uint64_t oldest = 1, std::uint16_t version = 1,
             std::string_view name = "raw") {
    flatbuffers::FlatBufferBuilder builder;
    const auto named = builder.CreateString(name);
    const auto hello = wire::CreateHello(builder, version, producer, producer, epoch, oldest, named);
    builder.Finish(wire::CreateMessage(builder, wire::Content::Hello, hello.Union()));
    std::string bytes;
    append_message(bytes, builder);
    send(bytes);
  }
  /// The next message; null: the connection has ended.
  const wire::Message* receive() {
    message_.resize(kWireHead);
    if (!fill(0)) return nullptr;
    message_.resize(wire_size(message_.data()));
    if (!fill(kWireHead)) return nullptr;
    return read_message(message_);
  }
  std::optional<std::uint64_t> welcome() {
    const wire::Message* message = receive();
    if (message == nullptr || message->content_as_Welcome() == nullptr) return std::nullopt;
    return message->content_as_Welcome()->last_sequence();
  }
  /// Acks until one reaches `sequence`, added up; nothing: a fault or the end came first.
  struct Sum {
    std::uint64_t accepted = 0, duplicate = 0, rejected = 0, acks = 0;
    std::vector<std::string> rejects;
  };
  std::optional<Sum> acknowledged(std::uint64_t sequence) {
    Sum sum;
    for (;;) {
      const wire::Message* message = receive();
      const auto* ack = message == nullptr ? nullptr : message->content_as_Ack();
      if (ack == nullptr) return std::nullopt;
      ++sum.acks;
      sum.accepted += ack->accepted(), sum.duplicate += ack->duplicate(), sum.rejected += ack->rejected();
      if (ack->rejects() != nullptr) {
        for (const wire::Reject* reject : *ack->rejects())
          sum.rejects.push_back(std::to_string(reject->sequence()) + "/" + std::to_string(reject->index()) + " " +
                                reject->code()->str());
      }
      if (ack->sequence() >= sequence) return sum;
    }
  }
  /// The fault that ends the connection, whatever comes before it.
  std::optional<wire::FaultCode> fault() {
    for (;;) {
      const wire::Message* message = receive();
      if (message == nullptr) return std::nullopt;
      if (const auto* fault = message->content_as_Fault()) {
        expected = fault->expected_sequence();
        return fault->code();
      }
    }
  }
  std::uint64_t expected = 0;

 private:
  bool fill(std::size_t from) {
    while (from < message_.size()) {
      const ssize_t n = ::recv(socket_, message_.data() + from, message_.size() - from, 0);
      if (n <= 0) return false;
      from += static_cast<std::size_t>(n);
    }
    return true;
  }

  int socket_;
  std::string message_;
};

inline Event reading_event(std::string_view machine, std::string_view tag, Timestamp at, double value) {
  Event event;
  event.type = EventType::reading;
  event.machine = machine, event.tag = tag, event.at = at;
  event.value = {Value::Kind::number, value, {}};
  return event;
}

/// A frame of `rows` readings of a tag of M1, one a second; `value` tells contents apart.
inline std::string frame_of(std::uint64_t sequence, std::size_t rows, double value, client::TagNumbers& tags,
                            std::string_view tag = "t") {
  EventBatch batch;
  for (std::size_t i = 0; i < rows; ++i)
    batch.events.push_back(reading_event("M1", tag, kTcpNow - std::chrono::seconds{1000 * sequence + i}, value));
  client::FrameWriter writer;
  const std::size_t known = tags.size();
  const std::string frame{writer.frame(sequence, batch, {0, rows}, tags)};
  return tags.definitions(known) + frame;
}

}  // namespace takt
