#include "cli/simulation_outlet.h"

#include <fstream>
#include <iostream>
#include <utility>

namespace takt {
namespace {

class ServerOutlet : public SimulationOutlet {
 public:
  explicit ServerOutlet(EventSender sender) : sender_(std::move(sender)) {}
  Result<SendReceipt> send(const std::string& lines, std::size_t) override { return sender_.send(lines); }
  bool follows_the_clock() const override { return true; }

 private:
  EventSender sender_;
};

class FileOutlet : public SimulationOutlet {
 public:
  explicit FileOutlet(std::unique_ptr<std::ofstream> file) : file_(std::move(file)) {}
  Result<SendReceipt> send(const std::string& lines, std::size_t count) override {
    std::ostream& out = file_ ? *file_ : std::cout;
    out.write(lines.data(), static_cast<std::streamsize>(lines.size()));
    out.flush();
    if (!out) return io_error("the output cannot be written; is the disk full, the pipe closed?");
    return SendReceipt{count, 0, 0, {}};
  }
  bool follows_the_clock() const override { return false; }

 private:
  std::unique_ptr<std::ofstream> file_;  ///< none: standard output
};

}  // namespace

std::unique_ptr<SimulationOutlet> server_outlet(EventSender sender) {
  return std::make_unique<ServerOutlet>(std::move(sender));
}

Result<std::unique_ptr<SimulationOutlet>> file_outlet(const std::string& file) {
  std::unique_ptr<std::ofstream> stream;
  if (file != "-") {
    stream = std::make_unique<std::ofstream>(file, std::ios::binary);
    if (!*stream) return io_error(file + " cannot be written; choose another --output");
  }
  return std::unique_ptr<SimulationOutlet>{std::make_unique<FileOutlet>(std::move(stream))};
}

}  // namespace takt
