// Compiled with -march=x86-64-v3 (CMakeLists.txt); empty on other processors.
#ifdef __x86_64__
#define TAKT_KERNELS x86_64_v3
#define TAKT_KERNELS_NAME "x86-64-v3"
#include "engine/codec/kernels.inc"
#endif
