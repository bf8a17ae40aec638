// The warehouse against a running server: its rollup rows against what the server answers.
#pragma once

#include "client/http_client.h"
#include "export/export_target.h"
#include "export/verify.h"

namespace takt {

/// Has the server flush its exports, then compares every closed bucket of the target with GET /v1/oee?whole=1,
/// column by column. Buckets that have changed since the flush are left out.
Result<VerifyReport> verify_server(HttpClient& server, ExportTarget& target);

}  // namespace takt
