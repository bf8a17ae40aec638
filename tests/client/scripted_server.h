// A server on a loopback port that answers each request as its script says, and remembers what it was asked.
#pragma once

#include <sys/socket.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace takt {

struct Step {
  enum class Kind {
    answer,
    answer_and_close,  ///< says keep-alive, but closes
    hang_up,           ///< reads the request and closes without an answer
    stay_silent,       ///< reads the request and waits for the client to give up
  };
  Kind kind = Kind::answer;
  unsigned status = 200;
  std::string body = {};
  std::string retry_after = {};
};

class ScriptedServer {
 public:
  using Request = boost::beast::http::request<boost::beast::http::string_body>;

  explicit ScriptedServer(std::vector<Step> script) : script_(std::move(script)), thread_([this] { serve(); }) {}
  /// What the script still has is not waited for: a test that has failed must end.
  ~ScriptedServer() {
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  /// After the whole script has been played.
  const std::vector<Request>& requests() {
    join();
    return requests_;
  }
  int connections() {
    join();
    return connections_;
  }

 private:
  using Tcp = boost::asio::ip::tcp;

  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void serve() {
    while (played_ < script_.size()) {
      Tcp::socket socket{context_};
      boost::system::error_code ended;
      acceptor_.accept(socket, ended);
      if (ended) return;
      ++connections_;
      boost::beast::flat_buffer buffer;
      while (played_ < script_.size() && play(socket, buffer)) {
      }
    }
  }
  /// False when the connection is at its end.
  bool play(Tcp::socket& socket, boost::beast::flat_buffer& buffer) {
    namespace http = boost::beast::http;
    Request request;
    boost::system::error_code failed;
    http::read(socket, buffer, request, failed);
    if (failed) return false;
    requests_.push_back(std::move(request));
    const Step step = script_[played_++];
    if (step.kind == Step::Kind::hang_up) return false;
    if (step.kind == Step::Kind::stay_silent) {
      char byte = 0;
      socket.read_some(boost::asio::buffer(&byte, 1), failed);  // until the client closes
      return false;
    }
    http::response<http::string_body> response{static_cast<http::status>(step.status), 11, step.body};
    if (!step.retry_after.empty()) response.set(http::field::retry_after, step.retry_after);
    response.prepare_payload();
    http::write(socket, response, failed);
    return !failed && step.kind == Step::Kind::answer;
  }

  std::vector<Step> script_;
  std::size_t played_ = 0;
  std::vector<Request> requests_;
  int connections_ = 0;
  boost::asio::io_context context_;
  Tcp::acceptor acceptor_{context_, Tcp::endpoint{boost::asio::ip::make_address("127.0.0.1"), 0}};
  std::thread thread_;  // last: it uses everything above
};

}  // namespace takt
