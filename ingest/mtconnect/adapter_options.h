// What the [[source]] of an adapter says.
#pragma once

#include "ingest/mtconnect/mapping.h"
#include "ingest/mtconnect/shdr_stream.h"
#include "schema/plant.h"

#include <optional>
#include <string>

namespace takt::mtconnect {

struct AdapterOptions {
  std::string host, port;
  StampedBy stamps = StampedBy::adapter;
  std::optional<Mapping> mapping;  ///< none: the plant's rules decide
  ShdrKeys keys;
};

/// invalid_argument: what is wrong with url or options, and what to write.
Result<AdapterOptions> read_adapter_options(const DataSource& source);

}  // namespace takt::mtconnect
