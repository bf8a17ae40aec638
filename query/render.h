// Answers as the contract's JSON: the one spelling of every figure, for API, page, command line and tests.
#pragma once

#include "query/json_text.h"
#include "query/oee.h"
#include "query/production.h"
#include "query/series.h"
#include "query/timeline.h"

#include <string>
#include <vector>

namespace takt {

/// Where the page ends that an answer is.
struct PageEnd {
  bool asked = false;               ///< it is a page: the answer says how it goes on
  std::optional<std::string> next;  ///< the cursor of the next; none: this is the last
};

/// The members of a bucket (contract 5), without the braces around them.
void append_bucket(JsonText& out, const OeeBucket& bucket);
void append_current(JsonText& out, const CurrentMachine& machine);

std::string render_oee(const OeeRequest& request, const std::vector<OeeSeries>& series, const PageEnd& end = {});
std::string render_current(const std::vector<CurrentMachine>& machines);
/// `kept_from`: what was before is not known any more.
std::string render_timeline(std::string_view machine, const std::vector<TimelineInterval>& intervals,
                            std::optional<Timestamp> kept_from = std::nullopt, const PageEnd& end = {});
/// The members of the answer, without the braces around them.
void append_losses(JsonText& out, const Losses& losses);
std::string render_losses(const Losses& losses);
std::string render_pareto(const Pareto& pareto);
std::string render_production(const std::vector<ProductionItem>& items);
std::string render_series(const SeriesRequest& request, const std::vector<SeriesPoint>& points,
                          const PageEnd& end = {});
/// Header row `time,value`, RFC 4180.
std::string render_series_csv(const std::vector<SeriesPoint>& points);

}  // namespace takt
