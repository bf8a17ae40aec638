// How a sub-command that speaks to a server gets in: its address, a token, and whom to believe.
#pragma once

#include "client/http_client.h"

#include <string>

namespace CLI {
class App;
}

namespace takt {

struct ServerAccess {
  std::string url, token, token_file;
  TlsTrust trust;
};

/// --token, --token-file, --tls-ca, --client-cert and --client-key. `access` outlives the command.
void add_access_options(CLI::App& command, ServerAccess& access);
/// Empty: none was given. io: the file cannot be read.
Result<std::string> token_of(const ServerAccess& access);
Result<HttpClient> connect_to(const ServerAccess& access, HttpClientOptions options = {});

}  // namespace takt
