// A Batch of schema/wire.fbs by itself: the body of POST /v1/events with application/x-flatbuffers.
#pragma once

#include "ingest/ingestor.h"

#include <string>
#include <string_view>

namespace takt {

/// Takes it in and waits until all of it is durable and in every figure, as Ingestor::accept(). Indexes count the
/// readings row by row, then the events, then the refused. invalid_argument: it is no Batch, or its columns do not
/// go together; unavailable: overload or a read-only store. `body` is aligned to 8 bytes.
Result<IngestAnswer> accept_batch(Ingestor& ingestor, std::string_view body, const Sender& sender);

}  // namespace takt
