#include "engine/memory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>

namespace takt {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

/// The least of a cgroup's limits on the way up from this process's; the greatest number if there is none.
std::uint64_t group_limit() {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  const auto consider = [&](const std::string& path) {
    std::ifstream file{path};
    if (std::uint64_t limit = 0; file >> limit) least = std::min(least, limit);  // "max" is no number
  };
  consider("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  std::ifstream own{"/proc/self/cgroup"};
  for (std::string line; std::getline(own, line);) {
    if (!line.starts_with("0::")) continue;
    for (std::string group = line.substr(3);; group.resize(group.rfind('/'))) {
      consider("/sys/fs/cgroup" + group + "/memory.max");
      if (group.find('/') == std::string::npos) break;
    }
  }
  return least;
}

std::size_t share(std::uint64_t total, std::uint64_t parts, std::uint64_t least, std::uint64_t most) {
  return static_cast<std::size_t>(std::clamp(total / parts, least * kMiB, most * kMiB));
}

}  // namespace

Result<MemoryBudget> MemoryBudget::of(std::uint64_t total) {
  if (total < kLeast) {
    return invalid(fmt::format("{} are too little to serve with; give at least {} with --memory",
                               size_in_words(total), size_in_words(kLeast)));
  }
  MemoryBudget budget;
  budget.total = total;
  budget.journal = share(total, 16, 4, 144);
  budget.store.memtables = share(total, 12, 16, 192);
  budget.store.block_cache = share(total, 16, 8, 64);
  budget.store.decoded = share(total, 32, 4, 32);
  budget.store.queue = share(total, 16, 8, 128);
  budget.bodies = share(total, 4, 64, 512);
  budget.messages = share(total, 16, 16, 128);
  return budget;
}

std::uint64_t MemoryBudget::usual() {
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const std::uint64_t machine = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::max(kLeast, std::min(machine, group_limit()) / 4);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto wrong = [&] {
    return invalid("\"" + std::string{text} + "\" is no amount of memory; give it as 512M or 2G, for instance");
  };
  double number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || !(number >= 0)) return wrong();
  std::string unit{rest, text.data() + text.size()};
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
  if (unit.ends_with("ib"))
    unit.resize(unit.size() - 2);
  else if (unit.ends_with("b"))
    unit.pop_back();
  const std::size_t power = std::string_view{"kmgt"}.find(unit);
  if (unit.size() > 1 || power == std::string_view::npos) return wrong();
  const double bytes = number * static_cast<double>(std::uint64_t{1} << (unit.empty() ? 0 : 10 * (power + 1)));
  if (!(bytes < 9e18)) return wrong();
  return static_cast<std::uint64_t>(bytes);
}

std::string size_in_words(std::uint64_t bytes) {
  if (bytes < 10 * kMiB) return fmt::format("{} bytes", bytes);
  if (bytes < 10'240 * kMiB) return fmt::format("{} MiB", bytes / kMiB);
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(1024 * kMiB));
}

}  // namespace takt
