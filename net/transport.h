// Bytes to and from the other side of a connection, as they are or through TLS. Internal to the servers.
#pragma once

#include "net/tls.h"

#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>

namespace takt {

/// Concrete types, where Asio would erase them by default: a request costs a tenth less.
using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Strand>;

/// A stream in Asio's sense, for one strand. Stays where it was made.
class Transport {
 public:
  using executor_type = Strand;

  /// Without a context bytes go as they are.
  Transport(Socket socket, std::shared_ptr<boost::asio::ssl::context> context)
      : context_(std::move(context)), socket_(std::move(socket)) {
    if (context_) tls_ = std::make_unique<Tls>(socket_, *context_);
  }
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  executor_type get_executor() { return socket_.get_executor(); }
  Socket& socket() { return socket_; }
  /// Then async_handshake() comes before everything else.
  bool is_secured() const { return tls_ != nullptr; }

  template <class Token>
  auto async_handshake(Token&& token) {
    return tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Token>(token));
  }
  /// Says that nothing more comes, and waits until the other side has, too.
  template <class Token>
  auto async_farewell(Token&& token) {
    return tls_->async_shutdown(std::forward<Token>(token));
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Token>(token));
    return socket_.async_read_some(buffers, std::forward<Token>(token));
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Token>(token));
    return socket_.async_write_some(buffers, std::forward<Token>(token));
  }
  /// What goes at once, of a socket that does not block. Of a TLS record a part cannot be sent: would_block.
  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, boost::system::error_code& ec) {
    if (!tls_) return socket_.write_some(buffers, ec);
    ec = boost::asio::error::would_block;
    return 0;
  }
  /// The common name of the certificate that the other side has shown and that was found good; empty: none.
  std::string certified_name() const { return tls_ ? takt::certified_name(tls_->native_handle()) : std::string{}; }
  /// Whether something has arrived that was not read yet. What TLS has taken off the socket and not deciphered
  /// does not show.
  bool has_arrived() {
    boost::system::error_code ec;
    return (tls_ && SSL_pending(tls_->native_handle()) > 0) || socket_.available(ec) > 0;
  }

 private:
  using Tls = boost::asio::ssl::stream<Socket&>;

  std::shared_ptr<boost::asio::ssl::context> context_;
  Socket socket_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace takt
