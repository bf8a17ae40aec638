// What a Sparkplug host application knows of edge nodes and devices, and what their messages mean to it.
#pragma once

#include "ingest/signal.h"
#include "ingest/sparkplug/payload.h"
#include "ingest/sparkplug/topic.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace takt {

/// What one message came to, beside its signals.
struct SparkplugNotes {
  std::vector<RejectedEvent> rejected;  ///< indexes count from 0 in a message
  std::uint64_t gaps = 0;               ///< messages that never came, by the sequence numbers
  std::uint64_t ignored = 0;            ///< values that are transient, or of a type that Takt does not read
  std::vector<std::string> rebirths;    ///< topics of commands that ask for a rebirth
  bool said_offline = false;            ///< somebody told the world that this host is offline
};

/// The state machine of a host application (Sparkplug 3.0), without a broker. One thread at a time.
///
/// - A birth says what metrics there are, their aliases and types; its values are republished. Where it repeats a
///   value from before a death, that value holds again from the birth on.
/// - Data is taken with its own times, `is_historical` or not. Data of a node or device that was not born, an
/// alias
///   or a name that its birth did not have, and a gap in the sequence ask for a rebirth, at most every
///   kRebirthPause a node. What names itself and its type is taken all the same.
/// - A death makes all that was known of the node or device unknown, at the death's time: of a device what its
///   payload says; of a node the time of receipt, as the broker keeps that message from when the node connected. A
///   death whose bdSeq is not that of the node's birth belongs to an older session and means nothing.
/// - Devices that are not born again within kBirthPatience after their node are unknown since the node's birth.
///
/// Memory is bounded: beyond kMostThings nodes and devices, or kMostPoints metrics, births are refused.
class SparkplugHost {
 public:
  static constexpr Duration kRebirthPause{10'000'000};
  static constexpr Duration kBirthPatience{30'000'000};
  static constexpr std::size_t kMostThings = 20'000;
  static constexpr std::size_t kMostPoints = 500'000;

  /// Gets signals that were sent together, and whose they are if nothing else says so: the device's id, or the
  /// node's. Borrowed for the call.
  using Sink = std::function<void(Signals, std::string_view machine)>;

  explicit SparkplugHost(std::string host_id) : host_id_(std::move(host_id)) {}

  SparkplugNotes receive(std::string_view topic, std::string_view payload, Timestamp now, const Sink& sink);
  /// The connection to the broker is a new one: births of before hold no more. Asks the nodes known for a rebirth.
  SparkplugNotes reconnected(Timestamp now);
  /// To be called every few seconds.
  void passing_time(Timestamp now, const Sink& sink);

 private:
  struct Point {
    std::string address;
    SparkplugType type = SparkplugType::unknown;
    bool known = false;                      // a value was told since the last death
    Timestamp unknown_since = kBeginOfTime;  // the last death
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  /// A node's own metrics, or a device's.
  struct Thing {
    bool born = false;
    std::vector<Point> points;
    std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_name;
    std::unordered_map<std::uint64_t, std::size_t> by_alias;
    Timestamp newest = kBeginOfTime;
  };
  struct Node {
    Thing own;
    std::map<std::string, Thing, std::less<>> devices;
    std::optional<std::uint64_t> session;  // bdSeq
    std::optional<std::uint8_t> seq;       // of the last message
    Timestamp asked = kBeginOfTime;        // for a rebirth
    Timestamp born_at = kBeginOfTime, born_received = kBeginOfTime;
    bool devices_due = false;  // some may not have been born again
  };
  /// One message on its way.
  struct Message {
    const SparkplugTopic& topic;
    std::string_view raw_topic;
    const SparkplugPayload& payload;
    Timestamp now;
    const Sink& sink;
    SparkplugNotes& notes;
  };

  void receive_state(const SparkplugTopic& topic, std::string_view payload, SparkplugNotes& notes) const;
  void node_birth(Node& node, Message& message);
  void device_birth(Node& node, Message& message);
  void data(Node& node, Message& message);
  void node_death(Node& node, Message& message);
  void device_death(Node& node, Message& message);

  Node* node_of(const SparkplugTopic& topic);
  Thing* device_of(Node& node, std::string_view device);
  void count_gap(Node& node, Message& message);
  void ask_for_rebirth(Node& node, const SparkplugTopic& topic, Timestamp now, SparkplugNotes& notes) const;
  bool renew(Thing& thing, Message& message);
  void learn(Thing& renewed, const Thing& before, const SparkplugMetric& metric, Message& message);
  void tell(Thing& thing, Point& point, const SparkplugMetric& metric, Message& message);
  void tell_unlisted(Node& node, const SparkplugMetric& metric, Message& message);
  void flush(Message& message);
  void forget_values(Thing& thing, Timestamp at, std::string_view machine, const Sink& sink);
  static Timestamp time_of(const SparkplugMetric& metric, const Message& message);
  static void refuse(Message& message, Rejection code, std::string sentence);

  std::string host_id_;
  SparkplugDecoder decoder_;
  std::map<std::string, Node, std::less<>> nodes_;  // by "group/node"
  std::string key_;
  std::size_t things_ = 0, points_ = 0;
  std::vector<Signal> signals_;
  std::vector<std::unique_ptr<std::string>> unlisted_;  // addresses of the signals that no birth listed
};

}  // namespace takt
