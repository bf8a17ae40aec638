#include "server/http/message.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

TEST(QueryParameters, AreDecodedAndKeepOrderAndDuplicates) {
  const auto query = QueryParameters::parse("scope=machine%3AM1&group=line&scope=b+c&flag&=x&&");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("scope"), "machine:M1");
  EXPECT_EQ(query->count("scope"), 2U);
  EXPECT_EQ(query->entries()[2].second, "b c");
  EXPECT_EQ(query->get("flag"), "");
  EXPECT_FALSE(query->has("Scope"));
}

TEST(QueryParameters, KeepThePlusOfAnUnescapedUtcOffset) {
  const auto query = QueryParameters::parse("from=2026-01-05T06:00:00+02:00&name=Press+10:30&note=a+02:00");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->get("from"), "2026-01-05T06:00:00+02:00");
  EXPECT_EQ(query->get("name"), "Press 10:30");
  EXPECT_EQ(query->get("note"), "a 02:00");
}

TEST(QueryParameters, RefuseBrokenEscapes) {
  for (const char* raw : {"a=%", "a=%1", "a=%zz", "%2=1"}) EXPECT_FALSE(QueryParameters::parse(raw)) << raw;
  EXPECT_EQ(percent_decoded("/a%20b+c"), "/a b+c");
}

TEST(HeaderFields, IgnoreTheCaseOfNames) {
  HeaderFields headers;
  headers.add("Content-Type", "text/csv");
  headers.add("X-A", "");
  EXPECT_EQ(headers.get("content-TYPE"), "text/csv");
  EXPECT_TRUE(headers.has("x-a"));
  EXPECT_FALSE(headers.has("x"));
}

TEST(AcceptEncoding, IsReadWithItsWeights) {
  const auto accepts = [](std::string_view value) {
    HttpRequest request;
    request.headers.add("Accept-Encoding", value);
    return accepts_gzip(request);
  };
  for (const char* yes : {"gzip", "deflate, GZIP;q=0.5", "*", "br, x-gzip", "gzip;q=0.001"})
    EXPECT_TRUE(accepts(yes)) << yes;
  for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", "identity"})
    EXPECT_FALSE(accepts(no)) << no;
}

TEST(Problem, EscapesWhatItQuotes) {
  const HttpResponse response = problem(404, "no \"M\n1\"");
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body, R"({"type":"about:blank","title":"Not Found","status":404,"detail":"no \"M\n1\""})");
}

TEST(Problem, IsUtf8WhateverItQuotes) {
  EXPECT_EQ(
      problem(404, "nothing at /\xFF").body,
      "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"nothing at /\xEF\xBF\xBD\"}");
  EXPECT_EQ(readable("a\xC3\x28\xED\xA0\x80\xC3\xA4"),
            "a\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xC3\xA4");
}

}  // namespace
}  // namespace takt
