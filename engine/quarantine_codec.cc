#include "engine/quarantine_codec.h"

#include <cstring>

namespace takt {
namespace {

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_text(std::string& out, const std::string& text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T get() {
    T value{};
    if (bytes_.size() < sizeof value) return ok_ = false, value;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = get<std::uint32_t>();
    if (size > bytes_.size()) return ok_ = false, std::string{};
    std::string text{bytes_.substr(0, size)};
    bytes_.remove_prefix(size);
    return text;
  }
  bool ok() const { return ok_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

std::string encode_quarantine(const QuarantineEntry& entry) {
  std::string out;
  put(out, std::uint8_t{1});  // format
  put(out, micros(entry.received));
  put(out, static_cast<std::uint8_t>(entry.event.code));
  put(out, static_cast<std::uint64_t>(entry.event.index));
  put_text(out, entry.source);
  put_text(out, entry.event.message);
  put_text(out, entry.event.raw);
  return out;
}

Result<QuarantineEntry> decode_quarantine(std::uint64_t number, std::string_view bytes) {
  Reader in{bytes};
  QuarantineEntry entry;
  entry.number = number;
  const auto format = in.get<std::uint8_t>();
  entry.received = from_micros(in.get<std::int64_t>());
  const auto code = in.get<std::uint8_t>();
  entry.event.index = in.get<std::uint64_t>();
  entry.source = in.text();
  entry.event.message = in.text();
  entry.event.raw = in.text();
  if (!in.ok() || format != 1 || code >= kRejections) return corruption("a quarantine entry is damaged");
  entry.event.code = static_cast<Rejection>(code);
  return entry;
}

}  // namespace takt
