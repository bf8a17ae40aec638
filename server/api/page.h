// Long answers page by page: rows in order of time, and a cursor that leads from one page to the next.
#pragma once

#include "query/render.h"
#include "server/api/parameters.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace takt {

inline constexpr std::uint64_t kMostRows = 100'000;

/// What is asked for: `limit` rows from the row on that `cursor` names. A cursor begins with the row's time and
/// stays good when rows come or go before it.
struct Page {
  std::optional<std::uint64_t> limit;  ///< none: all
  std::optional<std::string> cursor;   ///< none: from the first
  Timestamp begin = kBeginOfTime;      ///< the cursor's time
};

inline Page page_of(Parameters& in) {
  Page page;
  page.limit = in.number("limit");
  if (page.limit && (*page.limit < 1 || *page.limit > kMostRows))
    in.fault("limit is 1 to " + std::to_string(kMostRows));
  page.cursor = in.optional("cursor");
  if (!page.cursor) return page;
  if (const auto begin = parse_time(std::string_view{*page.cursor}.substr(0, page.cursor->find('~'))))
    page.begin = *begin;
  else
    in.fault("cursor is none: take it as it stands in next_cursor");
  return page;
}

/// Leaves those of `rows` that are the page's. `name` gives a row's cursor.
template <class Row, class Name>
PageEnd cut(const Page& page, std::vector<Row>& rows, Name name) {
  if (page.cursor) {
    auto first = std::ranges::find_if(rows, [&](const Row& row) { return name(row) == *page.cursor; });
    if (first == rows.end())
      first = std::ranges::find_if(rows, [&](const Row& row) { return row.range.begin >= page.begin; });
    rows.erase(rows.begin(), first);
  }
  PageEnd end{page.limit.has_value() || page.cursor.has_value(), std::nullopt};
  if (!page.limit || rows.size() <= *page.limit) return end;
  end.next = name(rows[*page.limit]);
  rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(*page.limit), rows.end());
  return end;
}

}  // namespace takt
