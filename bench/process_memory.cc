#include "bench/process_memory.h"

#include <fmt/format.h>

#include <fstream>

namespace takt::bench {

double status_bytes(pid_t process, const std::string& name) {
  std::ifstream status{fmt::format("/proc/{}/status", process)};
  std::string word;
  for (double kibibytes = 0; status >> word;) {
    if (word == name + ":") return status >> kibibytes ? kibibytes * 1024 : 0;
  }
  return 0;
}

}  // namespace takt::bench
