#include "engine/codec/kernels.h"

#include <array>

namespace takt::codec {

namespace baseline {
extern const Kernels kKernels;
}

#ifdef __x86_64__
namespace x86_64_v3 {
extern const Kernels kKernels;
}

std::span<const Kernels* const> all_kernels() {
  static constexpr std::array<const Kernels*, 2> kAll{&baseline::kKernels, &x86_64_v3::kKernels};
#ifdef __clang__  // before version 16 it has no name for the level; what has these three has all of it
  static const bool has_v3 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
#else
  static const bool has_v3 = __builtin_cpu_supports("x86-64-v3");
#endif
  const std::size_t runnable = has_v3 ? 2 : 1;
  return {kAll.data(), runnable};
}
#else
std::span<const Kernels* const> all_kernels() {
  static constexpr std::array<const Kernels*, 1> kAll{&baseline::kKernels};
  return kAll;
}
#endif

const Kernels& kernels() {
  static const Kernels& best = *all_kernels().back();
  return best;
}

}  // namespace takt::codec
