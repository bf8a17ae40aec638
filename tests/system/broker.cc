#include "tests/system/broker.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool answers(std::uint16_t port) {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  const bool connected = ::connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(file);
  return connected;
}

}  // namespace

bool eventually(const std::function<bool()>& what) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (what()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return what();
}

Broker::Broker(std::string_view settings) : port_(free_port()) {
  // As root it would become another user. More than 65,535 messages that wait for one client confuse
  // mosquitto 2.0.11: it loses all but the last few, as their packet ids repeat.
  write_file(folder_.path() / "mosquitto.conf",
             "listener " + std::to_string(port_) + " 127.0.0.1\nuser root\npersistence false\n" +
                 "log_dest stderr\nmax_queued_messages 60000\nmax_queued_bytes 0\n" + std::string{settings});
  start();
}

void Broker::start() {
  process_ = std::make_unique<ChildProcess>(
      std::vector<std::string>{"/usr/sbin/mosquitto", "-c", (folder_.path() / "mosquitto.conf").string()});
  ASSERT_TRUE(eventually([&] { return answers(port_); })) << process_->error_text();
}

void Broker::stop() {
  process_->signal(SIGTERM);
  ASSERT_TRUE(process_->wait()) << "mosquitto does not stop";
  process_.reset();
}

std::string Broker::url(std::string_view scheme) const {
  return std::string{scheme} + "://127.0.0.1:" + std::to_string(port_);
}

void Broker::publish(std::string_view topic, std::string_view payload, std::vector<std::string> options) const {
  std::vector<std::string> words{"/usr/bin/mosquitto_pub", "-h", "127.0.0.1",        "-p",
                                 std::to_string(port_),    "-t", std::string{topic}, "-m",
                                 std::string{payload}};
  words.insert(words.end(), options.begin(), options.end());
  const Finished finished = run_program(words);
  ASSERT_EQ(finished.status, 0) << finished.error;
}

void Broker::publish_lines(std::string_view topic, std::string_view lines) const {
  const auto file = folder_.path() / "lines";
  write_file(file, lines);
  const Finished finished =
      run_program({"/bin/sh", "-c", "exec mosquitto_pub -h 127.0.0.1 -q 1 -l -p \"$0\" -t \"$1\" < \"$2\"",
                   std::to_string(port_), std::string{topic}, file.string()});
  ASSERT_EQ(finished.status, 0) << finished.error;
}

Json source_of(Client& client, std::string_view name) {
  const Json all = client.json("/v1/sources");
  for (const Json& source : all.at("sources"))
    if (source.value("source", "") == name) return source;
  return nullptr;
}

Json wait_for_source(Client& client, std::string_view name, const std::function<bool(const Json&)>& holds) {
  Json source;
  const bool held = eventually([&] {
    source = source_of(client, name);
    return source.is_object() && holds(source);
  });
  EXPECT_TRUE(held) << name << ": " << source.dump();
  return source;
}

void expect_connected(Client& client, std::string_view name) {
  wait_for_source(client, name, [](const Json& source) { return source.at("state") == "connected"; });
}

}  // namespace takt::test
