// TLS 1.3 by OpenSSL: what a server shows of itself, and whom a client believes.
#pragma once

#include "schema/result.h"

#include <memory>
#include <mutex>
#include <string>

namespace boost::asio::ssl {
class context;
}

struct ssl_st;

namespace takt {

using TlsContext = boost::asio::ssl::context;

/// PEM files. Without a certificate there is no TLS.
struct TlsFiles {
  std::string certificate;  ///< the server's, then those that vouch for it
  std::string key;
  std::string client_ca;  ///< who vouches for clients that show a certificate; empty: none is asked for

  bool empty() const { return certificate.empty() && key.empty() && client_ca.empty(); }
};

/// A server's side, whose files can be read again while it runs. Thread-safe.
class TlsServer {
 public:
  /// invalid_argument: a file is missing or unreadable, or certificate and key are no pair.
  static Result<std::shared_ptr<TlsServer>> open(TlsFiles files);
  /// For connections that begin from now on. After an error those before stay in use.
  Result<void> reload();
  /// For a connection that begins now.
  std::shared_ptr<TlsContext> context() const;

 private:
  explicit TlsServer(TlsFiles files) : files_(std::move(files)) {}

  const TlsFiles files_;
  mutable std::mutex mutex_;
  std::shared_ptr<TlsContext> context_;
};

/// The common name of the certificate that the other side has shown and that was found good; empty: none.
std::string certified_name(ssl_st* ssl);

/// A client's side. PEM files.
struct TlsTrust {
  std::string ca;           ///< who vouches for servers; empty: whom the system believes
  std::string certificate;  ///< to show to a server that asks for one, with its key
  std::string key;
};

/// Whoever connects by it must also check the server's name. invalid_argument: a file cannot be used.
Result<std::shared_ptr<TlsContext>> open_tls_client(const TlsTrust& trust);

}  // namespace takt
