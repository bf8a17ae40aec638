// Content-Encoding both ways: bodies of strangers are decoded piece by piece under a limit, answers are packed at
// once.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace takt {

enum class BodyFault {
  none,
  too_large,  ///< More decoded bytes than the limit: perhaps a decompression bomb. Decoding has stopped.
  broken,     ///< Not what the Content-Encoding says, or cut short.
};

/// Decodes one body. Not thread-safe. Memory: the decoder's own window (gzip 40 KiB, zstd at most 8 MiB) and
/// `body`.
class BodyDecoder {
 public:
  virtual ~BodyDecoder() = default;
  /// Appends what `bytes` decode to. After a fault, the decoder is not used any more.
  virtual BodyFault write(std::string_view bytes, std::string& body) = 0;
  /// The body has ended: broken if the encoding has not.
  virtual BodyFault finish() = 0;
};

/// How a body is to be decoded: a name of RFC 9110 section 8.4.1 or RFC 8878.
enum class ContentCoding { identity, gzip, zstd, unknown };
ContentCoding content_coding(std::string_view content_encoding);

/// A decoder of gzip (several members too) or zstd (several frames too) that stops above `limit_bytes`.
std::unique_ptr<BodyDecoder> make_body_decoder(ContentCoding coding, std::size_t limit_bytes);

/// `bytes` in gzip at level 1: on a shop floor's network, time counts more than the last tenth of the size.
/// Empty if zlib has no memory.
std::string gzip(std::string_view bytes);

}  // namespace takt
