#include "ingest/table/xlsx_rows.h"
#include "tests/ingest/table/fuzz_table_promises.h"

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <string>

namespace takt::fuzz {
namespace {

constexpr std::string_view kBook =
    R"(<workbook><sheets><sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>)";
constexpr std::string_view kRelations =
    R"(<Relationships><Relationship Id="r1" Type="x/worksheet" Target="sheet.xml"/>)"
    R"(<Relationship Id="r2" Type="x/sharedStrings" Target="texts.xml"/></Relationships>)";

/// A ZIP archive of files that are not packed: APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16.
class Archive {
 public:
  void add(std::string_view name, std::string_view content) {
    const std::size_t at = files_.size();
    std::string facts;
    for (const std::uint32_t zero_time : {0U, 0U}) number(facts, zero_time, 2);
    const auto size = static_cast<std::uint32_t>(content.size());
    number(facts, crc32(0, reinterpret_cast<const Bytef*>(content.data()), size), 4);
    number(facts, size, 4), number(facts, size, 4);
    number(facts, static_cast<std::uint32_t>(name.size()), 2), number(facts, 0, 2);
    const std::string_view version_and_method{"\x14\0\0\0\0\0", 6};
    files_.append("PK\x03\x04", 4).append(version_and_method).append(facts).append(name).append(content);
    directory_.append("PK\x01\x02\x14\0", 6).append(version_and_method).append(facts).append(10, '\0');
    number(directory_, static_cast<std::uint32_t>(at), 4);
    directory_ += name;
    ++count_;
  }
  std::string bytes() const {
    std::string end{"PK\x05\x06\0\0\0\0", 8};
    number(end, count_, 2), number(end, count_, 2);
    number(end, static_cast<std::uint32_t>(directory_.size()), 4);
    number(end, static_cast<std::uint32_t>(files_.size()), 4), number(end, 0, 2);
    return files_ + directory_ + end;
  }

 private:
  static void number(std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
  }
  std::string files_, directory_;
  std::uint32_t count_ = 0;
};

std::string workbook_of(std::string_view sheet_and_texts) {
  const std::size_t zero = std::min(sheet_and_texts.find('\0'), sheet_and_texts.size());
  Archive archive;
  archive.add("xl/workbook.xml", kBook);
  archive.add("xl/_rels/workbook.xml.rels", kRelations);
  archive.add("xl/texts.xml", zero == sheet_and_texts.size() ? "<sst/>" : sheet_and_texts.substr(zero + 1));
  archive.add("xl/sheet.xml", sheet_and_texts.substr(0, zero));
  return archive.bytes();
}

/// A file in memory, for what reads files by name.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("workbook", MFD_CLOEXEC)) {
    require(descriptor_ >= 0);
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      require(written > 0);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string name() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// All rows are within what a workbook may hold.
void read_rows(RowSource& rows) {
  constexpr std::size_t kMostColumns = 1024;
  TableRow row;
  for (auto more = rows.next(row); more && *more; more = rows.next(row))
    require(!row.cells.empty() && row.cells.size() <= kMostColumns);
  require(rows.share() >= 0 && rows.share() <= 1);
}

}  // namespace

Seen workbook(std::string_view data) {
  const MemoryFile file{data.starts_with("PK") ? std::string{data} : workbook_of(data)};
  const auto rows = xlsx_rows(file.name(), "");
  if (!rows) {
    require(rows.error().code == ErrorCode::invalid_argument || rows.error().code == ErrorCode::not_found);
    return {0, 0, false};
  }
  read_rows(**rows);
  Seen seen;
  for (const std::size_t choice : {0U, 1U}) {
    const Seen chosen = table_promises(*xlsx_rows(file.name(), ""), table_options(choice));
    seen.accepted += chosen.accepted, seen.rejected += chosen.rejected;
  }
  return seen;
}

}  // namespace takt::fuzz
