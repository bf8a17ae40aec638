// Where an import's events go: to POST /v1/events, or over the binary protocol.
#pragma once

#include "cli/server_access.h"
#include "ingest/import_source.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// What became of events since the receipt before.
struct ImportReceipt {
  std::uint64_t events = 0;  ///< these are done with, in the order in which they were handed over
  std::uint64_t accepted = 0, duplicate = 0, rejected = 0;
  std::vector<UnreadableLine> refusals;  ///< the first of them
};

class ImportOutlet {
 public:
  virtual ~ImportOutlet() = default;
  /// Hands a body over, as ImportSource gives it, and waits while too much is on its way. unavailable: the server
  /// cannot be reached, or takes nothing; invalid_argument: nothing of the body can be read.
  virtual Result<ImportReceipt> send(const ImportBody& body, std::string_view content_type) = 0;
  /// Waits for all that is on its way.
  virtual Result<ImportReceipt> finish() = 0;
};

/// By http:// or https://, or to tcp:// or tls://HOST:PORT of `takt serve --tcp`.
Result<std::unique_ptr<ImportOutlet>> open_outlet(const ServerAccess& server);

}  // namespace takt
