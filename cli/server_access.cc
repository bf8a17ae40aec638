#include "cli/server_access.h"

#include <CLI/CLI.hpp>

#include <fstream>

namespace takt {

void add_access_options(CLI::App& command, ServerAccess& access) {
  auto* token =
      command.add_option("--token", access.token, "Token, of servers that ask for one; see --token-file")
          ->envname("TAKT_TOKEN");
  command.add_option("--token-file", access.token_file, "File with the token: others see a command's words")
      ->envname("TAKT_TOKEN_FILE")
      ->excludes(token);
  command
      .add_option("--tls-ca", access.trust.ca,
                  "PEM file of who vouches for the server (default: whom this system believes)")
      ->envname("TAKT_TLS_CA");
  command.add_option("--client-cert", access.trust.certificate, "PEM certificate to show to the server")
      ->envname("TAKT_CLIENT_CERT");
  command.add_option("--client-key", access.trust.key, "Its key")->envname("TAKT_CLIENT_KEY");
}

Result<std::string> token_of(const ServerAccess& access) {
  if (access.token_file.empty()) return access.token;
  std::ifstream file{access.token_file};
  std::string token;
  if (!(file >> token)) return io_error("cannot read a token from " + access.token_file);
  return token;
}

Result<HttpClient> connect_to(const ServerAccess& access, HttpClientOptions options) {
  auto token = token_of(access);
  if (!token) return token.error();
  options.token = std::move(*token);
  options.trust = access.trust;
  return HttpClient::open(access.url, std::move(options));
}

}  // namespace takt
