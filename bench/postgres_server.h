// A PostgreSQL server of a benchmark's own, as Debian configures one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace takt::bench {

/// Ends with the object. Root runs it as the user postgres, who must be able to enter the folder.
class PostgresServer {
 public:
  explicit PostgresServer(const std::filesystem::path& folder);
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// Of a new database, or of one that stands.
  std::string url(const std::string& database);
  /// User and system time that its processes have taken so far.
  double cpu_seconds() const;

 private:
  static void run(const std::string& command, const char* why);

  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
};

}  // namespace takt::bench
