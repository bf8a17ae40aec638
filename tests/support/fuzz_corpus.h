// What fuzzers begin with, for tests that make good bytes bad themselves.
#pragma once

#include "tests/support/mutation.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// The inputs of tests/data/fuzz/NAME, by the names of their files.
inline std::vector<std::string> fuzz_corpus(const std::string& name) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator{TAKT_TEST_DATA "/fuzz/" + name})
    files.push_back(file.path());
  std::sort(files.begin(), files.end());
  std::vector<std::string> inputs;
  for (const auto& file : files) {
    std::ifstream in{file, std::ios::binary};
    inputs.emplace_back(std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{});
  }
  return inputs;
}

/// A few seconds; with TAKT_SOAK, which `./dev soak` sets, some minutes.
inline int fuzz_rounds(int usual) { return std::getenv("TAKT_SOAK") == nullptr ? usual : usual * 200; }

/// How many inputs came to something, as they are and after changes at random.
struct FuzzTried {
  std::size_t inputs = 0, good = 0, changed = 0, changed_good = 0;
};

/// Runs fuzz(input), which is true if it came to something, over the inputs of NAME and `changes` of each. An
/// input is a buffer of its own size, so that AddressSanitizer sees what is read behind it.
template <class Fuzz>
FuzzTried try_fuzz(const std::string& name, int changes, Fuzz fuzz) {
  std::mt19937_64 random{17};
  const auto run = [&](const std::string& input) {
    const std::vector<char> exact(input.begin(), input.end());
    return static_cast<bool>(fuzz(std::string_view{exact.data(), exact.size()}));
  };
  FuzzTried tried;
  for (const std::string& input : fuzz_corpus(name)) {
    ++tried.inputs;
    tried.good += run(input) ? 1 : 0;
    for (int i = 0; i < fuzz_rounds(changes); ++i) {
      ++tried.changed;
      tried.changed_good += run(mutated(input, random)) ? 1 : 0;
    }
  }
  return tried;
}

}  // namespace takt
