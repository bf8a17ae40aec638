// How far an import got, kept beside its file, so that the same command goes on there after an interruption.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace takt {

/// `FILE.takt-import`, while there is something to go on from. Where it cannot be written the import begins anew,
/// which is slower and otherwise the same: an event that was sent before counts once.
class ImportState {
 public:
  /// `what` is all that decides what is sent, and to whom. A file that has changed since is begun anew. Standard
  /// input has no state.
  ImportState(const std::string& file, const std::string& what);

  /// So many events were acknowledged before.
  std::uint64_t before() const { return before_; }
  void forget() { before_ = 0; }
  /// So many are by now. Written once a second at most.
  void acknowledged(std::uint64_t events);
  /// Interrupted: the last count is written.
  void keep();
  /// All is in: there is nothing to go on from.
  void finish();

 private:
  void write();

  std::string path_, key_;
  std::uint64_t before_ = 0, events_ = 0, written_ = 0;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace takt
