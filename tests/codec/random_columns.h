// Columns of every kind that a plant, or a stranger, could send: seeded, so that a failure comes again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace takt {

struct NamedIntegers {
  std::string name;
  std::vector<std::int64_t> values;
};
struct NamedDoubles {
  std::string name;
  std::vector<double> values;
};

/// The rows that stress edges of vectors, quarters and groups.
inline const std::vector<std::size_t> kColumnSizes{0,   1,   2,   3,    15,   16,   63,   64,   65,
                                                   255, 256, 700, 1023, 1024, 1025, 2049, 5000, 8192};

/// One column of each kind with so many rows.
std::vector<NamedIntegers> random_integer_columns(std::size_t rows, std::uint64_t seed);
std::vector<NamedDoubles> random_double_columns(std::size_t rows, std::uint64_t seed);
std::vector<std::vector<std::string>> random_string_columns(std::size_t rows, std::uint64_t seed);

}  // namespace takt
