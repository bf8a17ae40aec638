#include "tests/support/postgres_cluster.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <pqxx/pqxx>

#include <gtest/gtest.h>

namespace takt::test {
namespace {

/// A command of the server's; it refuses to be root's.
std::vector<std::string> as_its_user(std::vector<std::string> command) {
  if (::geteuid() != 0) return command;
  std::vector<std::string> words{"/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
                                 "--pdeathsig=KILL"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

std::string program(std::string_view name) {
  static const std::string folder = [] {
    std::string text = run_program({"/usr/bin/pg_config", "--bindir"}).output;
    text.erase(text.find_last_not_of('\n') + 1);
    return text;
  }();
  return fmt::format("{}/{}", folder, name);
}

/// One that nobody has at this moment.
std::uint16_t unused_port() {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(file, reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(file);
  return ntohs(address.sin_port);
}

}  // namespace

PostgresCluster::PostgresCluster() {
  if (const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr; user != nullptr) {
    EXPECT_EQ(::chown(folder_.path().c_str(), user->pw_uid, user->pw_gid), 0);
  }
  const Finished made =
      run_program(as_its_user({program("initdb"), "-D", (folder_.path() / "data").string(), "-U", "takt", "-A",
                               "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"}));
  EXPECT_EQ(made.status, 0) << made.error;
  port_ = unused_port();
  start();
}

void PostgresCluster::start() {
  const std::string folder = folder_.path().string();
  process_ = std::make_unique<ChildProcess>(as_its_user({program("postgres"), "-D", folder + "/data", "-p",
                                                         std::to_string(port_), "-h", "127.0.0.1", "-k", folder}));
  EXPECT_TRUE(process_->wait_for_error_text("database system is ready")) << process_->error_text();
}

void PostgresCluster::stop() {
  process_->signal(SIGINT);
  EXPECT_EQ(process_->wait(), 0);
}

void PostgresCluster::kill() {
  process_->signal(SIGKILL);
  process_->wait();
  // Its children see it and go; a new server waits for their shared memory.
  process_->wait_for_end_of_output();
}

void PostgresCluster::hold(bool held) const {
  // Each of its children is a process of the one whose number stands in the file.
  std::ifstream file{folder_.path() / "data" / "postmaster.pid"};
  std::string server;
  std::getline(file, server);
  const char* const name = held ? "-STOP" : "-CONT";
  run_program({"/usr/bin/pkill", name, "-P", server});
  run_program({"/bin/kill", name, server});
}

std::string PostgresCluster::url(std::string_view database) const {
  const std::string server = fmt::format("postgresql://takt@127.0.0.1:{}/", port_);
  pqxx::connection connection{server + "postgres"};
  pqxx::nontransaction session{connection};
  const std::string name{database};
  if (session.exec_params("SELECT 1 FROM pg_database WHERE datname = $1", name).empty())
    session.exec("CREATE DATABASE " + session.quote_name(name));
  return server + name;
}

}  // namespace takt::test
