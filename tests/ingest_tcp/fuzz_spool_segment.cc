#include "client/spool.h"
#include "tests/ingest_tcp/fuzz.h"
#include "tests/ingest_tcp/sealed_messages.h"
#include "tests/support/fuzz_require.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace takt::fuzz {
namespace {

/// Of this process, in memory where the system has such a folder: a spool syncs.
const std::filesystem::path& folder() {
  static const std::filesystem::path made = [] {
    const std::filesystem::path memory = "/dev/shm";
    std::string name = ((std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path()) /
                        "takt-fuzz-XXXXXX")
                           .string();
    require(::mkdtemp(name.data()) != nullptr);
    std::atexit([] { std::filesystem::remove_all(folder()); });
    return std::filesystem::path{name};
  }();
  return made;
}

client::SpoolOptions options() {
  client::SpoolOptions options;
  options.folder = folder();
  return options;
}

/// What there is to read: messages that are whole, frames whose numbers rise.
Seen read_all(client::Spool& spool, std::uint64_t& last) {
  Seen seen;
  spool.seek(spool.oldest_sequence());
  for (int damages = 0;;) {
    const auto message = spool.next();
    if (!message) {
      require(++damages < 100);
      ++seen.rejected;
      continue;
    }
    if (message->empty()) return seen;
    const wire::Message* read = read_message(*message);
    require(read != nullptr);
    const auto* frame = read->content_as_Frame();
    if (frame == nullptr) continue;
    require(frame->sequence() < spool.next_sequence());
    last = std::max(last, frame->sequence());
    ++seen.accepted;
  }
}

}  // namespace

Seen spool_segment(std::string_view data) {
  for (const auto& entry : std::filesystem::directory_iterator{folder()}) std::filesystem::remove(entry.path());
  std::ofstream{folder() / "1.spool", std::ios::binary} << sealed_messages(data)
                                                        << data.substr(0, data.size() % 16);
  auto spool = client::Spool::open(options());
  if (!spool) return {0, 1};
  std::uint64_t last = 0;
  const Seen seen = read_all(**spool, last);
  // It goes on with a number that nobody had, and what it takes is there when it is opened again.
  const std::uint64_t next = (*spool)->next_sequence();
  require(next > last);
  client::FrameWriter writer;
  const std::string frame{writer.frame(next, client::ReadingColumns{})};
  require((*spool)->append(frame).has_value());
  spool->reset();
  auto again = client::Spool::open(options());
  require(again.has_value() && (*again)->next_sequence() > next);
  std::uint64_t found = 0;
  read_all(**again, found);
  require(found == next);
  return seen;
}

}  // namespace takt::fuzz
