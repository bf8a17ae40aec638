#include "tests/ingest/decoded.h"

#include <gmock/gmock.h>

namespace takt {
namespace {

using testing::ElementsAre;

TEST(DecodeCsv, ReadsRowsByTheNamesOfTheHeader) {
  const std::string body =
      "\xEF\xBB\xBFtype,machine,ts,state,good,product,value,tag,startup,attributes.shift lead,attributes.n\r\n"
      "state,M1,2026-01-05T06:00:00Z,down,,,,,,,\r\n"
      "\r\n"
      "count,M2,1767592800000000,,3.0,\"X, \"\"big\"\"\",,,TRUE,anna,\n"
      "reading,M3,1,,,,61.3,t,,,007\n"
      "reading,M3,2,,,,\"true\",t,,,7\n"
      "reading,M3,3,,,,\"two\nlines\",t,,,";
  const Decoded all = decode_all(BodyFormat::csv, body);
  ASSERT_EQ(all.events.size(), 5U) << (all.rejected.empty() ? all.error : all.rejected[0].message);
  EXPECT_THAT(all.indexes, ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(all.events[0].state, "down");
  EXPECT_EQ(all.events[1].product, "X, \"big\"");
  EXPECT_EQ(all.events[1].good, 3);
  EXPECT_TRUE(all.events[1].startup);
  EXPECT_EQ(all.events[1].attributes, R"({"shift lead":"anna"})");
  EXPECT_EQ(all.events[1].at, all.events[0].at);
  EXPECT_EQ(all.events[2].value, (Value{Value::Kind::number, 61.3, {}}));
  EXPECT_EQ(all.events[2].attributes, R"({"n":"007"})");
  EXPECT_EQ(all.events[3].value, (Value{Value::Kind::boolean, 1, {}}));
  EXPECT_EQ(all.events[3].attributes, R"({"n":7})");
  EXPECT_EQ(all.events[4].value.text, "two\nlines");
}

TEST(DecodeCsv, ReadsAttributesAsAnObjectToo) {
  const std::string body =
      "type,machine,ts,state,attributes\nstate,M1,1,x,\"{\"\"b\"\":1,\"\"a\"\":[ ]}\"\nstate,M1,1,x,7\n";
  const Decoded all = decode_all(BodyFormat::csv, body);
  ASSERT_EQ(all.events.size(), 1U);
  EXPECT_EQ(all.events[0].attributes, R"({"a":[],"b":1})");
  ASSERT_EQ(all.rejected.size(), 1U);
  EXPECT_EQ(all.rejected[0].code, Rejection::bad_value);
}

TEST(DecodeCsv, RefusesRowsOneByOne) {
  const std::string body =
      "type,machine,ts,good,value,tag,colour\n"
      "count,M1,1,3\n"           // 0: cells are missing
      "count,M1,1,3,,,,,\n"      // 1: too many cells
      "count,M1,1,-3,,,\n"       // 2
      "count,M1,1,three,,,\n"    // 3
      "count,M1,,3,,,\n"         // 4
      "count,M1,1,3,,,red\n"     // 5
      "counts,M1,1,3,,,\n"       // 6
      "reading,M1,1,,NaN,t,\n"   // 7
      "reading,M1,1,,-inf,t,\n"  // 8
      "count,M\xFF,1,3,,,\n"     // 9
      "count,M\"1\",1,3,,,\n"    // 10: a quote inside an unquoted cell
      "count,\"M1\"x,1,3,,,\n"   // 11
      "count,M1,1,3,,,\n"        // 12: good
      "count,\"M1,1,3,,,\n"      // 13: never closed, the next line is a row again
      "count,M1,2,4,,,\n";       // 14: good
  const Decoded all = decode_all(BodyFormat::csv, body);
  EXPECT_THAT(all.indexes, ElementsAre(12, 14));
  std::vector<std::string> codes;
  for (const RejectedEvent& rejected : all.rejected) codes.emplace_back(name_of(rejected.code));
  EXPECT_THAT(codes, ElementsAre("bad_json", "bad_json", "bad_value", "bad_value", "missing_field",
                                 "unknown_field", "unknown_type", "bad_value", "bad_value", "bad_value",
                                 "bad_json", "bad_json", "bad_json"));
  EXPECT_EQ(all.rejected[12].raw, "count,\"M1,1,3,,,");
}

TEST(DecodeCsv, CallsARowAboveOneMebibyteTooLarge) {
  const std::string body = "type,machine,ts,tag,value\nreading,M1,1,t," + std::string(10U << 20U, 'x') +
                           "\nreading,M1,1,t,\"" + std::string(10U << 20U, '\n') + "\"\nreading,M1,1,t,1\n";
  const Decoded all = decode_all(BodyFormat::csv, body);
  EXPECT_THAT(all.indexes, ElementsAre(2));
  ASSERT_EQ(all.rejected.size(), 2U);
  EXPECT_EQ(all.rejected[0].code, Rejection::too_large);
  EXPECT_EQ(all.rejected[1].code, Rejection::too_large);
}

TEST(DecodeCsv, NeedsAUsableHeader) {
  for (const std::string body :
       {"", "\n\n", "nonsense\n1", "type,ts\nstate,1", "machine,ts\nM1,1", "\"type,machine\n",
        "type,machine,ts,ts\n", "type,machine,attributes.a,attributes.a\n"}) {
    EXPECT_NE(decode_all(BodyFormat::csv, body).error, "") << body;
  }
  const Decoded empty = decode_all(BodyFormat::csv, " type , machine \n");
  EXPECT_EQ(empty.error, "");
  EXPECT_EQ(empty.size(), 0U);
}

TEST(DecodeCsv, NumbersRowsOnOverBatches) {
  std::string body = "type,machine,ts,state\n";
  const std::size_t rows = 2 * kMaxBatchEvents + 1;
  for (std::size_t i = 0; i < rows; ++i) body += "state,\"M\"\"1\"," + std::to_string(i) + ",down\n";
  const Decoded all = decode_all(BodyFormat::csv, body);
  EXPECT_EQ(all.batches.size(), 3U);
  ASSERT_EQ(all.events.size(), rows);
  for (std::size_t i = 0; i < rows; ++i) {
    ASSERT_EQ(all.indexes[i], i);
    ASSERT_EQ(all.events[i].at, from_micros(static_cast<std::int64_t>(i)));
    ASSERT_EQ(all.events[i].machine, "M\"1");
  }
}

}  // namespace
}  // namespace takt
