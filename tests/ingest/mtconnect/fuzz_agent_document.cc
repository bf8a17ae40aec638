#include "ingest/mtconnect/agent_document.h"
#include "ingest/mtconnect/agent_events.h"
#include "tests/ingest/mtconnect/fuzz.h"

namespace takt::fuzz {

void agent_document(std::string_view data) {
  const auto document = mtconnect::read_agent_document(data);
  if (!document) return;
  DataSource source;
  source.machine = "M1";
  mtconnect::AgentEvents events{Plant{}, source, document->items};
  const EventBatch batch = events.events(document->observations, mtconnect::Observed::happened);
  TAKT_INVARIANT(batch.size() <= document->observations.size());
}

}  // namespace takt::fuzz
