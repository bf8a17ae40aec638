#include "client/server_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/ssl/context.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace takt::client {
namespace {

constexpr timeval kPatience{10, 0};

Error broke(const std::string& why) { return unavailable("the connection broke: " + why); }

/// Sends each message at once, and gives up on a server that is silent.
void set_options(int fd) {
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

Result<int> connect_to(const ServerAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (error != 0) return unavailable(fmt::format("cannot find {}: {}", address.host, ::gai_strerror(error)));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list{found, ::freeaddrinfo};
  std::string why = "no address";
  for (const addrinfo* each = list.get(); each != nullptr; each = each->ai_next) {
    const int fd = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
    if (fd < 0) continue;
    set_options(fd);
    if (::connect(fd, each->ai_addr, each->ai_addrlen) == 0) return fd;
    why = std::strerror(errno);
    ::close(fd);
  }
  return unavailable(fmt::format("cannot reach {}:{}: {}", address.host, address.port, why));
}

std::string tls_trouble(const SSL* ssl) {
  const long verified = ::SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) return ::X509_verify_cert_error_string(verified);
  const unsigned long error = ::ERR_get_error();
  const char* reason = error == 0 ? nullptr : ::ERR_reason_error_string(error);
  return reason != nullptr ? reason : "the server ended the connection, or does not speak TLS";
}

}  // namespace

Result<ServerAddress> ServerAddress::parse(const std::string& text) {
  std::string rest = text;
  ServerAddress address;
  address.secured = rest.starts_with("tls://");
  if (address.secured || rest.starts_with("tcp://")) rest = rest.substr(6);
  while (rest.ends_with('/')) rest.pop_back();
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == rest.size()) {
    return invalid("\"" + text +
                   "\" is not HOST:PORT; write the address of takt serve --tcp, as 127.0.0.1:8090, or "
                   "tls://HOST:PORT where it speaks TLS");
  }
  address.host = rest.substr(0, colon), address.port = rest.substr(colon + 1);
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  return address;
}

ServerSocket::Descriptor::~Descriptor() {
  if (number >= 0) ::close(number);
}

void ServerSocket::SslFree::operator()(SSL* ssl) const { ::SSL_free(ssl); }

Result<ServerSocket> ServerSocket::connect(const ServerAddress& address, const std::shared_ptr<TlsContext>& tls) {
  const auto fd = connect_to(address);
  if (!fd) return fd.error();
  ServerSocket socket{Descriptor{*fd}};
  if (address.secured) {
    if (const auto secured = socket.shake_hands(address, tls); !secured) return secured.error();
  }
  ::fcntl(*fd, F_SETFL, ::fcntl(*fd, F_GETFL) | O_NONBLOCK);
  return socket;
}

Result<void> ServerSocket::shake_hands(const ServerAddress& address, const std::shared_ptr<TlsContext>& tls) {
  ::ERR_clear_error();
  ssl_.reset(::SSL_new(tls->native_handle()));
  SSL* ssl = ssl_.get();
  ::SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), address.host.c_str()) != 1) {
    ::SSL_set1_host(ssl, address.host.c_str());
    SSL_set_tlsext_host_name(ssl, address.host.c_str());
  }
  ::SSL_set_fd(ssl, fd_.number);
  if (::SSL_connect(ssl) == 1) return {};
  return unavailable(fmt::format("no TLS with {}:{}: {}", address.host, address.port, tls_trouble(ssl)));
}

Result<std::size_t> ServerSocket::send(std::string_view bytes) {
  std::size_t sent = 0;
  if (ssl_) {
    ::ERR_clear_error();
    if (::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent) == 1) return sent;
    const int why = ::SSL_get_error(ssl_.get(), 0);
    if (why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ) return std::size_t{0};
    return broke(tls_trouble(ssl_.get()));
  }
  const ssize_t n = ::send(fd_.number, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return broke(std::strerror(errno));
}

Result<std::size_t> ServerSocket::receive(std::string& to, std::size_t most) {
  const std::size_t before = to.size();
  to.resize(before + most);
  std::size_t got = 0;
  bool ended = false, later = false;
  if (ssl_) {
    ::ERR_clear_error();
    if (::SSL_read_ex(ssl_.get(), to.data() + before, most, &got) != 1) {
      const int why = ::SSL_get_error(ssl_.get(), 0);
      later = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
      ended = why == SSL_ERROR_ZERO_RETURN;
    }
  } else {
    const ssize_t n = ::recv(fd_.number, to.data() + before, most, 0);
    ended = n == 0, later = n < 0 && (errno == EAGAIN || errno == EINTR);
    got = static_cast<std::size_t>(std::max<ssize_t>(n, 0));
  }
  to.resize(before + got);
  if (got > 0 || later) return got;
  if (ended) return unavailable("the server ended the connection");
  return broke(ssl_ ? tls_trouble(ssl_.get()) : std::strerror(errno));
}

bool ServerSocket::has_more() const { return ssl_ && ::SSL_pending(ssl_.get()) > 0; }

}  // namespace takt::client
