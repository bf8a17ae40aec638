#define TAKT_KERNELS baseline
#define TAKT_KERNELS_NAME "baseline"
#include "engine/codec/kernels.inc"
