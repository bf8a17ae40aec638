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
  const auto tell = [&](std::string_view step) {
    if (progress) progress(step);
  };
  CompactionReport report;
  {
    const auto before = Store::Disk::open(directory);
    if (!before) return before.error();
    report.before = (*before)->used_bytes();
    for (std::size_t i = 0; i < Store::Disk::families; ++i) {
      const char* name = Store::Disk::name_of(static_cast<Store::Disk::Family>(i));
      report.families.push_back({name, table_bytes(**before, name), 0});
    }
  }
  {
    StoreOptions options;
    options.fold_every = std::chrono::milliseconds{0};
    tell("recovering");
    const auto store = Store::open(directory, options);
    if (!store) return store.error();
    tell("sealing readings");
    if (const auto sealed = (*store)->seal(); !sealed) return sealed.error();
    tell("folding chunks");
    for (bool more = true; more;) {
      const auto folded = (*store)->fold();
      if (!folded) return folded.error();
      more = *folded;
    }
    tell("rewriting files");
    if (const auto compacted = (*store)->compact(); !compacted) return compacted.error();
  }
  // Opened anew, so that logs and tables that nothing needs any more are gone.
  const auto after = Store::Disk::open(directory);
  if (!after) return after.error();
  for (FamilySize& size : report.families) size.after = table_bytes(**after, size.family.c_str());
  report.after = (*after)->used_bytes();
  return report;
}

}  // namespace takt
