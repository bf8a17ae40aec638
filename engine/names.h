// Every string that recurs (states, reasons, products, orders ...) as a small number.
#pragma once

#include "schema/result.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace takt {

/// A string seen before. Zero is the empty string: "not given". Numbers are of this process, never stored.
enum class NameId : std::uint32_t { none = 0 };

/// Append-only. One thread adds; text() may be called from any thread for a number that it was handed.
class Names {
 public:
  Names() { add(""); }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;
  ~Names() {
    for (auto& block : blocks_) delete block.load();
  }

  NameId intern(std::string_view text) {
    if (text.empty()) return NameId::none;
    const auto found = ids_.find(text);
    return found != ids_.end() ? found->second : add(text);
  }
  /// The writer's thread only, as intern().
  NameId find(std::string_view text) const {
    const auto found = ids_.find(text);
    return found != ids_.end() ? found->second : NameId::none;
  }
  std::string_view text(NameId id) const {
    const auto index = static_cast<std::uint32_t>(id);
    return (*blocks_[index / kBlock].load(std::memory_order_acquire))[index % kBlock];
  }

 private:
  static constexpr std::size_t kBlock = 4096;
  static constexpr std::size_t kBlocks = 16384;
  using Block = std::array<std::string, kBlock>;

  NameId add(std::string_view text) {
    const std::uint32_t index = size_++;
    TAKT_INVARIANT(index / kBlock < kBlocks);
    auto& slot = blocks_[index / kBlock];
    Block* block = slot.load(std::memory_order_relaxed);
    if (block == nullptr) slot.store(block = new Block, std::memory_order_release);
    (*block)[index % kBlock] = text;
    const NameId id{index};
    ids_.emplace((*block)[index % kBlock], id);
    return id;
  }

  std::array<std::atomic<Block*>, kBlocks> blocks_{};  // never moved, so that readers need no lock
  std::unordered_map<std::string_view, NameId> ids_;
  std::uint32_t size_ = 0;
};

}  // namespace takt
