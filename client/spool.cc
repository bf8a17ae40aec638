#include "client/spool.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

namespace takt::client {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10U;
constexpr std::uint64_t kJump = std::uint64_t{1} << 20U;          // more frames than can have been sent and lost
constexpr std::uint64_t kMostSequence = std::uint64_t{1} << 63U;  // nobody sends so many; the numbers have an end
constexpr std::string_view kSuffix = ".spool";

Error failed(std::string_view what, const std::filesystem::path& path) {
  return io_error(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(errno)));
}

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

std::string this_boot() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string id;
  file >> id;
  return id.empty() ? "unknown" : id;
}

/// The frame's sequence; 0: the message is no frame.
std::uint64_t sequence_of(const wire::Message& message) {
  const auto* frame = message.content_as_Frame();
  return frame == nullptr ? 0 : frame->sequence();
}

void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

/// Whole or not at all, whenever power fails.
Result<void> replace_file(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path fresh = path.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed("write", fresh);
  const bool written =
      ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) return failed("write", path);
  sync_folder(path.parent_path());
  return {};
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::open(SpoolOptions options) {
  std::error_code ec;
  std::filesystem::create_directories(options.folder, ec);
  if (ec) return io_error("cannot make the spool folder " + options.folder.string() + ": " + ec.message());
  std::unique_ptr<Spool> spool{new Spool{std::move(options)}};
  for (const auto step : {&Spool::lock, &Spool::read_identity, &Spool::find_segments, &Spool::recover_last}) {
    if (const auto done = (*spool.*step)(); !done) return done.error();
  }
  return spool;
}

Spool::~Spool() {
  for (const int fd : {in_, out_, lock_}) {
    if (fd >= 0) ::close(fd);
  }
}

Result<void> Spool::lock() {
  const auto path = options_.folder / "lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return failed("open", path);
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  return Error{ErrorCode::conflict,
               "another process uses the spool " + options_.folder.string() + "; stop it or name another folder"};
}

/// `producer` holds the id for ever, an epoch that rises with each process, and when the system was started:
/// frames that were left to the system may be gone after it was started again.
Result<void> Spool::read_identity() {
  const auto path = options_.folder / "producer";
  std::ifstream file{path};
  std::string magic;
  std::string boot;
  if (file) {
    file >> magic >> std::hex >> id_high_ >> id_low_ >> std::dec >> epoch_ >> boot;
    power_was_lost_ = boot != this_boot();
    if (!file || magic != "takt-producer-1") return corruption(path.string() + " is not a producer of Takt");
  } else {
    id_high_ = random_number(), id_low_ = random_number();
  }
  ++epoch_;
  return replace_file(
      path, fmt::format("takt-producer-1 {:016x} {:016x} {} {}\n", id_high_, id_low_, epoch_, this_boot()));
}

Result<void> Spool::find_segments() {
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator{options_.folder, ec}) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    std::uint64_t first = 0;
    const char* end = name.data() + name.size() - kSuffix.size();
    const auto [at, error] = std::from_chars(name.data(), end, first);
    if (error != std::errc{} || at != end)
      return corruption(entry.path().string() + " is not a segment of a spool");
    segments_.push_back({first, entry.file_size(ec), entry.path()});
  }
  if (ec) return io_error("cannot read the spool " + options_.folder.string() + ": " + ec.message());
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.first < b.first; });
  return {};
}

/// Reads the last segment for its tags and its last frame, and cuts off what a crash left unfinished.
Result<void> Spool::recover_last() {
  if (segments_.empty()) return {};
  Segment& last = segments_.back();
  next_ = last.first;
  std::ifstream file{last.path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  const std::string bytes = text.str();
  std::size_t good = 0;
  while (bytes.size() - good >= kWireHead) {
    const std::size_t size = wire_size(bytes.data() + good);
    if (size == 0 || bytes.size() - good < size) break;
    const wire::Message* message = read_message(std::string_view{bytes}.substr(good, size));
    if (message == nullptr) break;
    const std::uint64_t sequence = sequence_of(*message);
    if (sequence != 0 && (sequence < next_ || sequence >= kMostSequence)) break;  // a number is never used twice
    if (sequence != 0) next_ = sequence + 1;
    if (const auto* define = message->content_as_Define()) tags_.learn(*define);
    good += size;
  }
  const std::size_t torn = bytes.size() - good < kWireHead ? 0 : wire_size(bytes.data() + good);
  const bool damaged = bytes.size() - good >= kWireHead && (torn == 0 || bytes.size() - good >= torn);
  if (damaged || (power_was_lost_ && options_.sync == SpoolSync::never)) {
    next_ += kJump;
  } else {
    out_ = ::open(last.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (out_ < 0) return failed("open", last.path);
    defined_ = tags_.size();
  }
  if (::truncate(last.path.c_str(), static_cast<off_t>(good)) != 0) return failed("cut", last.path);
  last.bytes = good;
  return {};
}

// ---------------------------------------- writing

std::uint64_t Spool::next_sequence() const {
  const std::lock_guard lock{mutex_};
  return next_;
}

Result<void> Spool::append(std::string_view frame) {
  if (frame.size() > kWireHead + kMostMessageBytes) return invalid("a frame is larger than a message may be");
  if (const auto room = make_room(frame.size()); !room) return room;
  bool full = out_ < 0;
  {
    const std::lock_guard lock{mutex_};
    full = full || segments_.back().damaged || segments_.back().bytes >= options_.segment_bytes;
  }
  if (full) {
    if (const auto begun = begin_segment(); !begun) return begun;
  }
  std::string definitions;
  if (tags_.size() > defined_) definitions = tags_.definitions(defined_);
  if (!definitions.empty()) {
    if (const auto written = write(definitions); !written) return written;
    defined_ = tags_.size();
  }
  if (const auto written = write(frame); !written) return written;
  if (options_.sync == SpoolSync::each && ::fdatasync(out_) != 0) return failed("sync", options_.folder);
  const std::lock_guard lock{mutex_};
  ++next_;
  return {};
}

/// All segments together stay within the limit, or the oldest go.
Result<void> Spool::make_room(std::size_t more) {
  const std::lock_guard lock{mutex_};
  const auto used = [&] {
    std::uint64_t sum = more;
    for (const Segment& segment : segments_) sum += segment.bytes;
    return sum;
  };
  while (used() > options_.max_bytes) {
    if (options_.when_full == WhenFull::stop || segments_.size() < 2)
      return unavailable(fmt::format("the spool {} is full ({} MiB); the server has not taken it in yet",
                                     options_.folder.string(), options_.max_bytes >> 20U));
    dropped_ += segments_[1].first - segments_[0].first;
    remove_oldest();
  }
  return {};
}

Result<void> Spool::begin_segment() {
  const std::uint64_t first = next_sequence();
  const auto path = options_.folder / fmt::format("{:020}{}", first, kSuffix);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return failed("make", path);
  if (out_ >= 0) ::close(out_);
  out_ = fd;
  defined_ = 0;
  if (options_.sync == SpoolSync::each) sync_folder(options_.folder);
  const std::lock_guard lock{mutex_};
  segments_.push_back({first, 0, path});
  return {};
}

Result<void> Spool::write(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(out_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const Error error = failed("write", options_.folder);
      // The reader sees whole messages only.
      if (::ftruncate(out_, static_cast<off_t>(segments_.back().bytes)) != 0) out_ = -1;
      return error;
    }
    done += static_cast<std::size_t>(n);
  }
  const std::lock_guard lock{mutex_};
  segments_.back().bytes += bytes.size();
  return {};
}

void Spool::remove_oldest() {
  ::unlink(segments_.front().path.c_str());
  segments_.pop_front();
}

// ---------------------------------------- reading

std::uint64_t Spool::oldest_sequence() const {
  const std::lock_guard lock{mutex_};
  return segments_.empty() ? next_ : segments_.front().first;
}

void Spool::acknowledged(std::uint64_t sequence) {
  const std::lock_guard lock{mutex_};
  while (segments_.size() > 1 && segments_[1].first <= sequence + 1) remove_oldest();
}

void Spool::seek(std::uint64_t sequence) {
  const std::lock_guard lock{mutex_};
  if (in_ >= 0) ::close(in_);
  in_ = -1, reading_ = 0, offset_ = 0, taken_ = 0;
  buffer_.clear();
  for (const Segment& segment : segments_) {
    if (reading_ == 0 || segment.first <= sequence) reading_ = segment.first;
  }
}

/// Reads on in the segment, or in the one after it; false: there is no more for now.
bool Spool::fill() {
  for (;;) {
    std::uint64_t end = 0;
    std::filesystem::path path;
    std::uint64_t after = 0;
    {
      const std::lock_guard lock{mutex_};
      for (const Segment& segment : segments_) {
        if (segment.damaged) continue;
        if (segment.first == reading_ || (reading_ == 0 && path.empty()))
          reading_ = segment.first, end = segment.bytes, path = segment.path;
        else if (segment.first > reading_ && reading_ != 0 && after == 0)
          after = segment.first;
      }
    }
    if (!path.empty() && offset_ < end) {
      if (in_ < 0) in_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      const std::size_t before = buffer_.size();
      buffer_.resize(before + static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, end - offset_)));
      const ssize_t n =
          in_ < 0 ? -1
                  : ::pread(in_, buffer_.data() + before, buffer_.size() - before, static_cast<off_t>(offset_));
      buffer_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
      if (n > 0) offset_ += static_cast<std::uint64_t>(n);
      return n > 0;
    }
    // Of a segment that was dropped meanwhile the rest of a message will never come.
    if (path.empty()) buffer_.clear();
    if (after == 0 || !buffer_.empty()) return false;
    if (in_ >= 0) ::close(in_);
    in_ = -1, reading_ = after, offset_ = 0;
  }
}

Result<std::string_view> Spool::next() {
  if (taken_ > 0 && (taken_ == buffer_.size() || taken_ >= kReadBytes)) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  for (;;) {
    const std::string_view rest = std::string_view{buffer_}.substr(taken_);
    const std::size_t size = rest.size() < kWireHead ? 0 : wire_size(rest.data());
    const bool impossible = rest.size() >= kWireHead && size == 0;
    if (size > 0 && rest.size() >= size) {
      taken_ += size;
      if (read_message(rest.substr(0, size)) != nullptr) return rest.substr(0, size);
    } else if (!impossible) {
      if (taken_ > 0) buffer_.erase(0, std::exchange(taken_, 0));
      if (fill()) continue;
      return std::string_view{};
    }
    let_go_of_damaged();
    return corruption(fmt::format("a segment of the spool {} is damaged", options_.folder.string()));
  }
}

void Spool::let_go_of_damaged() {
  const std::lock_guard lock{mutex_};
  buffer_.clear();
  taken_ = 0, offset_ = 0;
  if (in_ >= 0) ::close(std::exchange(in_, -1));
  for (Segment& segment : segments_) {
    if (segment.first == reading_) segment.damaged = true;
  }
}

std::uint64_t Spool::bytes() const {
  const std::lock_guard lock{mutex_};
  std::uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.bytes;
  return sum;
}

std::uint64_t Spool::dropped() const {
  const std::lock_guard lock{mutex_};
  return dropped_;
}

}  // namespace takt::client
