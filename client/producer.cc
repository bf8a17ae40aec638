#include "client/producer.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>

namespace takt::client {
namespace {

constexpr auto kFirstPause = std::chrono::milliseconds{50};
constexpr int kPatienceMs = 10'000;  // with the other side, for a Welcome and while there is something to write
constexpr std::size_t kKeptRefusals = 100;
constexpr std::size_t kReadBytes = std::size_t{16} << 10U;
constexpr std::size_t kWriteBytes = std::size_t{256} << 10U;

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? std::string{} : text->str(); }

}  // namespace

/// One connection: writes what is in the spool as far as the window lets it, reads what the server says.
class Producer::Link {
 public:
  explicit Link(Producer& producer) : producer_(producer), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Link() {
    hang_up();
    ::close(wake_);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// There is more to send, or an end to it. Any thread.
  void wake() {
    if (awake_.exchange(true)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_, &one, sizeof one);
  }

  /// Until the connection ends; why it did. conflict: trying again is no use.
  Error talk() {
    if (const auto begun = begin(); !begun) return begun.error();
    for (;;) {
      if (producer_.is_stopping()) return cancelled();
      if (const auto collected = collect(); !collected) return collected.error();
      if (const auto moved = move(); !moved) return moved.error();
    }
  }
  void hang_up() {
    socket_.reset();
    outgoing_.clear(), incoming_.clear();
    under_way_.clear();
    written_ = 0, bytes_under_way_ = 0;
  }

 private:
  struct OnItsWay {
    std::uint64_t sequence;
    std::size_t bytes;
  };

  Result<void> begin() {
    auto connected = ServerSocket::connect(producer_.address_, producer_.tls_);
    if (!connected) return connected.error();
    socket_ = std::make_unique<ServerSocket>(std::move(*connected));
    welcomed_ = false;
    hello();
    while (!welcomed_) {
      if (producer_.is_stopping()) return cancelled();
      if (const auto moved = move(kPatienceMs); !moved) return moved;
    }
    return {};
  }

  void hello() {
    Spool& spool = *producer_.spool_;
    oldest_ = std::max(spool.oldest_sequence(), oldest_);
    flatbuffers::FlatBufferBuilder builder;
    const auto name = builder.CreateString(producer_.options_.name);
    const auto token = builder.CreateString(producer_.options_.token);
    const auto hello = wire::CreateHello(builder, kWireVersion, spool.id_high(), spool.id_low(), spool.epoch(),
                                         oldest_, name, token);
    builder.Finish(wire::CreateMessage(builder, wire::Content::Hello, hello.Union()));
    append_message(outgoing_, builder);
  }

  /// Takes messages out of the spool as long as there is a place for them.
  Result<void> collect() {
    while (outgoing_.size() < kWriteBytes) {
      if (!held_back_) {
        const auto message = producer_.spool_->next();
        if (!message) continue;  // what is behind the damage shows as a jump
        if (message->empty()) return {};
        held_back_.emplace(*message);
      }
      const std::uint64_t sequence = sequence_of_frame(*held_back_);
      const bool is_new = sequence > last_;
      if (sequence != 0 && is_new) {
        const bool full = under_way_.size() >= window_ || (bytes_under_way_ > 0 && bytes_under_way_ >= credit_);
        if (full) return {};
        if (sequence != last_ + 1) return jump(sequence);
        under_way_.push_back({sequence, held_back_->size()});
        bytes_under_way_ += held_back_->size();
        last_ = sequence;
      }
      if (sequence == 0 || is_new) outgoing_ += *held_back_;
      held_back_.reset();
    }
    return {};
  }
  static std::uint64_t sequence_of_frame(std::string_view bytes) {
    const auto* message = wire::GetMessage(bytes.data() + kWireHead);  // the spool has verified it
    const auto* frame = message->content_as_Frame();
    return frame == nullptr ? 0 : frame->sequence();
  }
  /// Frames are missing in the spool: when all before are answered, the server is told so by a new Hello.
  Result<void> jump(std::uint64_t to) {
    if (!under_way_.empty()) return {};
    oldest_ = to;
    return unavailable(fmt::format("frames up to {} are lost", to - 1));
  }

  /// Waits for the socket or for more to send; writes and reads what is possible.
  Result<void> move(int patience_ms = -1) {
    const bool writes = written_ < outgoing_.size();
    std::array<pollfd, 2> files{
        {{socket_->fd(), static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0}, {wake_, POLLIN, 0}}};
    const int ready = ::poll(files.data(), files.size(), writes ? kPatienceMs : patience_ms);
    if (ready < 0 && errno != EINTR) return io_error(std::strerror(errno));
    if (ready == 0) return unavailable("the server does not answer");
    if ((files[1].revents & POLLIN) != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t n = ::read(wake_, &count, sizeof count);
      awake_.exchange(false);  // what was spooled before is seen from here on
    }
    if ((files[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      if (const auto read = this->read(); !read) return read;
    }
    return write();
  }
  Result<void> write() {
    while (written_ < outgoing_.size()) {
      const auto sent = socket_->send(std::string_view{outgoing_}.substr(written_));
      if (!sent) return sent.error();
      if (*sent == 0) return {};
      written_ += *sent;
    }
    outgoing_.clear();
    written_ = 0;
    return {};
  }
  /// All there is: what TLS has deciphered already would not wake us.
  Result<void> read() {
    for (;;) {
      const auto received = socket_->receive(incoming_, kReadBytes);
      if (!received) return received.error();
      if (const auto taken = take_messages(); !taken) return taken;
      if (!socket_->has_more()) return {};
    }
  }
  Result<void> take_messages() {
    std::size_t taken = 0;
    Result<void> outcome;
    while (outcome && incoming_.size() - taken >= kWireHead) {
      const std::size_t size = wire_size(incoming_.data() + taken);
      if (size == 0) return unavailable("what answers is not Takt's binary protocol");
      if (incoming_.size() - taken < size) break;
      const std::string aligned = incoming_.substr(taken, size);
      const wire::Message* message = read_message(aligned);
      if (message == nullptr) return unavailable("a message of the server is damaged");
      outcome = handle(*message);
      taken += size;
    }
    incoming_.erase(0, taken);
    return outcome;
  }

  Result<void> handle(const wire::Message& message) {
    if (const auto* welcome = message.content_as_Welcome()) return welcomed(*welcome);
    if (const auto* ack = message.content_as_Ack()) return acknowledged(*ack);
    if (const auto* fault = message.content_as_Fault()) {
      const bool for_ever = fault->code() == wire::FaultCode::conflict ||
                            fault->code() == wire::FaultCode::fenced || fault->code() == wire::FaultCode::refused;
      return Error{for_ever ? ErrorCode::conflict : ErrorCode::unavailable, text_of(fault->message())};
    }
    return unavailable("the server said what a producer is not told");
  }
  Result<void> welcomed(const wire::Welcome& welcome) {
    Spool& spool = *producer_.spool_;
    if (welcome.last_sequence() >= spool.next_sequence()) {
      return Error{
          ErrorCode::conflict,
          fmt::format("the server has frames up to {} of this producer and the spool only made {}: it is a "
                      "copy of an older one; begin with an empty spool folder",
                      welcome.last_sequence(), spool.next_sequence() - 1)};
    }
    welcomed_ = true;
    window_ = std::max<std::uint32_t>(1, std::min(welcome.window(), producer_.options_.window));
    credit_ = welcome.credit_bytes();
    last_ = std::max(welcome.last_sequence(), oldest_ - 1);
    spool.acknowledged(welcome.last_sequence());
    spool.seek(last_ + 1);
    held_back_.reset();
    producer_.note_welcome(welcome.last_sequence());
    return {};
  }
  Result<void> acknowledged(const wire::Ack& ack) {
    while (!under_way_.empty() && under_way_.front().sequence <= ack.sequence()) {
      bytes_under_way_ -= under_way_.front().bytes;
      under_way_.pop_front();
    }
    credit_ = ack.credit_bytes();
    producer_.spool_->acknowledged(ack.sequence());
    producer_.note(ack);
    return {};
  }

  Producer& producer_;
  const int wake_;
  std::atomic<bool> awake_ = false;  // it was woken and has not looked yet
  std::unique_ptr<ServerSocket> socket_;
  bool welcomed_ = false;
  std::uint32_t window_ = 1;
  std::uint64_t credit_ = 0, last_ = 0, oldest_ = 1;
  std::deque<OnItsWay> under_way_;
  std::size_t bytes_under_way_ = 0;
  std::optional<std::string> held_back_;  // the next message, as long as there is no place for it
  std::string outgoing_, incoming_;
  std::size_t written_ = 0;
};

Producer::Producer(ProducerOptions options, ServerAddress address, std::shared_ptr<TlsContext> tls,
                   std::unique_ptr<Spool> spool)
    : options_(std::move(options)),
      address_(std::move(address)),
      tls_(std::move(tls)),
      spool_(std::move(spool)),
      link_(std::make_unique<Link>(*this)) {
  report_.spooled_sequence = spool_->next_sequence() - 1;
  thread_ = std::thread{[this] { run(); }};
}

Producer::~Producer() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  link_->wake();
  thread_.join();
}

Result<std::unique_ptr<Producer>> Producer::open(ProducerOptions options) {
  auto address = ServerAddress::parse(options.server);
  if (!address) return address.error();
  std::shared_ptr<TlsContext> tls;
  if (address->secured) {
    auto trusting = open_tls_client(options.trust);
    if (!trusting) return trusting.error();
    tls = std::move(*trusting);
  }
  auto spool = Spool::open(options.spool);
  if (!spool) return spool.error();
  return std::unique_ptr<Producer>{
      new Producer{std::move(options), std::move(*address), std::move(tls), std::move(*spool)}};
}

Result<void> Producer::spool(std::string_view frame) {
  if (const auto appended = spool_->append(frame); !appended) return appended;
  {
    const std::lock_guard lock{mutex_};
    report_.spooled_sequence = spool_->next_sequence() - 1;
  }
  link_->wake();
  return {};
}

Result<void> Producer::send(const EventBatch& batch) {
  for (const FrameRows& rows : frames_of(batch, options_.frame_events)) {
    const auto frame = writer_.frame(spool_->next_sequence(), batch, rows, spool_->tags());
    if (const auto spooled = spool(frame); !spooled) return spooled;
  }
  return {};
}

Result<void> Producer::send(const ReadingColumns& readings) {
  for (std::size_t first = 0; first < readings.at.size(); first += kMostColumnRows) {
    const std::size_t count = std::min(kMostColumnRows, readings.at.size() - first);
    const ReadingColumns some{
        readings.of.subspan(first, count), readings.at.subspan(first, count),
        readings.number.subspan(first, count),
        readings.quality.empty() ? readings.quality : readings.quality.subspan(first, count)};
    if (const auto spooled = spool(writer_.frame(spool_->next_sequence(), some)); !spooled) return spooled;
  }
  return {};
}

std::uint32_t Producer::number(std::string_view machine, std::string_view tag) {
  return spool_->tags().number(machine, tag);
}

bool Producer::wait_until_acknowledged(std::chrono::milliseconds patience) {
  return wait_until_acknowledged(report().spooled_sequence, patience);
}

bool Producer::wait_until_acknowledged(std::uint64_t sequence, std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  const auto done = [&] { return report_.acknowledged_sequence >= sequence; };
  changed_.wait_for(lock, patience, [&] { return done() || report_.hopeless; });
  return done();
}

ProducerReport Producer::report() const {
  const std::lock_guard lock{mutex_};
  ProducerReport report = report_;
  report.spool_bytes = spool_->bytes();
  report.dropped_frames = spool_->dropped();
  return report;
}

bool Producer::is_stopping() const {
  const std::lock_guard lock{mutex_};
  return stopping_;
}

void Producer::run() {
  sigset_t broken_pipe;  // OpenSSL cannot be told to do without this signal
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  auto pause = kFirstPause;
  for (;;) {
    const Error why = link_->talk();
    link_->hang_up();
    std::unique_lock lock{mutex_};
    if (report_.connected) pause = kFirstPause;
    report_.connected = false;
    report_.trouble = why.context;
    report_.hopeless = why.code == ErrorCode::conflict || why.code == ErrorCode::invalid_argument;
    changed_.notify_all();
    changed_.wait_for(lock, report_.hopeless ? options_.most_pause : pause, [&] { return stopping_; });
    if (stopping_) return;
    pause = std::min(options_.most_pause, pause * 2);
  }
}

void Producer::note_welcome(std::uint64_t last) {
  const std::lock_guard lock{mutex_};
  report_.connected = true, report_.hopeless = false;
  report_.trouble.clear();
  ++report_.connections;
  report_.acknowledged_sequence = std::max(report_.acknowledged_sequence, last);
  changed_.notify_all();
}

void Producer::note(const wire::Ack& ack) {
  const std::lock_guard lock{mutex_};
  report_.acknowledged_sequence = std::max(report_.acknowledged_sequence, ack.sequence());
  report_.accepted += ack.accepted();
  report_.duplicate += ack.duplicate();
  report_.rejected += ack.rejected();
  if (ack.rejects() != nullptr) {
    for (const wire::Reject* reject : *ack.rejects()) {
      if (report_.first_refusals.size() >= kKeptRefusals) break;
      report_.first_refusals.push_back(
          {reject->sequence(), reject->index(), text_of(reject->code()), text_of(reject->message())});
    }
  }
  changed_.notify_all();
}

}  // namespace takt::client
