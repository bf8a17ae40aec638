// One producer's connection, from its Hello to its end. Internal.
#pragma once

#include "ingest/tcp/batch_reader.h"
#include "ingest/tcp/tcp_server.h"
#include "net/transport.h"
#include "schema/wire_message.h"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

namespace takt::tcp {

using Steady = std::chrono::steady_clock;
using Timer = boost::asio::basic_waitable_timer<Steady, boost::asio::wait_traits<Steady>, Strand>;

class Connection;

/// The checksums of a producer's last frames: the same sequence with other content is told from a repetition.
class FrameHistory {
 public:
  /// False: this sequence had another checksum.
  bool note(std::uint64_t sequence, std::uint64_t checksum) {
    auto& [known, its] = frames_.at(sequence % frames_.size());
    if (known == sequence) return its == checksum;
    if (known < sequence) known = sequence, its = checksum;
    return true;
  }

 private:
  std::array<std::pair<std::uint64_t, std::uint64_t>, 64> frames_{};
};

/// What all connections share. Any thread.
struct Core {
  Core(TcpOptions tcp_options, Ingestor& the_ingestor, Store& the_store)
      : options(std::move(tcp_options)), ingestor(the_ingestor), store(the_store) {}

  bool enter(const std::shared_ptr<Connection>& connection);
  void leave(const std::shared_ptr<Connection>& connection);
  /// The connection speaks for the producer now; the one that did is told to go.
  void speaks_for(const ProducerId& producer, const std::shared_ptr<Connection>& connection);
  bool note_frame(const ProducerId& producer, std::uint64_t sequence, std::uint64_t checksum);
  /// Memory for large messages; false: there is none for the moment.
  bool take_room(std::size_t bytes);
  void give_room(std::size_t bytes) { large_bytes -= bytes; }
  void delivery_began();
  void delivery_ended();
  void wait_for_deliveries();
  bool wait_until_empty(Steady::time_point deadline);
  std::vector<std::shared_ptr<Connection>> all();

  const TcpOptions options;
  Ingestor& ingestor;  // borrowed
  Store& store;        // borrowed
  std::atomic<bool> stopping = false;
  std::atomic<std::size_t> large_bytes = 0;

  std::mutex mutex;
  std::condition_variable changed;
  std::set<std::shared_ptr<Connection>> connections;
  std::map<ProducerId, std::weak_ptr<Connection>> speakers;
  std::map<ProducerId, FrameHistory> histories;
  std::deque<ProducerId> remembered;  // those of histories, oldest first
  std::size_t deliveries_under_way = 0;

  boost::asio::io_context io;  // the last: handlers that never ran hold connections, which give their room back
};

/// All members are used on the connection's strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Core& core, Socket socket);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// Takes no more in; when all that is under way is answered, tells the producer why, and ends. Any thread.
  void finish(wire::FaultCode code, std::string message);

 private:
  struct SentFrame {
    std::uint64_t sequence;
    std::size_t first_index;
  };
  /// Frames that go to the store together.
  struct Bundle {
    std::vector<SentFrame> frames;
    std::size_t bytes = 0;
  };
  struct Ack {
    std::uint64_t sequence = 0, commit = 0, accepted = 0, duplicate = 0, rejected = 0;
    std::vector<std::pair<SentFrame, RejectedEvent>> rejects;
  };

  void go_on();
  void read();
  void arrived(std::size_t bytes);
  bool take_messages();
  bool may_take_more();
  bool make_room_for(std::size_t message_bytes);
  void shrink();
  void handle(std::string_view bytes, const wire::Message& message);
  void hello(const wire::Hello& hello);
  void define(const wire::Define& define, std::size_t bytes);
  void frame(const wire::Frame& frame, std::string_view bytes);
  void add_to_bundle(const wire::Frame& frame, std::size_t bytes);
  Result<void> name(std::vector<WireTag>& tags, std::size_t first);
  void name_again();
  bool send_bundle();
  bool submit();
  void answered(const Bundle& bundle, const Result<IngestAnswer>& answer);
  void add_to_ack(const Bundle& bundle, const IngestAnswer& answer);
  void acknowledge();
  void welcome();
  void write(std::string_view bytes);
  void written();
  void fault(wire::FaultCode code, const std::string& message, std::uint64_t expected = 0);
  void wait_a_little();
  void watch();
  void close();

  Core& core_;  // outlives its connections
  Transport transport_;
  Socket& socket_;  // the transport's
  Timer pause_, watchdog_;
  std::string remote_;
  std::shared_ptr<Source> source_;        // from the Hello on
  std::shared_ptr<const Permit> permit_;  // none: everything

  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what of it was read and not taken
  std::size_t room_taken_ = 0;       // of what large messages and tags may have together
  bool reading_ = false, pausing_ = false, closed_ = false;
  std::uint64_t bytes_read_ = 0, messages_ = 0;
  std::uint64_t bytes_when_watched_ = 0, messages_when_watched_ = 0;

  ProducerId producer_;
  std::uint64_t epoch_ = 0, received_ = 0, durable_ = 0;
  bool after_gap_ = false;
  std::vector<WireTag> tags_;
  std::shared_ptr<const Plant> named_with_;  // the plant that tags without a number were last looked for in

  BatchReader reader_;
  Bundle bundle_;
  Delivery delivery_;                     // the bundle, once it is judged
  std::shared_ptr<IngestAnswer> judged_;  // what came of that; none: it is not
  std::size_t frames_under_way_ = 0, bytes_under_way_ = 0;

  Ack ack_;
  bool ack_due_ = false, writing_ = false, ending_ = false;
  std::optional<std::pair<wire::FaultCode, std::string>> last_word_;
  std::string outgoing_, being_written_;
};

}  // namespace takt::tcp
