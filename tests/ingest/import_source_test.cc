// Files are cut into bodies without losing an event or the number of its line.
#include "ingest/import_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace takt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ImportSourceOf : public testing::Test {
 protected:
  ImportSourceOf() {
    std::random_device random;
    folder_ = std::filesystem::temp_directory_path() / ("takt-import-" + std::to_string(random()));
    std::filesystem::create_directories(folder_);
  }
  ~ImportSourceOf() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& content) const {
    const std::string file = folder_ / name;
    std::ofstream{file, std::ios::binary} << content;
    return file;
  }
  static std::vector<ImportBody> bodies(ImportSource& source) {
    std::vector<ImportBody> all;
    while (true) {
      Result<ImportBody> body = source.next();
      EXPECT_TRUE(body);
      if (!body || body->lines.empty()) return all;
      all.push_back(std::move(*body));
    }
  }
  std::unique_ptr<ImportSource> open(const std::string& name, const std::string& content,
                                     ImportFormat format) const {
    auto source = open_import(write(name, content), format, "");
    EXPECT_TRUE(source);
    return std::move(*source);
  }

  std::filesystem::path folder_;
};

TEST_F(ImportSourceOf, NdjsonCountsLinesAsAnEditorDoes) {
  const auto source = open("a.ndjson", "{\"a\":1}\n\n  \r\n{\"b\":2}\r\n{\"c\":3}", ImportFormat::ndjson);
  const auto all = bodies(*source);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(all[0].lines, ElementsAre(1, 4, 5));
  EXPECT_EQ(all[0].text, "{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}\n");
}

TEST_F(ImportSourceOf, NdjsonIsCutIntoBodiesThatTogetherAreTheFile) {
  std::string content;
  for (int i = 0; i < 10'000; ++i) content += "{\"n\":" + std::to_string(i) + "}\n";
  const auto source = open("a.ndjson", content, ImportFormat::ndjson);
  std::string joined;
  std::size_t lines = 0, cuts = 0;
  for (const ImportBody& body : bodies(*source)) {
    joined += body.text;
    for (const std::size_t line : body.lines) EXPECT_EQ(line, ++lines);
    ++cuts;
  }
  EXPECT_EQ(joined, content);
  EXPECT_GT(cuts, 1U);
}

TEST_F(ImportSourceOf, NdjsonLeavesOutALineThatNoServerWouldTake) {
  const auto source =
      open("a.ndjson", "{}\n" + std::string(std::size_t{17} << 20U, 'x') + "\n{}\n", ImportFormat::ndjson);
  const auto all = bodies(*source);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(all[0].lines, ElementsAre(1, 3));
  ASSERT_THAT(source->unreadable(), SizeIs(1));
  EXPECT_EQ(source->unreadable()[0].line, 2U);
}

TEST_F(ImportSourceOf, CsvRepeatsItsHeaderAndKeepsQuotedLineEnds) {
  std::string content = "type,machine,note\n";
  for (int i = 0; i < 5'000; ++i) content += "state,M1,\"two\nlines, \"\"quoted\"\"\"\n";
  const auto source = open("a.csv", content, ImportFormat::csv);
  EXPECT_EQ(source->content_type(), "text/csv");
  const auto all = bodies(*source);
  ASSERT_THAT(all, SizeIs(2));
  std::size_t rows = 0;
  for (const ImportBody& body : all) {
    EXPECT_THAT(body.text, testing::StartsWith("type,machine,note\nstate,"));
    for (const std::size_t line : body.lines) EXPECT_EQ(line, 2 + 2 * rows++);
  }
  EXPECT_EQ(rows, 5'000U);
}

TEST_F(ImportSourceOf, AnAdapterLogBecomesNdjson) {
  const std::string log =
      write("a.txt", "2022-08-08T10:00:00Z|exec|ACTIVE\nbroken\n2022-08-08T09:00:00Z|exec|READY\n");
  const std::string mapping = write("m.toml", "machine = \"M1\"\nexecution = \"exec\"\n");
  const auto source = open_import(log, ImportFormat::mtconnect, mapping);
  ASSERT_TRUE(source);
  const auto all = bodies(**source);
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].text,
            "{\"type\":\"state\",\"machine\":\"M1\",\"ts\":\"2022-08-08T09:00:00Z\",\"state\":\"READY\"}\n"
            "{\"type\":\"state\",\"machine\":\"M1\",\"ts\":\"2022-08-08T10:00:00Z\",\"state\":\"ACTIVE\"}\n");
  EXPECT_THAT(all[0].lines, ElementsAre(3, 1));
  EXPECT_THAT((*source)->unreadable(), SizeIs(1));
}

TEST_F(ImportSourceOf, NothingIsNothing) {
  for (const ImportFormat format : {ImportFormat::ndjson, ImportFormat::csv}) {
    const auto source = open("empty", "", format);
    EXPECT_THAT(bodies(*source), IsEmpty());
  }
}

TEST_F(ImportSourceOf, SaysWhatIsMissing) {
  const auto problem = [](const auto& result) { return result ? std::string{} : result.error().context; };
  EXPECT_THAT(problem(open_import(folder_ / "none.csv", ImportFormat::csv, "")), HasSubstr("cannot be opened"));
  EXPECT_THAT(problem(open_import("a.txt", ImportFormat::mtconnect, "")), HasSubstr("--mapping"));
  EXPECT_THAT(problem(open_import("a.lp", ImportFormat::lp, "")), HasSubstr("cannot be opened"));
  EXPECT_THAT(problem(format_of("a.bin")), HasSubstr("--format"));
  EXPECT_EQ(*format_of("x/okuma.txt"), ImportFormat::mtconnect);
  EXPECT_EQ(*format_of("-"), ImportFormat::ndjson);
}

}  // namespace
}  // namespace takt
