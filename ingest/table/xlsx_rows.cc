#include "ingest/table/xlsx_rows.h"

#include "ingest/xml_reader.h"

#include <unzip.h>

#include <array>
#include <charconv>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace takt {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10U;
constexpr std::size_t kMostColumns = 1024;  // a row that names its last column only holds cells for all before it
constexpr std::size_t kMostCell = std::size_t{128} << 10U;  // Excel's 32,767 characters, at four bytes

/// One file inside a workbook, unpacked piece by piece.
class ZipPart {
 public:
  static Result<std::unique_ptr<ZipPart>> open(const std::string& file, const std::string& name) {
    const unzFile zip = unzOpen64(file.c_str());
    if (zip == nullptr) return invalid(file + " is no Excel workbook (.xlsx)");
    std::unique_ptr<ZipPart> part{new ZipPart{zip, file + ": " + name}};
    unz_file_info64 info{};
    constexpr int kIgnoreCase = 2;
    if (unzLocateFile(zip, name.c_str(), kIgnoreCase) != UNZ_OK) return not_found(part->name_ + " is missing");
    if (unzGetCurrentFileInfo64(zip, &info, nullptr, 0, nullptr, 0, nullptr, 0) != UNZ_OK ||
        unzOpenCurrentFile(zip) != UNZ_OK)
      return invalid(part->name_ + " cannot be unpacked");
    part->packed_ = info.compressed_size, part->unpacked_ = info.uncompressed_size;
    return part;
  }
  ~ZipPart() {
    unzCloseCurrentFile(zip_);
    unzClose(zip_);
  }
  ZipPart(const ZipPart&) = delete;
  ZipPart& operator=(const ZipPart&) = delete;

  /// Empty: the end.
  Result<std::string_view> read() {
    const int got = unzReadCurrentFile(zip_, piece_.data(), static_cast<unsigned>(piece_.size()));
    if (got < 0 || (got == 0 && unzCloseCurrentFile(zip_) == UNZ_CRCERROR))
      return invalid(name_ + " is damaged; save the workbook anew");
    read_ += static_cast<std::size_t>(got);
    if (read_ > kMostUnpacked || (read_ > kFreelyUnpacked && read_ / kMostTimes > packed_))
      return invalid(name_ + " unpacks to more than a workbook holds; it is refused");
    return std::string_view{piece_.data(), static_cast<std::size_t>(got)};
  }
  double share() const {
    return unpacked_ == 0 ? 1 : std::min(1.0, static_cast<double>(read_) / static_cast<double>(unpacked_));
  }
  const std::string& name() const { return name_; }

 private:
  ZipPart(unzFile zip, std::string name) : zip_(zip), name_(std::move(name)) {}

  unzFile zip_;
  std::string name_;
  std::size_t read_ = 0, packed_ = 0, unpacked_ = 0;
  std::array<char, kPiece> piece_;
};

/// A part that is small, or refused by its handler when it is not.
template <class Handler>
Result<void> read_part(const std::string& file, const std::string& name, Handler& handler) {
  const auto part = ZipPart::open(file, name);
  if (!part) return part.error();
  XmlReader xml{handler};
  for (;;) {
    const auto piece = (*part)->read();
    if (!piece) return piece.error();
    const auto fed = piece->empty() ? xml.finish() : xml.feed(*piece);
    if (!fed) return invalid((*part)->name() + ": " + fed.error().context);
    if (handler.is_too_large()) return invalid((*part)->name() + " holds more than can be read");
    if (piece->empty()) return {};
  }
}

/// xl/workbook.xml: names of sheets and the ids of their parts.
struct WorkbookReader : XmlHandler {
  std::vector<std::pair<std::string, std::string>> sheets;
  bool dates_of_1904 = false;

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    // `r:id` and `sheetId` are different attributes: the prefix decides nothing.
    if (name == "sheet") sheets.emplace_back(attributes["name"], attributes["id"]);
    if (name == "workbookPr") dates_of_1904 = attributes["date1904"] == "1" || attributes["date1904"] == "true";
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}
  bool is_too_large() const { return sheets.size() > 10'000; }
};

/// xl/_rels/workbook.xml.rels: the parts' files by their ids.
struct RelationsReader : XmlHandler {
  std::map<std::string, std::string, std::less<>> targets;
  std::string texts;

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name != "Relationship") return;
    std::string target{attributes["Target"]};
    target = target.starts_with('/') ? target.substr(1) : "xl/" + target;
    if (attributes["Type"].ends_with("/sharedStrings")) texts = target;
    targets.emplace(attributes["Id"], std::move(target));
  }
  void end(std::string_view) override {}
  void text(std::string_view) override {}
  bool is_too_large() const { return targets.size() > 100'000; }
};

/// The texts that cells refer to by number.
struct TextsReader : XmlHandler {
  std::vector<std::string> texts;
  std::size_t bytes = 0;
  bool is_text = false, is_phonetic = false;

  void begin(std::string_view name, const XmlAttributes&) override {
    if (name == "si") texts.emplace_back(), bytes += sizeof(std::string);
    if (name == "rPh") is_phonetic = true;
    is_text = name == "t" && !is_phonetic && !texts.empty();
  }
  void end(std::string_view name) override {
    is_text = false;
    if (name == "rPh") is_phonetic = false;
  }
  void text(std::string_view text) override {
    if (!is_text || is_too_large()) return;
    texts.back() += text;
    bytes += text.size();
  }
  bool is_too_large() const { return bytes > kMostTexts; }
};

std::size_t number_in(std::string_view text, std::size_t otherwise) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : otherwise;
}

/// 1 for A, 28 for AB12; 0: no such reference.
std::size_t column_of(std::string_view reference) {
  std::size_t column = 0;
  for (const char c : reference) {
    if (c < 'A' || c > 'Z') break;
    column = column * 26 + static_cast<std::size_t>(c - 'A' + 1);
    if (column > kMostColumns) return 0;
  }
  return column;
}

/// Rows of a sheet as they are read.
struct SheetReader : XmlHandler {
  explicit SheetReader(const std::vector<std::string>& t) : texts(t) {}

  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (name == "row") {
      line = number_in(attributes["r"], line + 1);
      row = {line, {}};
    } else if (name == "c") {
      const std::size_t asked = column_of(attributes["r"]);
      column = asked != 0 ? asked : column + 1;
      if (row.cells.empty() && asked == 0) column = 1;
      type = attributes["t"];
      content.clear();
    }
    is_content = name == "v" || name == "t";
  }
  void end(std::string_view name) override {
    is_content = false;
    if (name == "c") end_cell();
    if (name == "row" && !row.cells.empty()) rows.push_back(std::move(row));
    if (name == "row") row = {}, column = 0;
  }
  void text(std::string_view text) override {
    if (is_content && content.size() <= kMostCell) content += text;
  }
  void end_cell() {
    if (content.empty() || type == "e" || column > kMostColumns) return;  // #DIV/0! is no value
    too_large = too_large || content.size() > kMostCell;
    TableCell cell;
    if (type == "s") {
      const std::size_t index = number_in(content, texts.size());
      broken = broken || index >= texts.size();
      if (index < texts.size()) cell.text = texts[index];
    } else if (type == "b") {
      cell.text = content == "1" ? "true" : "false";
    } else {
      cell.text = content, cell.is_number = type.empty() || type == "n";
    }
    if (row.cells.size() < column) row.cells.resize(column);
    row.cells[column - 1] = std::move(cell);
  }

  const std::vector<std::string>& texts;
  std::deque<TableRow> rows;
  TableRow row;
  std::size_t line = 0, column = 0;
  std::string type, content;
  bool is_content = false, too_large = false, broken = false;
};

class XlsxRows : public RowSource {
 public:
  XlsxRows(std::unique_ptr<ZipPart> part, std::vector<std::string> texts, int day_zero)
      : part_(std::move(part)), texts_(std::move(texts)), day_zero_(day_zero) {}

  Result<bool> next(TableRow& row) override {
    while (reader_.rows.empty()) {
      if (ended_) return false;
      if (const auto fed = feed(); !fed) return fed.error();
    }
    row = std::move(reader_.rows.front());
    reader_.rows.pop_front();
    return true;
  }
  double share() const override { return part_->share(); }
  int day_zero() const override { return day_zero_; }

 private:
  Result<void> feed() {
    const auto piece = part_->read();
    if (!piece) return piece.error();
    ended_ = piece->empty();
    const auto fed = ended_ ? xml_.finish() : xml_.feed(*piece);
    if (!fed) return invalid(part_->name() + ": " + fed.error().context);
    if (reader_.too_large) return invalid(part_->name() + ": a cell holds more than a workbook can");
    if (reader_.broken) return invalid(part_->name() + " is damaged: a cell names a text that is not there");
    return {};
  }

  std::unique_ptr<ZipPart> part_;
  std::vector<std::string> texts_;
  SheetReader reader_{texts_};
  XmlReader xml_{reader_};
  int day_zero_;
  bool ended_ = false;
};

Result<std::string> part_of(const WorkbookReader& book, const RelationsReader& relations, const std::string& sheet,
                            const std::string& file) {
  std::string names;
  for (const auto& [name, id] : book.sheets) {
    const auto target = relations.targets.find(id);
    if ((sheet.empty() || name == sheet) && target != relations.targets.end()) return target->second;
    if (names.size() < 200) names += (names.empty() ? "" : ", ") + name;
  }
  if (sheet.empty()) return invalid(file + " has no sheet");
  return not_found(file + " has no sheet '" + sheet + "'; it has: " + names);
}

}  // namespace

Result<std::unique_ptr<RowSource>> xlsx_rows(const std::string& file, const std::string& sheet) {
  WorkbookReader book;
  RelationsReader relations;
  TextsReader texts;
  if (const auto read = read_part(file, "xl/workbook.xml", book); !read) return read.error();
  if (const auto read = read_part(file, "xl/_rels/workbook.xml.rels", relations); !read) return read.error();
  const auto name = part_of(book, relations, sheet, file);
  if (!name) return name.error();
  if (!relations.texts.empty()) {
    if (const auto read = read_part(file, relations.texts, texts); !read) return read.error();
  }
  auto part = ZipPart::open(file, *name);
  if (!part) return part.error();
  const int day_zero = book.dates_of_1904 ? kDayZero1904 : kDayZero1900;
  return std::unique_ptr<RowSource>{
      std::make_unique<XlsxRows>(std::move(*part), std::move(texts.texts), day_zero)};
}

}  // namespace takt
