// Decoders under damaged bytes. What they must not do is seen by AddressSanitizer, for which every input is a
// buffer of its own size.
#include "engine/codec/doubles.h"
#include "engine/codec/strings.h"
#include "tests/codec/fuzz.h"
#include "tests/codec/random_columns.h"
#include "tests/support/mutation.h"

#include <gtest/gtest.h>

#include <random>

namespace takt {
namespace {

/// A decoder's fuzzer, and good columns to begin with: two bytes of rows, then the column.
struct Target {
  const char* name;
  void (*fuzz)(std::string_view data);
  std::vector<std::string> seeds;
};

std::string with_rows(std::size_t rows, const std::string& bytes) {
  return std::string{static_cast<char>(rows & 0xff), static_cast<char>(rows >> 8)} + bytes;
}

std::vector<Target> targets(const std::vector<std::size_t>& sizes) {
  std::vector<Target> all{
      {"integers", fuzz::integers, {}}, {"doubles", fuzz::doubles, {}}, {"strings", fuzz::strings, {}}};
  for (const std::size_t rows : sizes) {
    for (const auto& column : random_integer_columns(rows, 21)) {
      std::string bytes;
      append_integers(bytes, column.values);
      all[0].seeds.push_back(with_rows(rows, bytes));
    }
    for (const auto& column : random_double_columns(rows, 22)) {
      std::string bytes;
      append_doubles(bytes, column.values);
      all[1].seeds.push_back(with_rows(rows, bytes));
    }
    for (const auto& column : random_string_columns(rows, 23)) {
      std::string bytes;
      EXPECT_TRUE(append_strings(bytes, std::vector<std::string_view>(column.begin(), column.end())));
      all[2].seeds.push_back(with_rows(rows, bytes));
    }
  }
  return all;
}

/// In a buffer that ends where the data ends.
void run(const Target& target, const std::string& data) {
  const std::vector<char> exact(data.begin(), data.end());
  target.fuzz({exact.data(), exact.size()});
}

TEST(BadBytes, CutOffAnywhereAreRefused) {
  for (const Target& target : targets({17, 300, 1500})) {
    for (const std::string& seed : target.seeds) {
      const std::size_t step = 1 + seed.size() / 200;
      for (std::size_t size = 0; size < seed.size(); size += step) run(target, seed.substr(0, size));
    }
  }
}

TEST(BadBytes, FlippedInTurnAreRefusedOrDecodeToSomething) {
  for (const Target& target : targets({100, 1100})) {
    for (const std::string& seed : target.seeds) {
      const std::size_t step = 1 + seed.size() / 300;
      for (std::size_t at = 0; at < seed.size(); at += step) {
        for (const int mask : {0xff, 0x80, 0x01}) {
          std::string damaged = seed;
          damaged[at] = static_cast<char>(damaged[at] ^ mask);
          run(target, damaged);
        }
      }
    }
  }
}

TEST(BadBytes, OfThousandsOfMutationsNoneDoesHarm) {
  std::mt19937_64 random{24};
  for (const Target& target : targets({3, 70, 600, 2100})) {
    for (int round = 0; round < 4000; ++round) {
      run(target, mutated(target.seeds[random() % target.seeds.size()], random));
    }
  }
}

TEST(BadBytes, AtRandomAreRefusedOrDecodeToSomething) {
  std::mt19937_64 random{25};
  for (const Target& target : targets({1})) {
    for (int round = 0; round < 4000; ++round) {
      std::string data(random() % 60, '\0');
      for (char& byte : data) byte = static_cast<char>(random());
      if (data.size() > 2) data[2] = static_cast<char>(data[2] & 0xc7);
      run(target, data);
    }
  }
}

TEST(BadBytes, OfTooManyRowsAreRefused) {
  std::string bytes;
  append_integers(bytes, std::vector<std::int64_t>(8192, 5));
  std::vector<std::int64_t> values(8193);
  EXPECT_FALSE(decode_integers(bytes, values));
  EXPECT_FALSE(summarize_integers(bytes, values.size()));
  EXPECT_FALSE(decode_strings(bytes, values.size()));
}

}  // namespace
}  // namespace takt
