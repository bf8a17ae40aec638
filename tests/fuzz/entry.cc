// The main function that libFuzzer has is for all programs; this leads from it to the fuzz function TAKT_FUZZ.
#include TAKT_FUZZ_HEADER

#include <cstddef>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  takt::fuzz::TAKT_FUZZ({reinterpret_cast<const char*>(data), size});
  return 0;
}
