#include "cli/import_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

namespace takt {
namespace {

constexpr const char* kMagic = "takt-import-1";

}  // namespace

ImportState::ImportState(const std::string& file, const std::string& what) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  const auto changed = failed ? std::filesystem::file_time_type{} : std::filesystem::last_write_time(file, failed);
  if (file == "-" || failed) return;
  path_ = file + ".takt-import";
  key_ = fmt::format("{} {} {}", size, changed.time_since_epoch().count(), what);
  std::ifstream in{path_};
  std::string magic;
  std::string key;
  std::uint64_t events = 0;
  if (std::getline(in, magic) && std::getline(in, key) && in >> events && magic == kMagic && key == key_)
    before_ = events;
}

void ImportState::acknowledged(std::uint64_t events) {
  events_ = events;
  if (std::chrono::steady_clock::now() < next_) return;
  next_ = std::chrono::steady_clock::now() + std::chrono::seconds{1};
  write();
}

void ImportState::keep() { write(); }

void ImportState::write() {
  if (path_.empty() || events_ <= before_ || events_ == written_) return;
  const std::string fresh = path_ + ".new";
  std::ofstream{fresh} << kMagic << '\n' << key_ << '\n' << events_ << '\n';
  std::error_code ignored;
  std::filesystem::rename(fresh, path_, ignored);
  written_ = events_;
}

void ImportState::finish() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

}  // namespace takt
