// A quick look at a data folder, in plain words. What `takt doctor` says.
#pragma once

#include "schema/time.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace takt {

enum class Health : std::uint8_t { ok, warn, bad };

struct Finding {
  Health health = Health::ok;
  std::string topic;   ///< "disk"
  std::string text;    ///< "120 MiB are free, 512 MiB are kept in reserve"
  std::string remedy;  ///< what to do; empty if all is well
};

struct CheckUp {
  std::vector<Finding> findings;
  std::string store_id;        ///< empty: not a data folder
  std::uint64_t commit = 0;    ///< the newest
  bool looked_inside = false;  ///< false: in use, damaged, or not a data folder
};

/// Changes nothing; of a folder in use it looks at the outside only. Takes a few seconds at most: checksums are
/// the business of inspect_store(). Must not be asked by the process that has the folder open
/// (engine/folder_mark.h).
CheckUp check_up(const std::filesystem::path& directory, const Clock& clock);

}  // namespace takt
