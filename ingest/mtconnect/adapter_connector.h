// Sources of kind `shdr`: adapters of MTConnect, read as their agent would read them.
#pragma once

#include "ingest/connector.h"

namespace takt::mtconnect {

/// url `shdr://host:7878`. options, all optional: the keys of a mapping file (mapping.h) but `machine`, with which
/// the same events come as of the imported log; without any that says what is an event the plant's [[signal]]
/// rules decide. `clock = "server"`: what comes is of the moment it came at.
Result<std::unique_ptr<Connector>> start_adapter(ConnectorContext context);

}  // namespace takt::mtconnect
