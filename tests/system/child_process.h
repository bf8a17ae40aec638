// The real program in processes of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace takt::test {

/// Generous, since the machine may be busy: only what hangs gets here.
inline constexpr std::chrono::seconds kPatience{60};

/// The binary under test: $TAKT_BINARY, else `takt` beside this test.
std::string takt_binary();

/// A program that runs. Killed and waited for when this object goes; the kernel kills it, too, should the test
/// die.
class ChildProcess {
 public:
  /// `words`: the program and its arguments.
  explicit ChildProcess(std::vector<std::string> words);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void signal(int number) const;
  /// The exit status; 128 + N after signal N. Nothing if it still runs after `patience`.
  std::optional<int> wait(std::chrono::milliseconds patience = kPatience);
  /// Waits until `text` stands on standard error, and gives all that was written there before and up to now.
  /// Nothing if the program ends, or `patience` does, without it.
  std::optional<std::string> wait_for_error_text(std::string_view text,
                                                 std::chrono::milliseconds patience = kPatience);
  /// Until the program has closed both streams, which it has when it is gone.
  void wait_for_end_of_output();
  std::string error_text() const;
  std::string output_text() const;

 private:
  void read_into(int pipe, std::string& text, bool& ended);

  pid_t pid_ = 0;
  std::optional<int> status_;
  mutable std::mutex mutex_;
  std::condition_variable more_;
  std::string output_, error_;
  bool output_ended_ = false, error_ended_ = false;
  std::thread output_reader_, error_reader_;
};

struct Finished {
  std::optional<int> status;
  std::string output, error;

  /// The lines of standard error that speak to the user: those that are not log lines.
  std::vector<std::string> complaints() const;
};

/// Runs `takt WORDS...` to its end.
Finished run_takt(const std::vector<std::string>& words);
Finished run_program(const std::vector<std::string>& words);

}  // namespace takt::test
