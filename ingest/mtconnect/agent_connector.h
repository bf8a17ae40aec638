// Sources of kind `mtconnect`: agents, asked for what they have observed since they were last asked.
#pragma once

#include "ingest/connector.h"

namespace takt::mtconnect {

/// url `http://agent:5000` for all of its devices, `http://agent:5000/device` for one. No options. What is fetched
/// is noted in the store behind what is durable, so that a restart goes on from there.
Result<std::unique_ptr<Connector>> start_agent(ConnectorContext context);

}  // namespace takt::mtconnect
