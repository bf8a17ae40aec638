// Who sends, how good it is, and what was refused of it.
#include <array>
#include <string>

#include "query/json_text.h"
#include "server/api/api.h"

namespace takt {
namespace {

constexpr std::size_t kPage = 1000;
constexpr std::uint64_t kLongPage = 100'000;                // of lines
constexpr std::size_t kPageBytes = std::size_t{32} << 20U;  // a page that has come to this is at its end

// ---------------------------------------- the quarantine

void append_entry(JsonText& out, const QuarantineEntry& entry) {
  out.begin_object().member("number", entry.number).member("received", entry.received);
  out.member("source", entry.source).member("index", std::uint64_t{entry.event.index});
  out.member("code", name_of(entry.event.code)).member("message", readable(entry.event.message));
  out.member("raw", readable(entry.event.raw)).end_object();
}

/// Calls `take` with up to `limit` entries after `after`, until it says that it has enough; the number of the last
/// one if there may be more.
template <class Take>
std::optional<std::uint64_t> read_quarantine(const Store& store, std::uint64_t after, std::uint64_t limit,
                                             Take take) {
  while (limit > 0) {
    const std::size_t page = std::min<std::uint64_t>(limit, kPage);
    const std::vector<QuarantineEntry> entries = store.quarantine(after, page);
    for (const QuarantineEntry& entry : entries) {
      after = entry.number;
      if (!take(entry)) return after;
    }
    if (entries.size() < page) return std::nullopt;
    limit -= page;
  }
  return after;
}

HttpResponse quarantine_items(const Store& store, std::uint64_t after, std::uint64_t limit) {
  JsonText out;
  std::size_t bytes = 0;
  out.begin_object().member("total", store.quarantine_size()).key("items").begin_array();
  const auto next = read_quarantine(store, after, limit, [&](const QuarantineEntry& entry) {
    append_entry(out, entry);
    return (bytes += entry.event.raw.size()) < kPageBytes;
  });
  return json_response(out.end_array().member("next", next).end_object().take());
}

HttpResponse quarantine_lines(const Store& store, std::uint64_t after, std::uint64_t limit) {
  HttpResponse answer;
  answer.content_type = "application/x-ndjson";
  const auto next = read_quarantine(store, after, limit, [&](const QuarantineEntry& entry) {
    JsonText line;
    append_entry(line, entry);
    answer.body += line.take() + '\n';
    return answer.body.size() < kPageBytes;
  });
  if (next) answer.headers.emplace_back("Takt-Next", std::to_string(*next));
  return answer;
}

void get_quarantine(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {"after", "limit", "format"}, api.store.clock().now()};
  const std::string format = in.optional("format").value_or("json");
  const bool lines = format == "ndjson";
  if (!lines && format != "json") in.fault("format is json or ndjson");
  const std::uint64_t after = in.number("after").value_or(0);
  const std::uint64_t most = lines ? kLongPage : kPage;
  const std::uint64_t limit = in.number("limit").value_or(lines ? kLongPage : 100);
  if (limit < 1 || limit > most) in.fault("limit is 1 to " + std::to_string(most));
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.workers, std::move(responder), [&store = api.store, after, limit, lines] {
    return lines ? quarantine_lines(store, after, limit) : quarantine_items(store, after, limit);
  });
}

void replay_quarantine(Api& api, const HttpRequest& http, Responder responder) {
  Parameters in{http, {}, api.store.clock().now()};
  if (auto fault = in.problem()) return responder.send(*fault);
  answer_in(api.workers, std::move(responder),
            [&api] { return answer_of(api, api.ingestor.replay_quarantine()); });
}

// ---------------------------------------- sources

void append_codes(JsonText& out, const RejectsByCode& by_code) {
  out.key("rejects_by_code").begin_object();
  for (std::size_t i = 0; i < kRejections; ++i) {
    if (by_code.at(i) > 0) out.member(name_of(static_cast<Rejection>(i)), by_code.at(i));
  }
  out.end_object();
}

void append_source(JsonText& out, const SourceReport& source) {
  out.begin_object().member("source", source.name).member("kind", source.kind);
  out.member("state", name_of(source.state)).member("detail", readable(source.detail));
  out.member("last_event", source.last_event).member("last_received", source.last_received);
  out.member("lag_s", source.lag);
  out.member("rate", source.rate).member("accepted", source.accepted).member("duplicate", source.duplicate);
  out.member("repaired", source.repaired).member("replayed", source.replayed).member("gaps", source.gaps);
  out.member("rejects", source.rejected);
  append_codes(out, source.rejected_by_code);
  out.member("clock_offset_s", source.clock_offset).member("clock_drifts", source.clock_drifts).end_object();
}

HttpResponse get_sources(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {}, now};
  if (auto fault = in.problem()) return *fault;
  JsonText out;
  out.begin_object().key("sources").begin_array();
  for (const SourceReport& source : api.ingestor.sources().report(now)) append_source(out, source);
  return json_response(out.end_array().end_object().take());
}

// ---------------------------------------- data quality

void append_quality(JsonText& out, const DataQuality& quality) {
  out.key("share");
  quality.empty() ? out.null() : out.value(quality.share());
  out.member("rejected", quality.rejected).member("replayed", quality.replayed);
}

/// Machines that sent anything or had something refused, by name; "" are events whose machine could not be read.
void append_machines(JsonText& out, Api& api) {
  auto rejects = api.ingestor.rejects_by_machine().report();
  std::map<std::string, std::uint64_t, std::less<>> accepted;
  {
    const StoreView view = api.store.read();
    for (std::size_t i = 0; i < view.machine_count(); ++i) {
      const auto id = static_cast<MachineId>(i);
      if (view.accepted_of(id) > 0) accepted.emplace(view.numbers().name(id), view.accepted_of(id));
    }
  }
  for (const auto& [machine, count] : accepted) rejects.try_emplace(machine);
  for (const auto& [machine, its] : rejects) {
    const auto taken = accepted.find(machine);
    std::uint64_t rejected = 0;
    for (const std::uint64_t count : its.by_code) rejected += count;
    const std::uint64_t good = taken == accepted.end() ? 0 : taken->second;
    out.begin_object().member("machine", machine).member("accepted", good);
    append_quality(out, {good, rejected, its.replayed});
    append_codes(out, its.by_code);
    out.end_object();
  }
}

HttpResponse get_data_quality(Api& api, const HttpRequest& http) {
  const Timestamp now = api.store.clock().now();
  Parameters in{http, {}, now};
  if (auto fault = in.problem()) return *fault;
  const std::vector<SourceReport> sources = api.ingestor.sources().report(now);
  SourceReport all;
  for (const SourceReport& source : sources) {
    all.accepted += source.accepted, all.duplicate += source.duplicate, all.rejected += source.rejected;
    all.repaired += source.repaired, all.replayed += source.replayed;
    for (std::size_t i = 0; i < kRejections; ++i) all.rejected_by_code.at(i) += source.rejected_by_code.at(i);
  }
  const auto append_sums = [](JsonText& out, const SourceReport& sums) {
    out.member("accepted", sums.accepted).member("duplicate", sums.duplicate).member("repaired", sums.repaired);
    append_quality(out, {sums.accepted + sums.duplicate, sums.rejected, sums.replayed});
    append_codes(out, sums.rejected_by_code);
  };
  JsonText out;
  out.begin_object().member("goal", kDataQualityGoal);
  append_sums(out, all);
  out.key("sources").begin_array();
  for (const SourceReport& source : sources) {
    out.begin_object().member("source", source.name).member("kind", source.kind);
    append_sums(out, source);
    out.end_object();
  }
  out.end_array().key("machines").begin_array();
  append_machines(out, api);
  return json_response(out.end_array().end_object().take());
}

}  // namespace

std::vector<Route> source_routes() {
  return {
      {"GET",
       "/v1/sources",
       "Who sends, and how that goes",
       {},
       "sources, each with state, last_event, lag_s, rate (events a second, over the last minute), gaps, rejects, "
       "clock_offset_s (median of receipt less event time) and clock_drifts",
       "application/json",
       {},
       answering(get_sources),
       "sources"},
      {"GET",
       "/v1/data-quality",
       "How good what is sent is, since the server started",
       {},
       "share of good events (taken in, known already, or taken in when replayed) and its goal; accepted, "
       "duplicate, "
       "repaired, rejected, replayed and rejects_by_code of all, of each of sources and of machines",
       "application/json",
       {},
       answering(get_data_quality)},
      {"GET",
       "/v1/quarantine",
       "What was refused",
       {{"after", "entries after this number"},
        {"limit", "1 to 1000, default 100; of lines 1 to 100000, default all"},
        {"format", "json, or ndjson: an item a line, the header Takt-Next is next"}},
       "items with number, received, source, index, code, message and raw; total; next: what to ask `after` for "
       "more",
       "application/json",
       {},
       get_quarantine},
      {"POST",
       "/v1/quarantine/replay",
       "Try what was refused again",
       {},
       "as POST /v1/events; what is accepted leaves the quarantine",
       "application/json",
       {},
       replay_quarantine},
  };
}

}  // namespace takt
