// Messages of the binary protocol as bytes: a length, a checksum, a FlatBuffer. Both sides use it.
#pragma once

#include "schema/wire_generated.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace takt {

inline constexpr std::uint16_t kWireVersion = 1;
/// Length u32 of what follows the head, a multiple of 8; "TKT1"; XXH3-64 u64 of what follows; all little-endian.
/// Lengths and head keep every message aligned that a reader takes from the beginning of its buffer.
inline constexpr std::size_t kWireHead = 16;
/// Of a message without its head.
inline constexpr std::size_t kMostMessageBytes = std::size_t{4} << 20U;

/// How long the message is that begins with these bytes, head and all; 0: it cannot be one. Needs kWireHead bytes.
std::size_t wire_size(const char* head);
/// The checksum that the head tells.
std::uint64_t wire_checksum(const char* head);
/// The message in `bytes`, which is one as wire_size() says; null: its checksum or its structure is wrong.
const wire::Message* read_message(std::string_view bytes);
/// Appends what the builder has finished.
void append_message(std::string& out, const flatbuffers::FlatBufferBuilder& builder);

}  // namespace takt
