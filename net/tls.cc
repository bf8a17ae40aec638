#include "net/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <boost/asio/ssl/context.hpp>

namespace takt {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Error unusable(const std::string& what, const std::string& file, const error_code& ec) {
  return invalid("cannot use the " + what + " " + file + ": " + ec.message() + "; name a readable PEM file");
}

/// Certificate and key, in this order: OpenSSL compares them when the second comes.
Result<void> show(TlsContext& context, const std::string& certificate, const std::string& key) {
  if (certificate.empty() != key.empty())
    return invalid("a TLS certificate needs its key, and a key its certificate");
  if (certificate.empty()) return {};
  error_code ec;
  context.use_certificate_chain_file(certificate, ec);
  if (ec) return unusable("TLS certificate", certificate, ec);
  context.use_private_key_file(key, ssl::context::pem, ec);
  if (ec) return unusable("TLS key", key, ec);
  return {};
}

Result<std::shared_ptr<TlsContext>> server_context(const TlsFiles& files) {
  auto context = std::make_shared<TlsContext>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  if (files.certificate.empty()) return invalid("TLS needs a certificate: name it with --tls-cert and --tls-key");
  if (const auto shown = show(*context, files.certificate, files.key); !shown) return shown.error();
  if (files.client_ca.empty()) return context;
  error_code ec;
  context->load_verify_file(files.client_ca, ec);
  if (ec) return unusable("certificates of --tls-client-ca", files.client_ca, ec);
  context->set_verify_mode(ssl::verify_peer, ec);  // who shows none is asked for a token
  return context;
}

}  // namespace

Result<std::shared_ptr<TlsServer>> TlsServer::open(TlsFiles files) {
  std::shared_ptr<TlsServer> server{new TlsServer{std::move(files)}};
  if (const auto loaded = server->reload(); !loaded) return loaded.error();
  return server;
}

Result<void> TlsServer::reload() {
  auto loaded = server_context(files_);
  if (!loaded) return loaded.error();
  const std::lock_guard lock{mutex_};
  context_ = std::move(*loaded);
  return {};
}

std::shared_ptr<TlsContext> TlsServer::context() const {
  const std::lock_guard lock{mutex_};
  return context_;
}

std::string certified_name(ssl_st* ssl) {
  if (::SSL_get_verify_result(ssl) != X509_V_OK) return {};
  const std::unique_ptr<X509, void (*)(X509*)> shown{::SSL_get1_peer_certificate(ssl), ::X509_free};
  if (!shown) return {};
  std::array<char, 256> name{};
  const int length =
      ::X509_NAME_get_text_by_NID(::X509_get_subject_name(shown.get()), NID_commonName, name.data(), name.size());
  return length > 0 ? std::string{name.data(), static_cast<std::size_t>(length)} : std::string{};
}

Result<std::shared_ptr<TlsContext>> open_tls_client(const TlsTrust& trust) {
  auto context = std::make_shared<TlsContext>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);  // agents and webhooks of others
  error_code ec;
  if (trust.ca.empty()) {
    context->set_default_verify_paths(ec);
    if (ec) return unusable("certificates of this", "system", ec);
  } else {
    context->load_verify_file(trust.ca, ec);
    if (ec) return unusable("certificates of --tls-ca", trust.ca, ec);
  }
  context->set_verify_mode(ssl::verify_peer, ec);
  if (const auto shown = show(*context, trust.certificate, trust.key); !shown) return shown.error();
  return context;
}

}  // namespace takt
