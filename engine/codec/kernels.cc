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
  static const std::size_t runnable = __builtin_cpu_supports("x86-64-v3") ? 2 : 1;
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
