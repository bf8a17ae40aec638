#include "ingest/mtconnect/mapping.h"
#include "ingest/mtconnect/shdr.h"
#include "ingest/mtconnect/shdr_stream.h"
#include "tests/ingest/mtconnect/fuzz.h"

namespace takt::fuzz {

/// However a stream is cut, the text is the same.
void shdr_stream(std::string_view data) {
  const Timestamp now = *parse_time("2026-01-05T06:00:00Z");
  mtconnect::ShdrStream whole;
  mtconnect::ShdrStream cut;
  std::string text;
  std::string pieces;
  whole.feed(data, now, text);
  for (std::size_t at = 0; at < data.size(); at += 7) cut.feed(data.substr(at, 7), now, pieces);
  TAKT_INVARIANT(text == pieces && whole.skipped() == cut.skipped() && whole.heartbeat() == cut.heartbeat());
  mtconnect::Mapping mapping;
  mapping.machine = "M1", mapping.execution = "pexecution", mapping.good_total = "a",
  mapping.numeric_readings = true;
  mtconnect::Log log = mtconnect::read_shdr(text);
  EventBatch batch;
  mtconnect::append_events(log, mapping, batch);
  TAKT_INVARIANT(batch.events.size() <= log.samples.size() && batch.indexes.size() == batch.events.size());
}

}  // namespace takt::fuzz
