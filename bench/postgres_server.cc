#include "bench/postgres_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <pqxx/pqxx>
#include <sstream>

#include "bench/need.h"

namespace takt::bench {
namespace {

/// One that nobody has at this moment.
std::uint16_t unused_port() {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  need_that(::bind(file, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                ::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0,
            "no port is to be had");
  ::close(file);
  return ntohs(address.sin_port);
}

/// Of a process and those that it waited for.
double seconds_of_process(int process) {
  std::ifstream file{fmt::format("/proc/{}/stat", process)};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  std::istringstream fields{text.substr(std::min(text.size(), text.rfind(')') + 1))};
  std::string ignored;
  for (int i = 0; i < 11; ++i) fields >> ignored;
  double ticks = 0, sum = 0;
  for (int i = 0; i < 4 && fields >> ticks; ++i) sum += ticks;
  return sum / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

PostgresServer::PostgresServer(const std::filesystem::path& folder)
    : folder_(std::filesystem::absolute(folder)), port_(unused_port()) {
  std::filesystem::create_directories(folder_);
  const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  if (user != nullptr)
    need_that(::chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0, "cannot give a folder away");
  run(fmt::format("initdb -D {0}/data -U takt -A trust -E UTF8 --locale=C.UTF-8", folder_.string()), "initdb");
  // A flush of millions of rows is a bulk load: few checkpoints, as its manual says of such.
  run(fmt::format("pg_ctl -D {0}/data -l {0}/log -w -o '-p {1} -h 127.0.0.1 -k {0} -c max_wal_size=4GB "
                  "-c shared_buffers=256MB' start",
                  folder_.string(), port_),
      "pg_ctl start");
}

PostgresServer::~PostgresServer() {
  run(fmt::format("pg_ctl -D {}/data -m fast -w stop", folder_.string()), "pg_ctl stop");
}

void PostgresServer::run(const std::string& command, const char* why) {
  const std::string user = ::geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups " : "";
  const std::string line = user + "$(pg_config --bindir)/" + command + " >/dev/null 2>&1";
  need_that(std::system(line.c_str()) == 0, why);  // NOLINT(concurrency-mt-unsafe,cert-env33-c): its own words
}

std::string PostgresServer::url(const std::string& database) {
  const std::string server = fmt::format("postgresql://takt@127.0.0.1:{}/", port_);
  pqxx::connection connection{server + "postgres"};
  pqxx::nontransaction session{connection};
  if (session.exec_params("SELECT 1 FROM pg_database WHERE datname = $1", database).empty())
    session.exec("CREATE DATABASE " + session.quote_name(database));
  return server + database;
}

double PostgresServer::cpu_seconds() const {
  std::ifstream file{folder_ / "data" / "postmaster.pid"};
  int process = 0;
  file >> process;
  double sum = seconds_of_process(process);
  std::ifstream children{fmt::format("/proc/{0}/task/{0}/children", process)};
  for (int child = 0; children >> child;) sum += seconds_of_process(child);
  return sum;
}

}  // namespace takt::bench
