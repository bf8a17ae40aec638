#include "server/http/content_coding.h"
#include "tests/http/fuzz.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace takt::fuzz {
namespace {

constexpr std::size_t kLimit = 100'000;

struct Unpacked {
  BodyFault fault = BodyFault::none;
  std::string body;
};

Unpacked unpacked(ContentCoding coding, std::string_view data, std::size_t at_once) {
  const auto decoder = make_body_decoder(coding, kLimit);
  Unpacked out;
  while (!data.empty() && out.fault == BodyFault::none) {
    const std::string_view piece = data.substr(0, at_once);
    const std::vector<char> exact(piece.begin(), piece.end());
    out.fault = decoder->write({exact.data(), exact.size()}, out.body);
    data.remove_prefix(piece.size());
  }
  if (out.fault == BodyFault::none) out.fault = decoder->finish();
  return out;
}

}  // namespace

/// It holds no more than the limit, and is the same however it was cut.
bool packed_body(std::string_view data) {
  if (data.empty()) return false;
  const ContentCoding coding = data.front() % 2 == 0 ? ContentCoding::gzip : ContentCoding::zstd;
  data.remove_prefix(1);
  const Unpacked whole = unpacked(coding, data, std::max<std::size_t>(data.size(), 1));
  const Unpacked cut = unpacked(coding, data, 5);
  if (whole.body.size() > kLimit || cut.body.size() > kLimit) std::abort();
  const bool readable = whole.fault == BodyFault::none;
  if (readable != (cut.fault == BodyFault::none) || (readable && whole.body != cut.body)) std::abort();
  return readable;
}

}  // namespace takt::fuzz
