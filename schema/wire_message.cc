#include "schema/wire_message.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <cstring>

namespace takt {
namespace {

static_assert(std::endian::native == std::endian::little, "heads are read and written as they lie in memory");

template <class T>
T read(const char* from) {
  T value{};
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void write(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

constexpr std::uint32_t kMagic = 'T' | 'K' << 8U | 'T' << 16U | '1' << 24U;
constexpr std::size_t kAlignment = 8;

}  // namespace

std::size_t wire_size(const char* head) {
  const auto length = read<std::uint32_t>(head);
  const bool possible = length > 0 && length % kAlignment == 0 && length <= kMostMessageBytes;
  return possible && read<std::uint32_t>(head + 4) == kMagic ? kWireHead + length : 0;
}

std::uint64_t wire_checksum(const char* head) { return read<std::uint64_t>(head + 8); }

const wire::Message* read_message(std::string_view bytes) {
  const std::string_view body = bytes.substr(kWireHead);
  if (XXH3_64bits(body.data(), body.size()) != wire_checksum(bytes.data())) return nullptr;
  const auto* data = reinterpret_cast<const std::uint8_t*>(body.data());
  flatbuffers::Verifier verifier{data, body.size(), /*max_depth=*/16, /*max_tables=*/2'000'000};
  if (!wire::VerifyMessageBuffer(verifier)) return nullptr;
  return wire::GetMessage(data);
}

void append_message(std::string& out, const flatbuffers::FlatBufferBuilder& builder) {
  const std::size_t size = builder.GetSize();
  const std::size_t begin = out.size();
  const std::size_t length = (size + kAlignment - 1) / kAlignment * kAlignment;
  out.resize(begin + kWireHead + length);
  char* head = out.data() + begin;
  std::memcpy(head + kWireHead, builder.GetBufferPointer(), size);
  write(head, static_cast<std::uint32_t>(length));
  write(head + 4, kMagic);
  write<std::uint64_t>(head + 8, XXH3_64bits(head + kWireHead, length));
}

}  // namespace takt
