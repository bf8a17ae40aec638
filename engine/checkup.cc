#include "engine/checkup.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "engine/disk.h"
#include "engine/event_codec.h"
#include "engine/events/event_chunk.h"
#include "engine/folder_mark.h"
#include "engine/write_log.h"

namespace takt {
namespace {

namespace fs = std::filesystem;
using Disk = Store::Disk;

constexpr auto kPatience = std::chrono::seconds{5};  // for counting; beyond it "at least" is good enough
constexpr std::uint64_t kLongLog = std::uint64_t{1} << 30U;
constexpr std::uint64_t kManyRefused = 90'000;  // of the 100,000 that are kept
constexpr Duration kAhead = std::chrono::minutes{5};

std::string size_text(std::uint64_t bytes) {
  if (bytes < std::uint64_t{10} << 10U) return fmt::format("{} bytes", bytes);
  if (bytes < std::uint64_t{10} << 20U) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
  if (bytes < std::uint64_t{10} << 30U) return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 1048576);
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / 1073741824);
}

Timestamp modified(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return kBeginOfTime;
  return from_micros(std::int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1000);
}

class Doctor {
 public:
  Doctor(const fs::path& directory, const Clock& clock) : directory_(directory), now_(clock.now()) {}

  CheckUp run() {
    if (!look_at_mark()) return std::move(result_);
    look_at_permissions();
    look_at_space();
    look_at_files();
    if (!look_at_lock() || !look_at_logs()) return std::move(result_);
    look_inside();
    return std::move(result_);
  }

 private:
  void say(Health health, std::string topic, std::string text, std::string remedy = {}) {
    result_.findings.push_back({health, std::move(topic), std::move(text), std::move(remedy)});
  }
  void ok(std::string topic, std::string text) { say(Health::ok, std::move(topic), std::move(text)); }

  bool look_at_mark() {
    if (!fs::is_directory(directory_)) {
      say(Health::bad, "folder", directory_.string() + " is no folder", "name the data folder with --data");
      return false;
    }
    const auto mark = read_mark(directory_);
    if (!mark) {
      say(Health::bad, "folder", mark.error().context);
      return false;
    }
    result_.store_id = mark->identity();
    ok("folder", fmt::format("Takt data of format {}, store {}{}", kStoreFormat, mark->id,
                             mark->incarnation.empty() ? ""
                                                       : fmt::format(", restored {} times ({})",
                                                                     mark->times_restored(), mark->incarnation)));
    return true;
  }

  void look_at_permissions() {
    std::string blocked;
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator{directory_, error};
         !error && at != fs::recursive_directory_iterator{}; at.increment(error)) {
      if (::access(at->path().c_str(), R_OK | W_OK) != 0) blocked = at->path().string();
    }
    if (::access(directory_.c_str(), R_OK | W_OK | X_OK) != 0) blocked = directory_.string();
    if (blocked.empty() && !error) return ok("permissions", "this user may read and write everything");
    say(Health::bad, "permissions",
        "this user may not read and write " + (blocked.empty() ? error.message() : blocked),
        "run as the user of the server, or give the folder to this one: chown -R USER " + directory_.string());
  }

  void look_at_space() {
    struct statvfs disk {};
    if (::statvfs(directory_.c_str(), &disk) != 0) return;
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    const std::uint64_t total = std::uint64_t{disk.f_blocks} * disk.f_frsize;
    const std::uint64_t reserve =
        std::clamp<std::uint64_t>(total / 20, std::uint64_t{16} << 20U, std::uint64_t{512} << 20U);
    const std::string text = fmt::format("{} of {} are free; {} are kept in reserve", size_text(free),
                                         size_text(total), size_text(reserve));
    if (free < reserve) return say(Health::bad, "disk", text, "nothing is taken in: make room on this disk");
    if (free < 4 * reserve)
      return say(Health::warn, "disk", text, "make room soon, or move the folder to a larger disk");
    ok("disk", text);
  }

  void look_at_files() {
    std::map<std::string, std::pair<std::uint64_t, std::size_t>> kinds;
    std::uint64_t total = 0;
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator{directory_, error};
         !error && at != fs::recursive_directory_iterator{}; at.increment(error)) {
      std::error_code gone;
      const std::uint64_t size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
      if (gone || !at->is_regular_file(gone)) continue;
      const std::string extension = at->path().extension().string();
      const std::string name = at->path().filename().string();
      const bool database = at->path().parent_path().filename() == "db";
      const char* kind = database && extension == ".sst"   ? "tables"
                         : database && extension == ".log" ? "write-ahead logs"
                         : name.starts_with("warehouse")   ? "warehouse"
                                                           : "others";
      kinds[kind].first += size;
      ++kinds[kind].second;
      total += size;
      if (database) last_written_ = std::max(last_written_, modified(at->path()));
    }
    std::string text = size_text(total) + " in all:";
    for (const auto& [kind, sum] : kinds)
      text += fmt::format(" {} {} in {} files,", kind, size_text(sum.first), sum.second);
    text.pop_back();
    ok("files", text);
    const std::uint64_t logs = kinds["write-ahead logs"].first;
    if (logs > kLongLog) {
      say(Health::warn, "write-ahead logs", size_text(logs) + ", which makes starting slow",
          "stop and start the server, or run takt compact");
    }
    if (last_written_ > now_ + kAhead) {
      say(Health::bad, "clock",
          fmt::format("it says {}, but files were written at {}", format_time(now_), format_time(last_written_)),
          "set this machine's clock right (timedatectl)");
    } else {
      ok("last write", format_time(last_written_));
    }
  }

  bool look_at_lock() {
    const auto holder = lock_holder(directory_);
    if (!holder) {
      ok("in use", "by nobody");
      return true;
    }
    ok("in use", "by " + name_of_process(*holder) +
                     "; what is inside was not looked at: ask GET /v1/status, or stop the server first");
    return false;
  }

  bool look_at_logs() {
    const auto logs = Disk::check_logs(directory_);
    if (logs) return ok("write-ahead logs", "can be replayed"), true;
    say(Health::bad, "database", logs.error().context);
    return false;
  }

  void look_inside() {
    const auto disk = Disk::open_to_read(directory_);
    if (!disk) return say(Health::bad, "database", disk.error().context);
    result_.looked_inside = true;
    look_at_families(**disk);
    look_at_contents(**disk);
    look_at_readings(**disk);
    look_at_quarantine(**disk);
  }

  void look_at_families(const Disk& disk) {
    std::string text;
    std::vector<rocksdb::LiveFileMetaData> files;
    disk.database().GetLiveFilesMetaData(&files);
    for (std::size_t i = 0; i < Disk::families; ++i) {
      const auto family = static_cast<Disk::Family>(i);
      std::uint64_t keys = 0, bytes = 0;
      for (const auto& file : files) bytes += file.column_family_name == Disk::name_of(family) ? file.size : 0;
      if (disk.has(family))
        disk.database().GetIntProperty(disk[family], rocksdb::DB::Properties::kEstimateNumKeys, &keys);
      text += fmt::format("{}{} {} (about {} keys)", text.empty() ? "" : ", ", Disk::name_of(family),
                          size_text(bytes), keys);
    }
    ok("families", text);
  }

  void look_at_contents(const Disk& disk) {
    std::size_t machines = 0, tags = 0, plants = 0;
    const auto named = disk.scan(Disk::meta, "", [&](std::string_view key, std::string_view value) {
      if (key == "sequence") result_.commit = sequence_of_key(value);
      machines += key[0] == 'm' && key.size() == 9;
      tags += (key[0] == 't' || key[0] == 's') && key.size() == 9;
      plants += key[0] == 'p' && key.size() == 9;
      return true;
    });
    if (!named) return say(Health::bad, "database", named.error().context);
    if (plants == 0)
      say(Health::warn, "plant", "there is no description of the plant",
          "give one with takt serve --config plant.toml");
    std::uint64_t events = 0;
    Timestamp first = kEndOfTime, last = kBeginOfTime;
    std::vector<Event> frame;
    std::string damage;
    const auto began = std::chrono::steady_clock::now();
    bool all = true;
    const auto read = disk.scan(Disk::events, "", [&](std::string_view key, std::string_view value) {
      frame.clear();
      if (!decode_frame(value, frame))
        damage = fmt::format("the events of commit {} are damaged", sequence_of_key(key));
      for (const Event& event : frame) {
        if (event.type == EventType::reading) continue;
        ++events;
        first = std::min(first, event.at);
        last = std::max(last, event.at);
      }
      all = std::chrono::steady_clock::now() - began < kPatience;
      return all;
    });
    if (!read) say(Health::bad, "database", read.error().context);
    std::uint64_t damaged = 0;
    const auto sealed = disk.scan(Disk::event_chunk, "", [&](std::string_view, std::string_view value) {
      const auto head = read_event_chunk_head(value);
      if (!head) return ++damaged, true;
      events += head->rows;
      first = std::min(first, head->first);
      last = std::max(last, head->last);
      return true;
    });
    if (!sealed) say(Health::bad, "database", sealed.error().context);
    if (damaged > 0)
      damage += fmt::format("{}{} chunks of events are damaged", damage.empty() ? "" : "; ", damaged);
    if (!damage.empty())
      say(Health::bad, "events", damage, "see all with takt verify; get the data back with takt restore");
    ok("contents", fmt::format("{} machines, {} tags, newest commit {}", machines, tags, result_.commit));
    std::string text = fmt::format("{}{} besides readings", all ? "" : "at least ", events);
    if (events > 0) text += fmt::format(", from {} to {}", format_time(first), format_time(last));
    ok("events", text);
    newest_ = std::max(newest_, last);
  }

  /// All that is known of chunks stands here.
  void look_at_readings(const Disk& disk) {
    std::uint64_t chunks = 0, rows = 0, damaged = 0;
    Timestamp first = kEndOfTime, last = kBeginOfTime;
    const auto read = disk.scan(Disk::chunk_index, "", [&](std::string_view, std::string_view value) {
      const auto chunk = read_chunk_head(value);
      if (!chunk) return ++damaged, true;
      ++chunks;
      rows += std::uint64_t{chunk->rows} * chunk->series.size();
      first = std::min(first, chunk->first);
      last = std::max(last, chunk->last);
      return true;
    });
    if (!read) say(Health::bad, "database", read.error().context);
    if (damaged > 0) {
      say(Health::bad, "readings", fmt::format("{} chunks are damaged", damaged),
          "see which with takt verify; get the data back with takt restore");
    }
    std::uint64_t commits = 0;
    const auto waiting =
        disk.scan(Disk::journal, "", [&](std::string_view, std::string_view) { return ++commits, true; });
    if (!waiting) say(Health::bad, "database", waiting.error().context);
    std::string text = fmt::format("{} in {} chunks", rows, chunks);
    if (chunks > 0) text += fmt::format(", from {} to {}", format_time(first), format_time(last));
    ok("readings", text + fmt::format("; {} commits wait in the journal", commits));
    newest_ = std::max(newest_, last);
    if (newest_ > now_ + kAhead) {
      say(Health::warn, "clock",
          fmt::format("it says {}, but there is data of {}", format_time(now_), format_time(newest_)),
          "if the clock is behind, set it right (timedatectl): events are refused that lie in its future");
    }
  }

  void look_at_quarantine(const Disk& disk) {
    std::uint64_t entries = 0, bytes = 0;
    const auto read = disk.scan(Disk::quarantined, "", [&](std::string_view, std::string_view value) {
      ++entries;
      bytes += value.size();
      return true;
    });
    if (!read) return say(Health::bad, "database", read.error().context);
    const std::string text = fmt::format("{} refused events, {}", entries, size_text(bytes));
    if (entries < kManyRefused) return ok("quarantine", text);
    say(Health::warn, "quarantine", text + "; beyond 100000 the oldest go",
        "see GET /v1/quarantine for what is wrong with them, and mend the sender");
  }

  const fs::path& directory_;
  Timestamp now_;
  Timestamp last_written_ = kBeginOfTime, newest_ = kBeginOfTime;
  CheckUp result_;
};

}  // namespace

CheckUp check_up(const fs::path& directory, const Clock& clock) { return Doctor{directory, clock}.run(); }

}  // namespace takt
