#include "client/gzip.h"

#include <zlib.h>

namespace takt {

Result<std::string> gzip_member(std::string_view content) {
  constexpr int kWindowBits = 15, kGzipFormat = 16, kMemoryLevel = 8;
  z_stream stream{};
  // The fastest level: the receiver is near, and events shrink to a tenth even so.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kWindowBits + kGzipFormat, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return io_error("gzip: out of memory");
  }
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int outcome = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (outcome != Z_STREAM_END) return io_error("gzip: the content could not be packed");
  return packed;
}

}  // namespace takt
