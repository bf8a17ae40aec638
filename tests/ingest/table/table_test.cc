// Tables as plants have them: other delimiters, decimal commas, local times, workbooks, and broken ones.
#include "ingest/decode.h"
#include "ingest/table/table_source.h"
#include "tests/support/mutation.h"
#include "tests/support/temporary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xlsxwriter.h>

#include <fstream>
#include <iterator>
#include <random>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Table : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) const {
    const std::string file = folder.path() / name;
    std::ofstream{file, std::ios::binary} << content;
    return file;
  }
  /// The lines that a file becomes; "!LINE what" for those that cannot be read.
  static std::vector<std::string> lines(const std::string& file, ImportFormat format,
                                        const TableOptions& options) {
    const auto source = open_import(file, format, "", &options);
    if (!source) return {"refused: " + source.error().context};
    std::vector<std::string> all;
    for (;;) {
      const auto body = (*source)->next();
      if (!body) {
        all.push_back("broken: " + body.error().context);
        break;
      }
      if (body->lines.empty()) break;
      std::size_t begin = 0;
      while (begin < body->text.size()) {
        const std::size_t end = body->text.find('\n', begin);
        all.push_back(body->text.substr(begin, end - begin));
        begin = end + 1;
      }
    }
    for (const auto& each : (*source)->unreadable())
      all.push_back("!" + std::to_string(each.line) + " " + each.message);
    return all;
  }
  /// A workbook with a title, a header in row 3, and two rows of counts.
  std::string workbook() const {
    const std::string file = folder.path() / "shift.xlsx";
    lxw_workbook* book = workbook_new(file.c_str());
    lxw_worksheet* notes = workbook_add_worksheet(book, "Notes");
    worksheet_write_string(notes, 0, 0, "nothing here", nullptr);
    lxw_worksheet* sheet = workbook_add_worksheet(book, "Schicht & Co");
    lxw_format* date = workbook_add_format(book);
    format_set_num_format(date, "dd.mm.yyyy hh:mm");
    worksheet_write_string(sheet, 0, 0, "Shift report", nullptr);
    int column = 0;
    for (const char* header : {"Maschine", "Zeit", "Gut", "Gewicht"})
      worksheet_write_string(sheet, 2, static_cast<lxw_col_t>(column++), header, nullptr);
    lxw_datetime at = {2026, 7, 5, 6, 30, 15.25};
    worksheet_write_string(sheet, 3, 0, "M1", nullptr);
    worksheet_write_datetime(sheet, 3, 1, &at, date);
    worksheet_write_number(sheet, 3, 2, 12, nullptr);
    worksheet_write_number(sheet, 3, 3, 0.1, nullptr);
    worksheet_write_string(sheet, 5, 0, "M1", nullptr);
    worksheet_write_string(sheet, 5, 1, "05.07.2026 06:31", nullptr);
    worksheet_write_number(sheet, 5, 2, 13, nullptr);
    EXPECT_EQ(workbook_close(book), LXW_NO_ERROR);
    return file;
  }
  static TableOptions german() {
    TableOptions options;
    options.columns = {{"machine", "maschine"}, {"ts", "Zeit"}, {"good", "Gut"}};
    options.constants = {{"type", "count"}};
    options.timezone = "Europe/Berlin";
    return options;
  }

  TemporaryFolder folder;
};

TEST_F(Table, OfSemicolonsAndCommasIsReadAsGermansMeanIt) {
  const auto file =
      write("a.csv",
            "\xef\xbb\xbf"
            "Bericht;;\r\nZeit;Maschine;Temperatur;Name\r\n05.01.2026 06:00;M1;1.061,5;\"a;\"\"b\"\r\n"
            "2026-07-01 06:00:00,25;M1;-3;x\r\n\r\nheute;M1;3;x\r\n");
  TableOptions options;
  options.columns = {{"ts", "Zeit"}, {"machine", "Maschine"}, {"value", "Temperatur"}, {"attributes.n", "name"}};
  options.constants = {{"type", "reading"}, {"tag", "temp"}};
  options.decimal = ',', options.timezone = "Europe/Berlin";
  EXPECT_THAT(lines(file, ImportFormat::csv, options),
              ElementsAre("type,tag,ts,machine,value,attributes.n",
                          "reading,temp,2026-01-05T05:00:00Z,M1,1061.5,\"a;\"\"b\"",
                          "reading,temp,2026-07-01T04:00:00.25Z,M1,-3,x",
                          testing::AllOf(HasSubstr("!6 bad_value"), HasSubstr("heute"))));
}

TEST_F(Table, WithoutAZoneRefusesTimesThatHaveNone) {
  const auto file = write("a.csv",
                          "type\tmachine\tts\tstate\nstate\tM1\t2026-01-05 06:00\tidle\n"
                          "state\tM1\t2026-01-05T06:00:00+01:00\tidle\n");
  EXPECT_THAT(lines(file, ImportFormat::csv, {}),
              ElementsAre("type,machine,ts,state", "state,M1,2026-01-05T06:00:00+01:00,idle",
                          testing::AllOf(HasSubstr("!2 "), HasSubstr("--timezone"))));
}

TEST_F(Table, OfAWorkbookHasItsDatesAndRowNumbers) {
  TableOptions options = german();
  options.sheet = "Schicht & Co";
  EXPECT_THAT(lines(workbook(), ImportFormat::xlsx, options),
              ElementsAre("type,machine,ts,good", "count,M1,2026-07-05T04:30:15.25Z,12",
                          "count,M1,2026-07-05T04:31:00Z,13"));
  options.timezone.clear();
  EXPECT_THAT(lines(workbook(), ImportFormat::xlsx, options),
              testing::Contains(testing::AllOf(HasSubstr("!6 "), HasSubstr("--timezone"))));
}

TEST_F(Table, IsRefusedWithASentence) {
  const auto refused = [&](const std::string& file, ImportFormat format, const TableOptions& options) {
    const auto got = lines(file, format, options);
    return got.empty() ? std::string{} : got[0];
  };
  const auto csv = write("a.csv", "Maschine;Zeit\nM1;2026-01-05 06:00\n");
  TableOptions options = german();
  EXPECT_THAT(refused(csv, ImportFormat::csv, options), HasSubstr("no row has the column 'Gut'"));
  options.columns = {{"machine", "Maschine"}}, options.constants = {};
  EXPECT_THAT(refused(csv, ImportFormat::csv, options), HasSubstr("--set type="));
  options.columns = {{"maschine", "Maschine"}};
  EXPECT_THAT(refused(csv, ImportFormat::csv, options), HasSubstr("no field 'maschine'"));
  options.columns = {{"machine", "a"}, {"machine", "b"}};
  EXPECT_THAT(refused(csv, ImportFormat::csv, options), HasSubstr("twice"));
  options = german(), options.timezone = "Europe/Berlin2";
  EXPECT_THAT(refused(csv, ImportFormat::csv, options), HasSubstr("Europe/Berlin2"));
  options = german(), options.sheet = "Tabelle1";
  EXPECT_THAT(refused(workbook(), ImportFormat::xlsx, options), HasSubstr("it has: Notes, Schicht & Co"));
  EXPECT_THAT(refused(write("b.xlsx", "not a zip"), ImportFormat::xlsx, german()), HasSubstr("no Excel workbook"));
  EXPECT_THAT(refused(folder.path() / "none.xlsx", ImportFormat::xlsx, german()), HasSubstr("refused"));
}

TEST_F(Table, ThatUnpacksToFarMoreThanItsSizeIsRefused) {
  const std::string file = folder.path() / "bomb.xlsx";
  lxw_workbook* book = workbook_new(file.c_str());
  lxw_worksheet* sheet = workbook_add_worksheet(book, nullptr);
  const std::string same(30'000, 'x');
  // Texts that are all alike but for their beginning pack a thousand to one.
  for (unsigned row = 0; row < 1000; ++row)
    worksheet_write_string(sheet, row, 0, (std::to_string(row) + same).c_str(), nullptr);
  ASSERT_EQ(workbook_close(book), LXW_NO_ERROR);
  const auto got = lines(file, ImportFormat::xlsx, german());
  ASSERT_THAT(got, testing::Not(testing::IsEmpty()));
  EXPECT_THAT(got[0], HasSubstr("more than a workbook holds"));
}

TEST_F(Table, OfDamagedWorkbooksIsReadOrRefusedButHurtsNobody) {
  std::ifstream in{workbook(), std::ios::binary};
  const std::string good{std::istreambuf_iterator<char>{in}, {}};
  std::mt19937_64 random{5};
  TableOptions options = german();
  options.sheet = "Schicht & Co";
  for (int i = 0; i < 150; ++i) lines(write("c.xlsx", mutated(good, random)), ImportFormat::xlsx, options);
}

TEST_F(Table, OfDamagedTextIsReadOrRefusedButHurtsNobody) {
  const std::string good = "Maschine;Zeit;Gut\nM1;05.01.2026 06:00;1.234,5\n\"M;1\";2026-01-05;3\n";
  std::mt19937_64 random{6};
  TableOptions options = german();
  options.decimal = ',';
  for (int i = 0; i < 300; ++i) lines(write("d.csv", mutated(good, random)), ImportFormat::csv, options);
}

TEST(LocalTimes, AreReadInTheSpellingsOfSpreadsheets) {
  const auto read = [](const char* text) {
    const auto local = parse_local_time(text);
    return local ? std::to_string(local->day) + "+" + std::to_string(local->time.count()) : std::string{"none"};
  };
  EXPECT_EQ(read("1970-01-02 00:00:01.5"), "1+1500000");
  EXPECT_EQ(read("2.1.1970 0:01"), "1+60000000");
  EXPECT_EQ(read("1970-01-02"), "1+0");
  for (const char* bad : {"", "1/2/1970", "1970-13-01", "30.02.2026", "2.1.70", "1970-01-02 24:00", "1970-01-02 1",
                          "1970-01-02 10:00 PM", "1970-01-02T10:00Z"})
    EXPECT_EQ(read(bad), "none") << bad;
}

}  // namespace
}  // namespace takt
