#include "tests/http/raw_client.h"

#include "server/http/content_coding.h"
#include "server/http/message.h"

#include <array>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace takt::test {

RawClient::RawClient(std::uint16_t port, int receive_buffer_bytes) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  const timeval patience{60, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (receive_buffer_bytes > 0)
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
}

RawClient::~RawClient() { ::close(socket_); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::end_output() { ::shutdown(socket_, SHUT_WR); }

bool RawClient::read_more() {
  std::array<char, 64 * 1024> block{};
  const ssize_t count = ::recv(socket_, block.data(), block.size(), 0);
  if (count > 0) unread_.append(block.data(), static_cast<std::size_t>(count));
  return count > 0;
}

bool RawClient::read_past(std::string_view text, std::string* taken) {
  std::size_t at = unread_.find(text);
  for (; at == std::string::npos; at = unread_.find(text))
    if (!read_more()) return false;
  if (taken != nullptr) *taken = unread_.substr(0, at + text.size());
  unread_.erase(0, at + text.size());
  return true;
}

RawAnswer RawClient::read_answer(bool to_head) {
  RawAnswer answer;
  if (!read_past("\r\n\r\n", &answer.head)) return {};
  const std::string length = answer.header("Content-Length");
  const std::size_t size = to_head || length.empty() ? 0 : std::stoul(length);
  while (unread_.size() < size)
    if (!read_more()) return {};
  answer.body = unread_.substr(0, size);
  unread_.erase(0, size);
  answer.status = std::atoi(answer.head.substr(9, 3).c_str());
  return answer;
}

std::string RawClient::read_all() {
  while (read_more()) {
  }
  return std::exchange(unread_, {});
}

std::string RawAnswer::header(std::string_view name) const {
  const std::string field = "\r\n" + std::string(name) + ": ";
  const auto at = head.find(field);
  if (at == std::string::npos) return {};
  const auto begin = at + field.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

std::string get(std::string_view target, std::string_view more_headers) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: takt\r\n" + std::string(more_headers) + "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view more_headers) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: takt\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

std::string gunzip(std::string_view packed) {
  std::string body;
  const auto decoder = make_body_decoder(ContentCoding::gzip, std::size_t{1} << 30);
  EXPECT_EQ(decoder->write(packed, body), BodyFault::none);
  EXPECT_EQ(decoder->finish(), BodyFault::none);
  return body;
}

}  // namespace takt::test
