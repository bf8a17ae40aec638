// A store in a process of its own: filled, then held open until the process is told to end, or killed.
#pragma once

#include "bench/workload.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace takt::bench {

/// What the child fills its store with.
struct Filling {
  std::filesystem::path folder;
  std::uint32_t machines = 0;
  int seconds = 0;                 ///< of readings
  std::size_t unsealed_bytes = 0;  ///< of journal, then it ends; 0: all readings, sealed as they come
  bool settled = false;            ///< at last everything in chunks
};

/// What it tells when it is done.
struct Filled {
  std::size_t readings = 0, journal_bytes = 0;
  double seconds = 0;
};

class FillingProcess {
 public:
  /// Runs this program again as `fill`, and waits until the store is filled.
  explicit FillingProcess(const Filling& filling);
  /// Lets it close its store.
  ~FillingProcess();
  FillingProcess(const FillingProcess&) = delete;
  FillingProcess& operator=(const FillingProcess&) = delete;

  const Filled& filled() const { return filled_; }
  /// A line of /proc/PID/status, such as "VmRSS" (what is resident) or "VmHWM" (the most that ever was), in MB.
  double megabytes(const std::string& name) const;
  /// kill -9.
  void kill();

 private:
  void wait();

  pid_t process_ = -1;
  int life_ = -1;  // it ends when this is closed
  Filled filled_;
};

/// The child's side: fills, tells what on stdout, and waits for the end of stdin. Returns the exit status.
int fill(const Filling& filling);

}  // namespace takt::bench
