// A stopped store made as small as it gets: readings in full chunks, files without what was overwritten or
// deleted.
#pragma once

#include "schema/result.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

struct FamilySize {
  std::string family;
  std::uint64_t before = 0, after = 0;  ///< bytes of table files
};

struct CompactionReport {
  std::vector<FamilySize> families;
  std::uint64_t before = 0, after = 0;  ///< bytes of all files of the data folder
};

/// Needs room for the largest family a second time. A crash leaves the store as it was. conflict: in use.
Result<CompactionReport> compact_store(const std::filesystem::path& directory,
                                       const std::function<void(std::string_view step)>& progress);

}  // namespace takt
