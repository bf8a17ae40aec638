#include "export/scratch_warehouse.h"

#include <fmt/format.h>

#include "export/flush.h"

namespace takt {
namespace {

void remove_database(const std::filesystem::path& file) {
  for (const char* part : {"", "-wal", "-shm"}) {
    std::error_code ignored;
    std::filesystem::remove(file.string() + part, ignored);
  }
}

}  // namespace

Result<ScratchWarehouse> ScratchWarehouse::make(const Store& store, const std::filesystem::path& folder,
                                                std::optional<TimeRange> only) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return io_error(fmt::format("{}: cannot be made: {}", folder.string(), error.message()));
  ScratchWarehouse warehouse;
  warehouse.file_ = folder / ".takt-export.sqlite";
  remove_database(warehouse.file_);
  auto target = ExportTarget::open(SqliteUrl{warehouse.file_}, ExportTarget::Mode::create);
  if (!target) return target.error();
  warehouse.target_.emplace(std::move(*target));
  if (const auto made = warehouse.target_->migrate_to(ExportTarget::newest_version()); !made) return made.error();
  if (const auto flushed = flush(store, *warehouse.target_, only); !flushed) return flushed.error();
  return warehouse;
}

ScratchWarehouse::~ScratchWarehouse() {
  target_.reset();
  if (!file_.empty()) remove_database(file_);
}

}  // namespace takt
