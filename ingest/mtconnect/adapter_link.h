// A TCP connection to an adapter, for one thread that never waits longer than it says.
#pragma once

#include "ingest/mtconnect/hand_over.h"
#include "schema/result.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace takt::mtconnect {

class AdapterLink {
 public:
  /// unavailable: it cannot be reached within `patience`; cancelled: `stop` was set.
  static Result<AdapterLink> connect(const std::string& host, const std::string& port,
                                     std::chrono::milliseconds patience, const StopSign& stop);
  ~AdapterLink();
  AdapterLink(AdapterLink&&) noexcept;
  AdapterLink& operator=(AdapterLink&&) noexcept;

  /// What came, at the latest after `wait`; empty: nothing did. Valid until the next call. unavailable: the other
  /// side has closed.
  Result<std::string_view> read(std::chrono::milliseconds wait);
  Result<void> write(std::string_view text);

 private:
  struct Parts;
  explicit AdapterLink(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace takt::mtconnect
