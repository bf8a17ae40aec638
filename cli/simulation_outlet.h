// Where simulated events go: a server, or a stream of NDJSON.
#pragma once

#include "client/event_sender.h"

#include <cstddef>
#include <memory>
#include <string>

namespace takt {

class SimulationOutlet {
 public:
  virtual ~SimulationOutlet() = default;
  /// `lines`: `count` events as NDJSON.
  virtual Result<SendReceipt> send(const std::string& lines, std::size_t count) = 0;
  /// Whether somebody would refuse events from the future.
  virtual bool follows_the_clock() const = 0;
};

std::unique_ptr<SimulationOutlet> server_outlet(EventSender sender);
/// A file, made anew, or standard output for "-".
Result<std::unique_ptr<SimulationOutlet>> file_outlet(const std::string& file);

}  // namespace takt
