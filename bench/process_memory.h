// What a process occupies, as the kernel counts it.
#pragma once

#include <sys/types.h>

#include <string>

namespace takt::bench {

/// A line of /proc/PID/status in bytes, such as "VmRSS" (what is resident) or "VmHWM" (the most that ever was); 0
/// when there is no such process or line.
double status_bytes(pid_t process, const std::string& name);

}  // namespace takt::bench
