#include "ingest/tcp/connection.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "ingest/decode_draft.h"

namespace takt::tcp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kSmallBuffer = std::size_t{64} << 10U;
constexpr std::size_t kFastBuffer = std::size_t{512} << 10U;  // of a sender that fills a small one
constexpr std::size_t kBundleRows = 16'384;
constexpr std::size_t kMostTags = 100'000;  // of a connection
constexpr std::size_t kMostRejects = 100;   // of an Ack
constexpr std::size_t kLeastProgress = std::size_t{16} << 10U;
constexpr auto kPause = std::chrono::milliseconds{2};

bool is_name(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()) && is_id(text); }

std::string_view text_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view{} : std::string_view{text->data(), text->size()};
}

wire::FaultCode fault_of(const Error& error) {
  return error.code == ErrorCode::conflict ? wire::FaultCode::fenced : wire::FaultCode::unavailable;
}

}  // namespace

// ---------------------------------------- what connections share

bool Core::enter(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock{mutex};
  if (connections.size() >= options.max_connections || stopping) return false;
  connections.insert(connection);
  return true;
}

void Core::leave(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock{mutex};
  connections.erase(connection);
  std::erase_if(speakers, [](const auto& entry) { return entry.second.expired(); });
  changed.notify_all();
}

void Core::speaks_for(const ProducerId& producer, const std::shared_ptr<Connection>& connection) {
  std::shared_ptr<Connection> before;
  {
    const std::lock_guard lock{mutex};
    std::weak_ptr<Connection>& speaker = speakers[producer];
    before = speaker.lock();
    speaker = connection;
  }
  if (before && before != connection)
    before->finish(wire::FaultCode::fenced, "the producer speaks over another connection now");
}

bool Core::note_frame(const ProducerId& producer, std::uint64_t sequence, std::uint64_t checksum) {
  const std::lock_guard lock{mutex};
  const auto [history, fresh] = histories.try_emplace(producer);
  if (fresh) {
    remembered.push_back(producer);
    if (remembered.size() > options.max_producers_remembered) {
      histories.erase(remembered.front());
      remembered.pop_front();
    }
  }
  return history->second.note(sequence, checksum);
}

bool Core::take_room(std::size_t bytes) {
  if (large_bytes.fetch_add(bytes) + bytes <= options.large_messages_bytes) return true;
  large_bytes -= bytes;
  return false;
}

void Core::delivery_began() {
  const std::lock_guard lock{mutex};
  ++deliveries_under_way;
}

void Core::delivery_ended() {
  const std::lock_guard lock{mutex};
  --deliveries_under_way;
  changed.notify_all();
}

void Core::wait_for_deliveries() {
  std::unique_lock lock{mutex};
  changed.wait(lock, [this] { return deliveries_under_way == 0; });
}

bool Core::wait_until_empty(Steady::time_point deadline) {
  std::unique_lock lock{mutex};
  return changed.wait_until(lock, deadline, [this] { return connections.empty(); });
}

std::vector<std::shared_ptr<Connection>> Core::all() {
  const std::lock_guard lock{mutex};
  return {connections.begin(), connections.end()};
}

// ---------------------------------------- a connection: reading

Connection::Connection(Core& core, Socket socket)
    : core_(core),
      transport_(std::move(socket), core.options.tls ? core.options.tls->context() : nullptr),
      socket_(transport_.socket()),
      pause_(socket_.get_executor()),
      watchdog_(socket_.get_executor()) {}

Connection::~Connection() {
  core_.give_room(room_taken_);
  // One that was closed by the other side while the producer speaks over a new connection says nothing more.
}

void Connection::start() {
  error_code ec;
  const auto remote = socket_.remote_endpoint(ec);
  if (!ec) remote_ = remote.address().to_string();
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  socket_.set_option(asio::socket_base::keep_alive(true), ec);
  buffer_.resize(kSmallBuffer);
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->watch();
    if (!self->transport_.is_secured()) return self->read();
    self->transport_.async_handshake([self](const error_code& failed) {
      if (failed) return self->close();
      self->read();
    });
  });
}

void Connection::go_on() {
  if (closed_ || ending_ || reading_ || pausing_) return;
  if (take_messages()) read();
}

void Connection::read() {
  if (closed_ || ending_) return;
  if (begin_ > 0) {  // messages keep aligned: they begin where the buffer does
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_, begin_ = 0;
  }
  reading_ = true;
  transport_.async_read_some(asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
                             [self = shared_from_this()](const error_code& ec, std::size_t bytes) {
                               self->reading_ = false;
                               if (ec) return self->close();
                               self->arrived(bytes);
                             });
}

void Connection::arrived(std::size_t bytes) {
  bytes_read_ += bytes;
  end_ += bytes;
  const bool filled = end_ == buffer_.size();
  go_on();
  if (filled && !closed_ && !reading_) return;  // it waits for room: its buffer is large enough
  if (filled && buffer_.size() < kFastBuffer && !reading_) make_room_for(kFastBuffer);
}

/// Whether a frame more could be on its way.
bool Connection::may_take_more() {
  const bool full_window = frames_under_way_ + bundle_.frames.size() >= core_.options.window ||
                           bytes_under_way_ + bundle_.bytes >= core_.options.credit_bytes;
  // To a bundle that is judged nothing is added: it would be acknowledged with it, and not be in the store.
  if (judged_ || full_window || reader_.size() >= kBundleRows) {
    if (!send_bundle()) return false;
    if (frames_under_way_ >= core_.options.window || bytes_under_way_ >= core_.options.credit_bytes) return false;
  }
  // What is decoded takes memory: not before there is room for it.
  if (core_.store.has_room()) return true;
  wait_a_little();
  return false;
}

/// Takes all messages that are there. False: it is not to be read on; something else will call.
bool Connection::take_messages() {
  while (!closed_ && !ending_ && end_ - begin_ >= kWireHead) {
    const std::size_t size = wire_size(buffer_.data() + begin_);
    if (size == 0) {
      fault(wire::FaultCode::bad_message,
            "this is no message of Takt's binary protocol, or one that is too large");
      return false;
    }
    if (end_ - begin_ < size) {
      if (make_room_for(size)) break;
      wait_a_little();
      return false;
    }
    if (!may_take_more()) return false;
    const std::string_view bytes{buffer_.data() + begin_, size};
    const wire::Message* message = read_message(bytes);
    if (message == nullptr) {
      fault(wire::FaultCode::bad_message, "a message is damaged: its checksum or its structure is wrong");
      return false;
    }
    begin_ += size;
    ++messages_;
    handle(bytes, *message);
  }
  if (closed_ || ending_ || !send_bundle()) return false;
  shrink();
  return true;
}

/// Of large messages all connections together may have only so many bytes.
bool Connection::make_room_for(std::size_t message_bytes) {
  if (message_bytes <= buffer_.size()) return true;
  const std::size_t more = message_bytes - buffer_.size();
  if (!core_.take_room(more)) return false;
  room_taken_ += more;
  std::vector<char> larger(message_bytes);
  std::memcpy(larger.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_, begin_ = 0;
  buffer_.swap(larger);
  return true;
}

void Connection::shrink() {
  if (begin_ != end_ || end_ > kSmallBuffer || buffer_.size() <= kSmallBuffer) return;
  const std::size_t less = buffer_.size() - kSmallBuffer;
  std::vector<char>(kSmallBuffer).swap(buffer_);
  begin_ = end_ = 0;
  room_taken_ -= less;
  core_.give_room(less);
}

// ---------------------------------------- messages

void Connection::handle(std::string_view bytes, const wire::Message& message) {
  const bool welcome_is_due = source_ == nullptr;
  if (const auto* said = message.content_as_Hello(); said != nullptr && welcome_is_due) return hello(*said);
  if (welcome_is_due) return fault(wire::FaultCode::bad_message, "a producer begins with a Hello");
  if (const auto* said = message.content_as_Frame()) return frame(*said, bytes);
  if (const auto* said = message.content_as_Define()) return define(*said, bytes.size());
  fault(wire::FaultCode::bad_message, "this message is not a producer's, or not in its place");
}

void Connection::hello(const wire::Hello& hello) {
  if (hello.version() != kWireVersion) {
    return fault(wire::FaultCode::refused, fmt::format("this server speaks version {} of the protocol, not {}",
                                                       kWireVersion, hello.version()));
  }
  if (core_.options.admit) {
    auto admitted = core_.options.admit(text_of(hello.token()), transport_.certified_name(), remote_);
    if (!admitted) return fault(wire::FaultCode::refused, admitted.error().context);
    permit_ = std::move(*admitted);
  }
  producer_ = {hello.producer_high(), hello.producer_low()};
  epoch_ = hello.epoch();
  const ProducerState state = core_.store.producer(producer_).value_or(ProducerState{});
  if (epoch_ < state.epoch) return fault(wire::FaultCode::fenced, "another process continues this producer");
  std::string name{text_of(hello.name())};
  if (!is_name(name)) name = fmt::format("{:016x}{:016x}", producer_.high, producer_.low);
  source_ = core_.ingestor.sources().get("tcp " + name, "tcp");
  source_->set_state(SourceState::connected, remote_);
  received_ = durable_ = state.sequence;
  if (hello.oldest_sequence() > received_ + 1) {
    source_->add_gaps(hello.oldest_sequence() - received_ - 1);
    spdlog::warn("{}: frames {} to {} are lost: the producer has them no more", source_->name(), received_ + 1,
                 hello.oldest_sequence() - 1);
    received_ = hello.oldest_sequence() - 1;
    after_gap_ = true;
  }
  core_.speaks_for(producer_, shared_from_this());
  welcome();
}

void Connection::define(const wire::Define& define, std::size_t bytes) {
  const std::size_t count = define.series() == nullptr ? 0 : define.series()->size();
  if (define.first() > tags_.size() || define.first() + count > kMostTags) {
    return fault(wire::FaultCode::bad_message, fmt::format("tags are defined in a row, at most {}", kMostTags));
  }
  // A tag in memory takes a few times the bytes of its message.
  if (!core_.take_room(4 * bytes)) return fault(wire::FaultCode::unavailable, "too many tags are defined");
  room_taken_ += 4 * bytes;
  tags_.resize(std::max<std::size_t>(tags_.size(), define.first() + count));
  for (std::uint32_t i = 0; i < count; ++i) {
    tags_[define.first() + i] = tag_of(*define.series()->Get(i));
  }
  if (const auto named = name(tags_, define.first()); !named)
    fault(fault_of(named.error()), named.error().context);
}

Result<void> Connection::name(std::vector<WireTag>& tags, std::size_t first) {
  named_with_ = core_.store.plant();
  return name_tags(tags, first, core_.ingestor, permit_.get());
}

/// A machine that was not described when its tags were defined may be by now.
void Connection::name_again() {
  if (named_with_ == core_.store.plant()) return;
  if (const auto named = name(tags_, 0); !named) fault(fault_of(named.error()), named.error().context);
}

void Connection::frame(const wire::Frame& frame, std::string_view bytes) {
  const std::uint64_t sequence = frame.sequence();
  if (sequence > received_ + 1 || sequence == 0) {
    return fault(wire::FaultCode::sequence_gap,
                 fmt::format("frame {} came where frame {} was due", sequence, received_ + 1), received_ + 1);
  }
  if (!core_.note_frame(producer_, sequence, wire_checksum(bytes.data()))) {
    spdlog::error("{}: frame {} was sent twice with different content", source_->name(), sequence);
    return fault(wire::FaultCode::conflict,
                 fmt::format("frame {} was sent before with other content; the producer is broken", sequence));
  }
  if (sequence <= received_) {  // sent again; if it is still under way, its own answer is the answer
    if (sequence <= durable_) ack_.sequence = durable_, ack_due_ = true, acknowledge();
    return;
  }
  add_to_bundle(frame, bytes.size());
}

void Connection::add_to_bundle(const wire::Frame& frame, std::size_t bytes) {
  TAKT_INVARIANT(!judged_);
  name_again();
  if (closed_ || ending_) return;
  const auto [oldest, latest] = core_.ingestor.reading_times();
  const std::size_t first_index = reader_.size();
  if (const wire::Batch* batch = frame.batch()) {
    const auto* own = batch->readings() == nullptr ? nullptr : batch->readings()->series();
    std::vector<WireTag> tags;
    if (own != nullptr) {
      for (const wire::Series* series : *own) tags.push_back(tag_of(*series));
      if (const auto named = name(tags, 0); !named) return fault(fault_of(named.error()), named.error().context);
    }
    const auto added = reader_.add(*batch, own == nullptr ? tags_ : tags, {oldest, latest});
    if (!added) return fault(wire::FaultCode::bad_message, added.error().context);
  }
  received_ = frame.sequence();
  bundle_.frames.push_back({received_, first_index});
  bundle_.bytes += bytes;
}

// ---------------------------------------- to the store and back

/// False: the store is full; it is tried again soon.
bool Connection::send_bundle() {
  if (bundle_.frames.empty()) return true;
  if (!judged_) {
    delivery_.batch = std::move(reader_.events);
    delivery_.readings = std::move(reader_.readings);
    reader_ = {};
    delivery_.source = source_->name();
    delivery_.frames = ProducerFrames{producer_, epoch_, bundle_.frames.front().sequence,
                                      bundle_.frames.back().sequence, after_gap_};
    auto judged = core_.ingestor.check(delivery_, *source_, permit_.get());
    if (!judged) {
      fault(fault_of(judged.error()), judged.error().context);
      return false;
    }
    judged_ = std::make_shared<IngestAnswer>(std::move(*judged));
  }
  return submit();
}

bool Connection::submit() {
  auto bundle = std::make_shared<Bundle>(bundle_);
  core_.delivery_began();
  // On the committer's thread: the answer goes to the strand. After delivery_ended() the server may be gone, and a
  // connection must not outlive it.
  const auto done = [&core = core_, self = shared_from_this(), bundle](Result<IngestAnswer> answer) mutable {
    {
      const Strand strand = self->socket_.get_executor();
      asio::post(strand, [self = std::move(self), bundle = std::move(bundle), answer = std::move(answer)] {
        self->answered(*bundle, answer);
      });
    }
    core.delivery_ended();
  };
  if (!core_.ingestor.submit(delivery_, source_, judged_, done)) {
    core_.delivery_ended();
    wait_a_little();
    return false;
  }
  frames_under_way_ += bundle->frames.size();
  bytes_under_way_ += bundle->bytes;
  after_gap_ = false;
  judged_.reset();
  delivery_ = {};
  bundle_ = {};
  return true;
}

void Connection::answered(const Bundle& bundle, const Result<IngestAnswer>& answer) {
  frames_under_way_ -= bundle.frames.size();
  bytes_under_way_ -= bundle.bytes;
  if (closed_) return;
  if (!answer) return fault(fault_of(answer.error()), answer.error().context);
  durable_ = bundle.frames.back().sequence;
  add_to_ack(bundle, *answer);
  acknowledge();
  if (ending_ && frames_under_way_ == 0 && last_word_) {
    const auto [code, message] = *std::exchange(last_word_, std::nullopt);
    return fault(code, message);
  }
  go_on();
}

void Connection::add_to_ack(const Bundle& bundle, const IngestAnswer& answer) {
  ack_due_ = true;
  ack_.sequence = durable_;
  ack_.commit = answer.sequence;
  ack_.accepted += answer.accepted;
  ack_.duplicate += answer.duplicate;
  ack_.rejected += answer.rejected;
  for (const RejectedEvent& rejected : answer.rejects) {
    if (ack_.rejects.size() >= kMostRejects) return;
    const auto after =
        std::upper_bound(bundle.frames.begin(), bundle.frames.end(), rejected.index,
                         [](std::size_t index, const SentFrame& f) { return index < f.first_index; });
    const SentFrame& frame = *std::prev(after);
    ack_.rejects.push_back({{frame.sequence, rejected.index - frame.first_index}, rejected});
  }
}

void Connection::acknowledge() {
  if (!ack_due_ || writing_ || closed_) return;
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<wire::Reject>> rejects;
  for (const auto& [place, rejected] : ack_.rejects) {
    const auto code = builder.CreateString(std::string{name_of(rejected.code)});
    const auto message = builder.CreateString(rejected.message);
    rejects.push_back(
        wire::CreateReject(builder, place.sequence, static_cast<std::uint32_t>(place.first_index), code, message));
  }
  const auto list = rejects.empty() ? 0 : builder.CreateVector(rejects);
  const auto ack = wire::CreateAck(builder, ack_.sequence, ack_.commit, ack_.accepted, ack_.duplicate,
                                   ack_.rejected, list, core_.options.credit_bytes);
  builder.Finish(wire::CreateMessage(builder, wire::Content::Ack, ack.Union()));
  ack_ = {};
  ack_due_ = false;
  std::string bytes;
  append_message(bytes, builder);
  write(bytes);
}

// ---------------------------------------- writing and ending

void Connection::welcome() {
  flatbuffers::FlatBufferBuilder builder;
  const auto store = builder.CreateString(core_.store.id());
  const auto welcome =
      wire::CreateWelcome(builder, kWireVersion, durable_, core_.options.window, core_.options.credit_bytes,
                          static_cast<std::uint32_t>(kMostMessageBytes), core_.store.sequence(), store);
  builder.Finish(wire::CreateMessage(builder, wire::Content::Welcome, welcome.Union()));
  std::string bytes;
  append_message(bytes, builder);
  write(bytes);
}

/// The last word of the server; what is under way may still be committed, and is a repetition then when it is sent
/// again.
void Connection::fault(wire::FaultCode code, const std::string& message, std::uint64_t expected) {
  if (closed_) return;
  ending_ = true;
  last_word_.reset();
  acknowledge();
  flatbuffers::FlatBufferBuilder builder;
  const auto text = builder.CreateString(message);
  const auto fault = wire::CreateFault(builder, code, text, expected);
  builder.Finish(wire::CreateMessage(builder, wire::Content::Fault, fault.Union()));
  std::string bytes;
  append_message(bytes, builder);
  write(bytes);
}

void Connection::finish(wire::FaultCode code, std::string message) {
  asio::post(socket_.get_executor(), [self = shared_from_this(), code, message = std::move(message)] {
    if (self->closed_ || self->ending_) return;
    self->ending_ = true;
    if (self->frames_under_way_ == 0) return self->fault(code, message);
    self->last_word_.emplace(code, message);
  });
}

void Connection::write(std::string_view bytes) {
  outgoing_ += bytes;
  if (writing_ || closed_) return;
  writing_ = true;
  being_written_ = std::exchange(outgoing_, {});
  asio::async_write(transport_, asio::buffer(being_written_),
                    [self = shared_from_this()](const error_code& ec, std::size_t) {
                      self->writing_ = false;
                      if (ec) return self->close();
                      self->written();
                    });
}

void Connection::written() {
  acknowledge();
  if (!outgoing_.empty()) return write({});
  if (ending_ && !last_word_ && !writing_) close();
}

void Connection::wait_a_little() {
  if (pausing_ || closed_) return;
  pausing_ = true;
  pause_.expires_after(kPause);
  pause_.async_wait([self = shared_from_this()](const error_code&) {
    self->pausing_ = false;
    self->go_on();
  });
}

/// Lets go of who does not begin, or does not end what was begun.
void Connection::watch() {
  messages_when_watched_ = messages_;
  bytes_when_watched_ = bytes_read_;
  watchdog_.expires_after(core_.options.patience);
  watchdog_.async_wait([self = shared_from_this()](const error_code& ec) {
    if (ec || self->closed_) return;
    const bool moved = self->messages_ != self->messages_when_watched_ ||
                       self->bytes_read_ - self->bytes_when_watched_ >= kLeastProgress;
    const bool owes = self->source_ == nullptr || (self->reading_ && self->end_ > self->begin_);
    const bool deaf = self->ending_;  // it does not take the last word
    if ((owes && !moved) || deaf) return self->close();
    self->watch();
  });
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  error_code ec;
  socket_.shutdown(asio::socket_base::shutdown_both, ec);
  socket_.close(ec);
  pause_.cancel();
  watchdog_.cancel();
  if (source_) source_->set_state(SourceState::disconnected, remote_);
  core_.leave(shared_from_this());
}

}  // namespace takt::tcp
