#include "engine/folder_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

namespace takt {
namespace {

constexpr const char* kWord = "takt-store";
constexpr const char* kSyncedWord = "synced";

std::string random_digits(int count) {
  std::random_device device;
  std::string digits;
  for (int i = 0; i < count; ++i) digits.push_back("0123456789abcdef"[device() & 15U]);
  return digits;
}

}  // namespace

std::string FolderMark::text() const {
  std::string line = std::string{kWord} + ' ' + std::to_string(kStoreFormat) + ' ' + id;
  if (!incarnation.empty()) line += ' ' + incarnation;
  return line + '\n';
}

int FolderMark::times_restored() const {
  int times = 0;
  std::from_chars(incarnation.data(), incarnation.data() + incarnation.size(), times);
  return times;
}

FolderMark FolderMark::restored() const {
  // Random beside the count: two copies restored from one backup must not be taken for each other.
  return {id, std::to_string(times_restored() + 1) + '-' + random_digits(8), format};
}

FolderMark FolderMark::fresh() { return {random_digits(32), {}, kStoreFormat}; }

Result<FolderMark> FolderMark::parse(std::string_view text, const std::string& where) {
  std::istringstream words{std::string{text}};
  std::string word;
  FolderMark mark;
  int& format = mark.format = 0;
  words >> word >> format >> mark.id;
  if (word != kWord || format < 1 || mark.id.empty()) {
    return corruption(where + " is damaged; restore the data folder from a backup with takt restore");
  }
  if (format > kStoreFormat) {
    return corruption(where + " says that the data is of format " + std::to_string(format) +
                      ", this program reads up to " + std::to_string(kStoreFormat) + "; use the newer program");
  }
  words >> mark.incarnation;
  return mark;
}

Result<FolderMark> read_mark(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "TAKT";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return not_found(directory.string() + " is no data folder of Takt: it has no file TAKT; name one with --data");
  }
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return io_error("cannot read " + path.string() + "; is it this user's?");
  return FolderMark::parse(text.str(), path.string());
}

Result<void> write_durably(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path temporary = path.string() + ".new";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return io_error("cannot write " + temporary.string() + ": " + std::strerror(errno));
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  const int problem = errno;
  ::close(file);
  if (!written) return io_error("cannot write " + temporary.string() + ": " + std::strerror(problem));
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) return io_error("cannot write " + path.string() + ": " + error.message());
  sync_folder(path.parent_path());
  return {};
}

void sync_folder(const std::filesystem::path& directory) {
  const int folder = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

std::optional<pid_t> lock_holder(const std::filesystem::path& directory) {
  const int file = ::open((directory / "db" / "LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct flock lock {};
  lock.l_type = F_RDLCK;  // would a reader be let in? RocksDB holds it for writing
  lock.l_whence = SEEK_SET;
  const bool held = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return held ? std::optional{lock.l_pid} : std::nullopt;
}

std::string name_of_process(pid_t process) {
  std::string name;
  std::ifstream{"/proc/" + std::to_string(process) + "/comm"} >> name;
  return "process " + std::to_string(process) + (name.empty() ? "" : " (" + name + ")");
}

std::uint64_t read_synced(const std::filesystem::path& directory) {
  std::ifstream file{directory / "SYNCED"};
  std::string word;
  std::uint64_t sequence = 0;
  file >> word >> sequence;
  return word == kSyncedWord ? sequence : 0;
}

void write_synced(const std::filesystem::path& directory, std::uint64_t database_sequence) {
  // Only a lower bound: if it cannot be written the one before holds on.
  const auto ignored = write_durably(directory / "SYNCED",
                                     std::string{kSyncedWord} + ' ' + std::to_string(database_sequence) + '\n');
  static_cast<void>(ignored);
}

}  // namespace takt
