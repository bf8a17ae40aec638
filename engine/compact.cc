#include "engine/compact.h"

#include "engine/disk.h"
#include "engine/folder_mark.h"

namespace takt {
namespace {

std::uint64_t table_bytes(const Store::Disk& disk, const char* family) {
  std::vector<rocksdb::LiveFileMetaData> files;
  disk.database().GetLiveFilesMetaData(&files);
  std::uint64_t sum = 0;
  for (const auto& file : files) sum += file.column_family_name == family ? file.size : 0;
  return sum;
}

}  // namespace

Result<CompactionReport> compact_store(const std::filesystem::path& directory,
                                       const std::function<void(std::string_view)>& progress) {
  if (const auto mark = read_mark(directory); !mark) return mark.error();
  auto disk = Store::Disk::open(directory);
  if (!disk) return disk.error();
  CompactionReport report;
  report.before = (*disk)->used_bytes();
  for (std::size_t i = 0; i < Store::Disk::families; ++i) {
    const auto family = static_cast<Store::Disk::Family>(i);
    const char* name = Store::Disk::name_of(family);
    if (progress) progress(name);
    FamilySize size{name, table_bytes(**disk, name), 0};
    rocksdb::CompactRangeOptions how;
    how.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    auto status = (*disk)->database().Flush(rocksdb::FlushOptions{}, (**disk)[family]);
    if (status.ok()) status = (*disk)->database().CompactRange(how, (**disk)[family], nullptr, nullptr);
    if (!status.ok()) return Store::Disk::error_of(status, std::string{"cannot compact "} + name);
    size.after = table_bytes(**disk, name);
    report.families.push_back(size);
  }
  // Opened anew, so that logs and tables that nothing needs any more are gone.
  disk->reset();
  disk = Store::Disk::open(directory);
  if (!disk) return disk.error();
  report.after = (*disk)->used_bytes();
  return report;
}

}  // namespace takt
