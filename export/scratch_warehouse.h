// A warehouse for a moment: the tables of a store in an SQLite file that goes again.
#pragma once

#include "engine/store.h"
#include "export/export_target.h"

#include <filesystem>
#include <optional>

namespace takt {

class ScratchWarehouse {
 public:
  /// Exports the store, or with `only` that span of it, into a hidden file of `folder`, which is made if it is not
  /// there.
  static Result<ScratchWarehouse> make(const Store& store, const std::filesystem::path& folder,
                                       std::optional<TimeRange> only = std::nullopt);
  /// Removes the file.
  ~ScratchWarehouse();
  ScratchWarehouse(ScratchWarehouse&&) = default;
  ScratchWarehouse& operator=(ScratchWarehouse&&) = delete;

  const std::filesystem::path& file() const { return file_; }
  ExportTarget& target() { return *target_; }

 private:
  ScratchWarehouse() = default;
  std::filesystem::path file_;
  std::optional<ExportTarget> target_;
};

}  // namespace takt
