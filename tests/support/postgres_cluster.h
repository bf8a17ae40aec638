// A real PostgreSQL server of a test's own: a folder, a port of the loopback, and nobody else's databases.
#pragma once

#include "tests/support/temporary.h"
#include "tests/system/child_process.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace takt::test {

class PostgresCluster {
 public:
  PostgresCluster();

  /// postgresql://... of a database that is made when it is first asked for.
  std::string url(std::string_view database) const;
  /// As an operator stops it: sessions are ended.
  void stop();
  /// kill -9 of the server and all of its processes; what was committed must survive.
  void kill();
  /// At the same port, with what was there.
  void start();
  /// The server's processes stand still, or go on.
  void hold(bool held) const;
  std::uint16_t port() const { return port_; }

 private:
  takt::TemporaryFolder folder_;
  std::uint16_t port_ = 0;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace takt::test
