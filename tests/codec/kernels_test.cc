#include "engine/codec/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace takt::codec {
namespace {

using Bytes = std::vector<unsigned char>;

std::vector<std::uint64_t> random_values(std::size_t count) {
  std::mt19937_64 random{count};
  std::vector<std::uint64_t> values(count);
  for (auto& value : values) value = random();
  return values;
}

constexpr std::array<std::size_t, 9> kSizes{1, 63, 64, 65, 255, 256, 1023, 1024, 3333};

Bytes packed(const Kernels& k, const std::vector<std::uint64_t>& values, unsigned width) {
  Bytes bytes(packed_bytes(values.size(), width));
  k.pack(values.data(), values.size(), width, bytes.data());
  return bytes;
}

TEST(Packing, GivesTheLowBitsBackAtEveryWidth) {
  for (const Kernels* k : all_kernels()) {
    for (const std::size_t size : kSizes) {
      const auto values = random_values(size);
      for (unsigned width = 0; width <= 64; ++width) {
        const Bytes bytes = packed(*k, values, width);
        std::vector<std::uint64_t> back(size);
        k->unpack(bytes.data(), size, width, back.data());
        const std::uint64_t mask = width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
        for (std::size_t i = 0; i < size; ++i)
          ASSERT_EQ(back[i], values[i] & mask) << k->name << width << " " << i;
      }
    }
  }
}

TEST(Packing, IsTheSameBytesByEveryKernel) {
  for (const std::size_t size : kSizes) {
    const auto values = random_values(size);
    for (unsigned width = 0; width <= 64; ++width) {
      const Bytes first = packed(*all_kernels().front(), values, width);
      for (const Kernels* k : all_kernels()) ASSERT_EQ(packed(*k, values, width), first) << k->name << width;
    }
  }
}

TEST(Packing, OfTheRestIsBitByBitInOrder) {
  const std::vector<std::uint64_t> values{1, 2, 3, 4, 5, 6, 7, 0};
  EXPECT_EQ(packed(kernels(), values, 3),
            (Bytes{0xd1, 0x58, 0x1f}));  // 001 010 011 100 101 110 111 000 from the right
}

TEST(Packing, InterleavesAVectorInSixteenLanes) {
  std::vector<std::uint64_t> values(kVector);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 16;
  const Bytes bytes = packed(kernels(), values, 4);
  // Word w of lane l lies at word w * 16 + l, and holds rows 16 w to 16 w + 15 of that lane: l sixteen times.
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], (i / 8 % 16) * 0x11);
}

/// What a kernel computes of some values, as bytes to compare.
template <class Compute>
void expect_same_by_all(Compute compute) {
  const auto first = compute(*all_kernels().front());
  for (const Kernels* k : all_kernels()) EXPECT_EQ(compute(*k), first) << k->name;
}

TEST(Kernels, AgreeOnIntegers) {
  for (const std::size_t size : kSizes) {
    const auto random = random_values(size);
    const std::vector<std::int64_t> values(random.begin(), random.end());
    expect_same_by_all([&](const Kernels& k) {
      const auto range = k.range(values.data(), size);
      const auto totals = k.totals(values.data(), size);
      return std::vector<std::int64_t>{range.minimum,
                                       range.maximum,
                                       totals.minimum,
                                       totals.maximum,
                                       static_cast<std::int64_t>(totals.sum),
                                       static_cast<std::int64_t>(k.changes(values.data(), size))};
    });
    expect_same_by_all([&](const Kernels& k) {
      std::array<std::uint32_t, 65> bins{};
      k.widths_above(values.data(), size, -17, bins.data());
      k.widths_around(values.data(), size, 400, bins.data());
      return bins;
    });
    expect_same_by_all([&](const Kernels& k) {
      auto out = values;
      k.deltas(values.data(), size, out.data());
      k.running_sum(out.data(), size, 5);
      k.scale(out.data(), size, 77, -3);
      k.add_line(out.data(), size, 4, 9, 1'000'003);
      k.subtract_line(out.data(), size, -1, 77, 65'536, out.data());
      k.divide(out.data(), size, 12, 3, 0xaaaaaaaaaaaaaaab, out.data());
      return out;
    });
    expect_same_by_all([&](const Kernels& k) {
      std::vector<std::uint64_t> offsets(size);
      std::vector<std::uint8_t> symbols(size);
      k.split(values.data(), size, values[0], 55, offsets.data(), symbols.data());
      auto out = values;
      k.join(symbols.data(), size, 3, 55, out.data());
      out.insert(out.end(), offsets.begin(), offsets.end());
      return out;
    });
  }
}

TEST(Kernels, FindMinimumAndMaximumWhereverTheyAre) {
  for (const Kernels* k : all_kernels()) {
    for (std::size_t size = 1; size < 40; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::vector<std::int64_t> values(size, 5);
        values[at] = -9;
        ASSERT_EQ(k->range(values.data(), size).minimum, -9);
        values[at] = 9;
        ASSERT_EQ(k->totals(values.data(), size).maximum, 9);
      }
    }
  }
}

TEST(Kernels, AgreeOnDoublesToTheBit) {
  for (const std::size_t size : kSizes) {
    const auto bits = random_values(size);
    std::vector<double> values(size);
    std::memcpy(values.data(), bits.data(), size * sizeof(double));
    for (std::size_t i = 0; i < size; i += 2) values[i] = std::floor(static_cast<double>(bits[i] % 100'000)) / 100;
    for (const auto convert : {&Kernels::to_mantissas, &Kernels::to_single_mantissas}) {
      expect_same_by_all([&](const Kernels& k) {
        std::vector<std::int64_t> out(size);
        out.push_back(static_cast<std::int64_t>((k.*convert)(values.data(), size, 100, out.data())));
        return out;
      });
    }
    for (double& value : values) value = std::isnan(value) ? 1 : std::fmod(value, 1e9);
    expect_same_by_all([&](const Kernels& k) {
      const auto totals = k.real_totals(values.data(), size);
      return std::vector<double>{totals.minimum, totals.maximum, totals.sum};
    });
  }
}

TEST(Kernels, AreTheBestThatThisProcessorRuns) { EXPECT_EQ(&kernels(), all_kernels().back()); }

}  // namespace
}  // namespace takt::codec
