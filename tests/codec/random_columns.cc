#include "tests/codec/random_columns.h"

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace takt {
namespace {

using Random = std::mt19937_64;
constexpr std::int64_t kMonday = 1'767'592'800'000'000;

std::int64_t below(Random& random, std::int64_t limit) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(limit));
}
bool once_in(Random& random, std::int64_t many) { return below(random, many) == 0; }
/// Bell-shaped enough, and the same with every standard library.
double bell(Random& random) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random() >> 11) * 0x1p-53;
  return sum - 6;
}
double rounded(double value, double scale) { return std::floor(value * scale + 0.5) / scale; }

template <class T, class Make>
std::vector<T> column(std::size_t rows, Make make) {
  std::vector<T> values;
  values.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) values.push_back(make(static_cast<std::int64_t>(i)));
  return values;
}

}  // namespace

std::vector<NamedIntegers> random_integer_columns(std::size_t rows, std::uint64_t seed) {
  Random random{seed};
  std::vector<NamedIntegers> all;
  const auto add = [&](std::string name, const std::function<std::int64_t(std::int64_t)>& make) {
    all.push_back({std::move(name), column<std::int64_t>(rows, make)});
  };
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min(),
                 kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t t = kMonday, count = 100'000, state = 0;
  add("constant", [](auto) { return -7; });
  add("ramp", [](auto i) { return kMonday + i * 1'000'000; });
  add("descending", [](auto i) { return kMonday - i * 250'000; });
  add("times with jitter", [&](auto i) { return kMonday + i * 1'000'000 + below(random, 4001); });
  add("times of a drifting clock", [&](auto i) { return kMonday + i * 1'000'037 + i / 3 + below(random, 500); });
  add("milliseconds", [&](auto i) { return kMonday + i * 1'000'000 + below(random, 5) * 1000; });
  add("times with gaps",
      [&](auto) { return t += 1'000'000 * (once_in(random, 100) ? 2 + below(random, 50) : 1); });
  add("gaps and jitter", [&, s = std::int64_t{0}](auto) mutable {
    s += once_in(random, 60) ? below(random, 4) : 1;
    return kMonday + s * 100'000 + below(random, 9000);
  });
  add("events", [&](auto) {
    return t += once_in(random, 6) ? below(random, 900'000'000) : 28'500'000 + below(random, 3'000'000);
  });
  add("counter with resets",
      [&](auto) { return count = once_in(random, 900) ? 0 : count + 25 + below(random, 2); });
  add("codes", [&](auto) { return state = once_in(random, 40) ? below(random, 17) : state; });
  add("noise of few values", [&](auto) { return below(random, 3); });
  add("wide and few", [&](auto) { return (below(random, 5) * 0x123456789abcdef) ^ 0x55; });
  add("bell", [&](auto) { return static_cast<std::int64_t>(bell(random) * 250); });
  add("bell with outliers", [&](auto) {
    return static_cast<std::int64_t>(bell(random) * 250) +
           (once_in(random, 80) ? below(random, 1 << 30) - (1 << 29) : 0);
  });
  add("mostly zero", [&](auto) { return once_in(random, 300) ? below(random, 1'000'000) : 0; });
  add("any bits", [&](auto) { return static_cast<std::int64_t>(random()); });
  add("extremes", [&](auto) { return once_in(random, 2) ? kLeast : kMost; });
  add("extremes among noise",
      [&](auto) { return once_in(random, 50) ? (once_in(random, 2) ? kLeast : kMost) : below(random, 100); });
  add("multiples", [&](auto) { return -5 + 36'000 * below(random, 1000); });
  add("wide multiples", [&](auto) { return kLeast + (std::int64_t{1} << 40) * below(random, 1 << 20); });
  for (unsigned bits = 1; bits < 64; bits += 9) {
    add(std::to_string(bits) + " bits",
        [&, bits](auto) { return static_cast<std::int64_t>(random() >> (64 - bits)); });
  }
  return all;
}

std::vector<NamedDoubles> random_double_columns(std::size_t rows, std::uint64_t seed) {
  Random random{seed};
  std::vector<NamedDoubles> all;
  const auto add = [&](std::string name, const std::function<double(std::int64_t)>& make) {
    all.push_back({std::move(name), column<double>(rows, make)});
  };
  const auto any = [&] { return std::bit_cast<double>(random()); };
  const auto nan = [&] { return std::bit_cast<double>((random() & 0x800fffffffffffff) | 0x7ff0000000000001); };
  const auto subnormal = [&] { return std::bit_cast<double>(random() & 0x800fffffffffffff); };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double x = 60, scale = 1, count = 1e6, flag = 0, setpoint = 121.3;
  for (int digits = 0; digits <= 6; ++digits, scale *= 10) {
    add(std::to_string(digits) + " digits", [&, scale](auto) { return rounded(x += 0.02 * bell(random), scale); });
  }
  add("noise", [&](auto) { return rounded(std::abs(1.2 + 0.25 * bell(random)), 1000); });
  add("around zero", [&](auto) { return rounded(bell(random), 100); });
  add("counter", [&](auto) { return count += 25 + static_cast<double>(below(random, 2)); });
  add("flag", [&](auto) { return flag = once_in(random, 120) ? 1 - flag : flag; });
  add("set-point",
      [&](auto) { return setpoint = once_in(random, 900) ? rounded(100 + 50 * bell(random), 10) : setpoint; });
  add("single decimals",
      [&](auto) { return static_cast<double>(static_cast<float>(rounded(x += 0.02 * bell(random), 10))); });
  add("single reals", [&](auto) { return static_cast<double>(static_cast<float>(20 + bell(random))); });
  add("reals", [&](auto) { return 20 + bell(random); });
  add("reals around zero", [&](auto) { return bell(random); });
  add("any bits", [&](auto) { return any(); });
  add("decimals and NaNs", [&](auto) { return once_in(random, 20) ? nan() : rounded(50 + bell(random), 10); });
  add("NaNs", [&](auto) { return nan(); });
  add("one NaN", [&](auto) { return std::numeric_limits<double>::quiet_NaN(); });
  add("zeros of both signs", [&](auto) { return once_in(random, 3) ? -0.0 : 0.0; });
  add("subnormals", [&](auto) { return subnormal(); });
  add("infinities",
      [&](auto i) { return i % 7 == 0 ? (i % 2 == 0 ? kInfinity : -kInfinity) : rounded(bell(random), 10); });
  add("huge", [&](auto) { return std::ldexp(bell(random), 900); });
  add("integers beyond 2^53", [&](auto) { return std::ldexp(static_cast<double>(below(random, 1000)), 60); });
  add("fewer digits than the sample shows",
      [&](auto) { return rounded(5 + bell(random), once_in(random, 50) ? 1e5 : 10); });
  add("everything", [&](auto i) {
    switch (i % 9) {
      case 0:
        return nan();
      case 1:
        return subnormal();
      case 2:
        return any();
      case 3:
        return -0.0;
      case 4:
        return kInfinity;
      default:
        return rounded(40 + bell(random), 100);
    }
  });
  return all;
}

std::vector<std::vector<std::string>> random_string_columns(std::size_t rows, std::uint64_t seed) {
  Random random{seed};
  std::vector<std::vector<std::string>> all;
  const auto add = [&](const std::function<std::string(std::int64_t)>& make) {
    all.push_back(column<std::string>(rows, make));
  };
  const std::vector<std::string> reasons{"FAIL.MECH", "", "SETUP.TOOL", "MATERIAL",
                                         std::string("zero\0inside", 11)};
  std::string order = "O1";
  add([](auto) { return std::string{}; });
  add([](auto) { return std::string{"running"}; });
  add([&](auto) { return reasons[random() % reasons.size()]; });
  add([&](auto i) { return order = once_in(random, 100) ? "O" + std::to_string(i) : order; });
  add([&](auto i) { return R"({"operator":"anna","batch":)" + std::to_string(1000 + i) + "}"; });
  add([&](auto) {
    std::string bytes(static_cast<std::size_t>(below(random, 40)), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  });
  return all;
}

}  // namespace takt
