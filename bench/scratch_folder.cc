#include "bench/scratch_folder.h"

#include <cstdlib>
#include <system_error>

namespace takt::bench {

Result<ScratchFolder> ScratchFolder::make(const std::filesystem::path& parent) {
  std::error_code failed;
  std::filesystem::create_directories(parent, failed);
  std::string name = (parent / "bench.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return io_error("cannot make a folder in " + parent.string());
  return ScratchFolder{name};
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

}  // namespace takt::bench
