#include "tests/system/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

/// Only calls that are safe between fork() and execv().
[[noreturn]] void become(char* const* argv, int output, int error) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::execvp(argv[0], argv);
  ::_exit(127);
}

}  // namespace

std::string takt_binary() {
  if (const char* named = std::getenv("TAKT_BINARY")) return named;
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "takt").string();
}

ChildProcess::ChildProcess(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::array<int, 2> output{}, error{};
  EXPECT_EQ(::pipe2(output.data(), O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(error.data(), O_CLOEXEC), 0);
  pid_ = ::fork();
  if (pid_ == 0) become(argv.data(), output[1], error[1]);
  ::close(output[1]);
  ::close(error[1]);
  output_reader_ = std::thread([this, pipe = output[0]] { read_into(pipe, output_, output_ended_); });
  error_reader_ = std::thread([this, pipe = error[0]] { read_into(pipe, error_, error_ended_); });
}

ChildProcess::~ChildProcess() {
  if (!status_) {
    signal(SIGKILL);
    wait();
  }
  output_reader_.join();
  error_reader_.join();
}

void ChildProcess::read_into(int pipe, std::string& text, bool& ended) {
  std::array<char, 4096> block{};
  for (ssize_t count = 0; (count = ::read(pipe, block.data(), block.size())) > 0;) {
    const std::lock_guard lock{mutex_};
    text.append(block.data(), static_cast<std::size_t>(count));
    more_.notify_all();
  }
  ::close(pipe);
  const std::lock_guard lock{mutex_};
  ended = true;
  more_.notify_all();
}

void ChildProcess::signal(int number) const {
  if (!status_) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds patience) {
  if (status_) return status_;
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  pollfd ended{handle, POLLIN, 0};
  const int polled = ::poll(&ended, 1, static_cast<int>(patience.count()));
  ::close(handle);
  if (polled != 1) return std::nullopt;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

std::optional<std::string> ChildProcess::wait_for_error_text(std::string_view text,
                                                             std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  const auto there = [&] { return error_.find(text) != std::string::npos; };
  more_.wait_for(lock, patience, [&] { return there() || error_ended_; });
  return there() ? std::optional{error_} : std::nullopt;
}

void ChildProcess::wait_for_end_of_output() {
  std::unique_lock lock{mutex_};
  more_.wait_for(lock, kPatience, [&] { return output_ended_ && error_ended_; });
}

std::string ChildProcess::error_text() const {
  const std::lock_guard lock{mutex_};
  return error_;
}

std::string ChildProcess::output_text() const {
  const std::lock_guard lock{mutex_};
  return output_;
}

std::vector<std::string> Finished::complaints() const {
  std::vector<std::string> lines;
  std::istringstream text{error};
  for (std::string line; std::getline(text, line);) {
    const bool logged = line.size() > 10 && line[4] == '-' && line[7] == '-' && line[10] == 'T';
    if (!logged) lines.push_back(line);
  }
  return lines;
}

Finished run_program(const std::vector<std::string>& words) {
  Finished finished;
  ChildProcess child{words};
  finished.status = child.wait();
  EXPECT_TRUE(finished.status) << words.at(0) << " does not end";
  child.wait_for_end_of_output();
  finished.output = child.output_text();
  finished.error = child.error_text();
  return finished;
}

Finished run_takt(const std::vector<std::string>& words) {
  std::vector<std::string> all{takt_binary()};
  all.insert(all.end(), words.begin(), words.end());
  return run_program(all);
}

}  // namespace takt::test
