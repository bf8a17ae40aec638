// A client that sends exactly the bytes it is told to, and reads what comes back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace takt::test {

struct RawAnswer {
  int status = 0;  ///< 0: the connection ended before a whole answer came.
  std::string head;
  std::string body;

  /// The value of a header as written, empty if it is missing.
  std::string header(std::string_view name) const;
};

/// One blocking connection to 127.0.0.1; reads give up after ten seconds.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// False once the server has closed or reset the connection.
  bool send(std::string_view bytes);
  void end_output();
  RawAnswer read_answer(bool to_head = false);
  /// Reads until what is unread contains `text`; that and all before it is taken. False if the connection ends
  /// first.
  bool read_past(std::string_view text, std::string* taken = nullptr);
  /// All that comes until the server closes.
  std::string read_all();

  /// A refused client may see its sending fail before it reads why.
  RawAnswer ask(std::string_view bytes) {
    send(bytes);
    return read_answer();
  }

 private:
  bool read_more();
  int socket_ = -1;
  std::string unread_;
};

std::string get(std::string_view target, std::string_view more_headers = "");
std::string post(std::string_view target, std::string_view body, std::string_view more_headers = "");
std::string gunzip(std::string_view packed);

}  // namespace takt::test
