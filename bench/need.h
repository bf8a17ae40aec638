// What a benchmark cannot go on without.
#pragma once

#include "schema/result.h"

#include <cstdio>
#include <cstdlib>
#include <type_traits>
#include <utility>

namespace takt::bench {

/// Figures must stand on the answer to "did it work": what failed ends the program with a sentence.
template <class T>
T need(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "failed: %s\n", result.error().context.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
inline void need_that(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

}  // namespace takt::bench
