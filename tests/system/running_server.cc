#include "tests/system/running_server.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <gtest/gtest.h>

namespace takt::test {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "takt-system-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  socklen_t size = sizeof at;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  ::close(fd);
  return ntohs(at.sin_port);
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  std::ofstream{path, std::ios::binary} << text;
}

std::string simple_plant(int machines) {
  std::string toml =
      "[plant]\nid = \"P1\"\n[[reason]]\ncode = \"JAM\"\nname = \"Jammed\"\ncategory = \"failure\"\n";
  for (int i = 1; i <= machines; ++i)
    toml += "[[machine]]\nid = \"M" + std::to_string(i) + "\"\nideal_cycle_s = 1.0\n";
  return toml;
}

RunningServer::RunningServer(const TemporaryFolder& folder, std::string_view plant, std::vector<std::string> more,
                             HttpClientOptions access)
    : access_(std::move(access)) {
  std::vector<std::string> words{takt_binary(),          "serve",  "--data",
                                 folder.data().string(), "--http", "127.0.0.1:0"};
  if (!plant.empty()) {
    write_file(folder.config(), plant);
    words.insert(words.end(), {"--config", folder.config().string()});
  }
  // How fast this machine is decides no test.
  if (std::ranges::find(more, "--query-timeout") == more.end())
    words.insert(words.end(), {"--query-timeout", "never"});
  words.insert(words.end(), more.begin(), more.end());
  process_ = std::make_unique<ChildProcess>(words);
  constexpr std::string_view kWords = "listening on ";
  const auto text = process_->wait_for_error_text(kWords);
  const auto line = process_->wait_for_error_text("/\n");  // the line is whole
  if (text && line) {
    const std::size_t begin = line->find(kWords) + kWords.size();
    url_ = line->substr(begin, line->find("/\n", begin) - begin);
    port_ = static_cast<std::uint16_t>(std::atoi(url_.c_str() + url_.rfind(':') + 1));
  }
  EXPECT_NE(port_, 0) << process_->error_text();
}

RunningServer::~RunningServer() {
  if (testing::Test::HasFailure()) std::cerr << "The server said:\n" << process_->error_text() << '\n';
}

bool RunningServer::wait_until_ready() {
  auto client = HttpClient::open(url(), access_);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto ready = client->get("/readyz");
    if (ready && ready->status == 200) return true;
    if (process_->wait(std::chrono::milliseconds{10})) break;
  }
  ADD_FAILURE() << "the server does not become ready: " << process_->error_text();
  return false;
}

std::optional<int> RunningServer::stop() {
  process_->signal(SIGTERM);
  return process_->wait();
}

void RunningServer::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

Client::Client(const RunningServer& server)
    : client_(std::move(HttpClient::open(server.url(), server.access()).value())) {}

HttpReply Client::reply_of(Result<HttpReply> result, std::string_view target) {
  if (result) return std::move(*result);
  ADD_FAILURE() << target << ": " << result.error().context;
  return {};
}

HttpReply Client::get(std::string_view target, const HttpHeaders& headers) {
  return reply_of(client_.get(target, headers), target);
}

HttpReply Client::post(std::string_view target, std::string_view body, std::string_view type,
                       const HttpHeaders& headers) {
  return reply_of(client_.post(target, {body, type}, headers), target);
}

HttpReply Client::put(std::string_view target, std::string_view body, std::string_view type) {
  return reply_of(client_.put(target, {body, type}), target);
}

Json Client::json(std::string_view target) {
  const HttpReply reply = get(target);
  EXPECT_EQ(reply.status, 200) << target << ": " << reply.body;
  return json_of(reply);
}

Json Client::send(const std::vector<Json>& events) {
  const HttpReply reply = post("/v1/events", ndjson(events));
  EXPECT_EQ(reply.status, 200) << reply.body;
  Json answer = json_of(reply);
  EXPECT_EQ(answer.value("rejected", -1), 0) << reply.body;
  return answer;
}

Json Client::total(std::string_view parameters) {
  const Json oee = json("/v1/oee?grain=total&" + std::string{parameters});
  EXPECT_EQ(oee["buckets"].size(), 1U);
  return oee["buckets"].at(0);
}

Json json_of(const HttpReply& reply) {
  Json json = Json::parse(reply.body, nullptr, false);
  EXPECT_FALSE(json.is_discarded()) << reply.status << ' ' << reply.body;
  return json;
}

std::string ndjson(const std::vector<Json>& events) {
  std::string lines;
  for (const Json& event : events) lines += event.dump() + '\n';
  return lines;
}

std::string expect_problem(const HttpReply& reply, int status) {
  EXPECT_EQ(reply.status, status) << reply.body;
  EXPECT_EQ(reply.header("Content-Type").value_or(""), "application/problem+json");
  const Json problem = json_of(reply);
  EXPECT_TRUE(problem.contains("type") && problem.contains("title")) << reply.body;
  EXPECT_EQ(problem.value("status", 0), status) << reply.body;
  const std::string detail = problem.value("detail", "");
  EXPECT_FALSE(detail.empty()) << reply.body;
  return detail;
}

}  // namespace takt::test
