#include "ingest/mqtt/mqtt_connector.h"

#include "ingest/mqtt/mqtt_connection.h"
#include "ingest/mqtt/options.h"
#include "ingest/mqtt/resolvable.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

namespace takt {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kHandshakePatience{15};
constexpr std::chrono::milliseconds kFirstPause{500}, kLongestPause{30'000}, kGoodbyePatience{300};
/// What is read before it is handed on, and what may wait for its answer: some hundred kilobytes.
constexpr std::size_t kBatchEvents = 4096, kEventsInFlight = 16'384;
constexpr int kBatchMessages = 4096;

/// A flag that poll() sees.
class Alarm {
 public:
  Alarm() : file_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Alarm() { ::close(file_); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  int file() const { return file_; }
  void ring() const {
    const std::uint64_t one = 1;
    if (::write(file_, &one, sizeof one) < 0) return;  // it rings already
  }
  void stop_ringing() const {
    std::uint64_t count = 0;
    if (::read(file_, &count, sizeof count) < 0) return;  // it did not
  }

 private:
  int file_;
};

/// What was handed to the ingestor and is not durable yet. The committer's thread tells it of answers, also when
/// the connector is gone.
class InFlight {
 public:
  void began(std::size_t events) {
    const std::lock_guard lock{mutex_};
    events_ += events, ++batches_;
  }
  void ended(std::size_t events, const Result<IngestAnswer>& answer) {
    {
      const std::lock_guard lock{mutex_};
      events_ -= events, --batches_;
      if (!answer) refusal_ = answer.error();
    }
    alarm_.ring();
  }
  std::size_t events() const {
    const std::lock_guard lock{mutex_};
    return events_;
  }
  bool none() const {
    const std::lock_guard lock{mutex_};
    return batches_ == 0;
  }
  std::optional<Error> refusal() const {
    const std::lock_guard lock{mutex_};
    return refusal_;
  }
  const Alarm& alarm() const { return alarm_; }

 private:
  mutable std::mutex mutex_;
  std::size_t events_ = 0, batches_ = 0;
  std::optional<Error> refusal_;
  Alarm alarm_;
};

class MqttConnector final : public Connector {
 public:
  MqttConnector(ConnectorContext context, MqttSettings settings, std::unique_ptr<MqttReader> reader)
      : context_(std::move(context)), settings_(std::move(settings)), reader_(std::move(reader)) {
    thread_ = std::thread{[this] { run(); }};
  }
  ~MqttConnector() override {
    stopping_ = true;
    stop_.ring();
    thread_.join();
  }

 private:
  void run();
  Result<void> stay_connected();
  Result<void> turn(MqttConnection& connection, bool& announced);
  Result<void> read(MqttConnection& connection);
  void submit();
  void announce(MqttConnection& connection);
  void say_goodbye(MqttConnection& connection);
  void act_on(MqttConnection& connection);
  void show_connected();
  void tell_of_loss(const Error& error, std::chrono::milliseconds pause);
  bool sleep(std::chrono::milliseconds pause) const;
  Timestamp now() const { return context_.clock.now(); }

  ConnectorContext context_;
  MqttSettings settings_;
  std::unique_ptr<MqttReader> reader_;
  std::atomic<bool> stopping_{false};
  Alarm stop_;

  // Of the connection that stands.
  std::shared_ptr<InFlight> in_flight_;
  EventBatch batch_;
  MqttOutcome outcome_;
  bool owes_acknowledgements_ = false;
  bool was_ready_ = false;
  Steady::time_point last_look_, begun_;

  std::uint64_t ignored_ = 0, shown_ignored_ = 0;
  std::string last_loss_;
  std::thread thread_;
};

void MqttConnector::run() {
  auto pause = kFirstPause;
  while (!stopping_) {
    was_ready_ = false;
    const auto ended = stay_connected();
    if (stopping_) break;
    if (was_ready_) pause = kFirstPause;
    tell_of_loss(ended ? io_error("the connection has ended") : ended.error(), pause);
    if (!sleep(pause)) break;
    pause = std::min(pause * 2, kLongestPause);
  }
}

/// Connects, and takes in what comes until the connection is lost or the connector is stopped.
Result<void> MqttConnector::stay_connected() {
  if (std::string reason = context_.ingestor.read_only_reason(); !reason.empty()) return unavailable(reason);
  if (!is_resolvable(settings_.address.host, kHandshakePatience, stopping_))
    return io_error("there is no such host");
  in_flight_ = std::make_shared<InFlight>();
  batch_ = {}, outcome_ = {}, owes_acknowledgements_ = false;
  settings_.will = reader_->will(now());
  settings_.subscriptions = reader_->subscriptions();
  auto connection = MqttConnection::begin(settings_, [this](const MqttMessage& message) {
    owes_acknowledgements_ |= message.qos > 0;
    reader_->read(message, now(), batch_, outcome_);
  });
  if (!connection) return connection.error();
  begun_ = last_look_ = Steady::now();
  bool announced = false;
  while (!stopping_) {
    if (const auto done = turn(**connection, announced); !done) return done;
  }
  say_goodbye(**connection);
  return {};
}

/// Waits for something to do, and does it.
Result<void> MqttConnector::turn(MqttConnection& connection, bool& announced) {
  // Acknowledgements go out when all that was read is durable; till then nothing more is read, or they would
  // never.
  const bool may_write = !owes_acknowledgements_ || in_flight_->none();
  const bool may_read = may_write && in_flight_->events() < kEventsInFlight && !context_.ingestor.is_busy();
  const bool writes = may_write && connection.wants_to_write();
  const auto events = static_cast<short>((may_read ? POLLIN : 0) | (writes ? POLLOUT : 0));
  std::array<pollfd, 3> files{{{events != 0 ? connection.socket() : -1, events, 0},
                               {in_flight_->alarm().file(), POLLIN, 0},
                               {stop_.file(), POLLIN, 0}}};
  const bool waits_for_room = may_write && !may_read;
  if (::poll(files.data(), files.size(), waits_for_room ? 5 : 500) < 0 && errno != EINTR)
    return io_error("cannot wait for the broker");
  in_flight_->alarm().stop_ringing();
  if (const auto refusal = in_flight_->refusal()) return *refusal;
  if ((files[0].revents & POLLOUT) != 0) {
    owes_acknowledgements_ = false;
    if (const auto written = connection.write(); !written) return written;
  }
  if (may_read && (files[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
    if (const auto taken = read(connection); !taken) return taken;
  }
  if (connection.is_ready() && !std::exchange(announced, true)) announce(connection);
  if (!announced && Steady::now() - begun_ > kHandshakePatience) return io_error("the broker does not answer");
  if (Steady::now() - last_look_ > std::chrono::seconds{1}) {
    last_look_ = Steady::now();
    if (const auto alive = connection.keep_alive(); !alive) return alive;
    if (announced) reader_->passing_time(now(), batch_);
  }
  submit();
  act_on(connection);
  return {};
}

/// All that is there, up to a batch: it becomes durable together.
Result<void> MqttConnector::read(MqttConnection& connection) {
  for (int messages = 0; messages < kBatchMessages && batch_.size() < kBatchEvents; ++messages) {
    if (const auto taken = connection.read(); !taken) return taken;
    pollfd file{connection.socket(), POLLIN, 0};
    if (::poll(&file, 1, 0) <= 0) break;
  }
  return {};
}

void MqttConnector::submit() {
  if (batch_.size() == 0) return;
  const std::size_t events = batch_.size();
  in_flight_->began(events);
  context_.ingestor.submit(
      std::exchange(batch_, {}), context_.source,
      [in_flight = in_flight_, events](const Result<IngestAnswer>& answer) { in_flight->ended(events, answer); });
}

/// What the messages came to besides: replies, gaps.
void MqttConnector::act_on(MqttConnection& connection) {
  for (const MqttPublication& reply : outcome_.replies) connection.publish(reply);
  if (outcome_.gaps != 0) context_.source->add_gaps(outcome_.gaps);
  ignored_ += outcome_.ignored;
  outcome_.replies.clear();
  outcome_.gaps = outcome_.ignored = 0;
  if (was_ready_ && ignored_ != shown_ignored_) show_connected();
}

void MqttConnector::announce(MqttConnection& connection) {
  was_ready_ = true;
  reader_->connected(now(), outcome_);
  act_on(connection);
  show_connected();
  if (!std::exchange(last_loss_, {}).empty())
    spdlog::info("source {}: connected to {} again", context_.description.id, settings_.address.to_string());
}

void MqttConnector::show_connected() {
  shown_ignored_ = ignored_;
  std::string detail = settings_.address.to_string();
  if (ignored_ > 0)
    detail += fmt::format("; {} values ignored: transient, or of a type that is not read", ignored_);
  context_.source->set_state(SourceState::connected, std::move(detail));
}

/// In the log once, however often it is tried.
void MqttConnector::tell_of_loss(const Error& error, std::chrono::milliseconds pause) {
  const std::string loss = settings_.address.to_string() + ": " + error.context;
  if (loss != std::exchange(last_loss_, loss)) spdlog::warn("source {}: {}", context_.description.id, loss);
  context_.source->set_state(
      SourceState::disconnected,
      fmt::format("{}; tried again every {} s", loss, std::max<std::int64_t>(1, pause.count() / 1000)));
}

/// What is owed stays owed: the broker sends it again.
void MqttConnector::say_goodbye(MqttConnection& connection) {
  context_.source->set_state(SourceState::stopped);
  if (owes_acknowledgements_ || !was_ready_) return;
  if (const auto farewell = reader_->farewell(now())) connection.publish(*farewell);
  connection.say_goodbye();
  const auto until = Steady::now() + kGoodbyePatience;
  while (connection.wants_to_write() && connection.socket() >= 0 && Steady::now() < until) {
    pollfd file{connection.socket(), POLLOUT, 0};
    if (::poll(&file, 1, 20) > 0 && !connection.write()) return;
  }
}

/// False: it was stopped meanwhile.
bool MqttConnector::sleep(std::chrono::milliseconds pause) const {
  pollfd file{stop_.file(), POLLIN, 0};
  ::poll(&file, 1, static_cast<int>(pause.count()));
  return !stopping_;
}

}  // namespace

Result<std::unique_ptr<Connector>> start_mqtt_reader(ConnectorContext context,
                                                     std::unique_ptr<MqttReader> reader) {
  MqttSettings settings;
  const DataSource& source = context.description;
  const auto address = parse_mqtt_url(source.url);
  if (!address) return address.error();
  settings.address = *address;
  settings.user = source.user;
  settings.ca_file = source.ca_file;
  if (!source.ca_file.empty() && ::access(source.ca_file.c_str(), R_OK) != 0)
    return invalid("cannot read ca_file " + source.ca_file);
  const auto password = read_password(source.password_file);
  if (!password) return password.error();
  settings.password = *password;
  settings.client_id = text_option(source.options, "client_id")
                           .value_or("takt-" + context.ingestor.store_id().substr(0, 8) + "-" + source.id);
  settings.keeps_session = reader->keeps_session();
  return std::unique_ptr<Connector>{
      std::make_unique<MqttConnector>(std::move(context), std::move(settings), std::move(reader))};
}

}  // namespace takt
