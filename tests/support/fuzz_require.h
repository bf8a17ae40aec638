// How a fuzz function says that a promise is broken.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace takt::fuzz {

/// Ends the program unless the promise on the line that calls it is kept.
inline void require(bool kept, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (kept) return;
  std::fprintf(stderr, "%s:%d: a promise is broken\n", file, line);
  std::abort();
}

}  // namespace takt::fuzz
