#include "server/http/content_coding.h"

#include "server/http/message.h"

#include <algorithm>
#include <array>
#include <limits>

#include <zlib.h>
#include <zstd.h>

namespace takt {
namespace {

constexpr int gzip_only = 15 + 16;  // zlib's windowBits for the largest window with a gzip header
// A frame may ask for a window of up to 2 GiB; RFC 9659 limits `Content-Encoding: zstd` to 8 MiB.
constexpr int zstd_window_log_max = 23;

// Decoded bytes pass through this block: it stays in the cache, and `body` grows without being filled with zeros
// first.
using Block = std::array<char, 64 * 1024>;
Block& scratch() {
  thread_local Block block;
  return block;
}

BodyFault append(std::string& body, std::string_view bytes, std::size_t limit_bytes) {
  if (bytes.size() > limit_bytes - std::min(limit_bytes, body.size())) return BodyFault::too_large;
  body.append(bytes);
  return BodyFault::none;
}

class GzipDecoder final : public BodyDecoder {
 public:
  explicit GzipDecoder(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {
    usable_ = inflateInit2(&stream_, gzip_only) == Z_OK;
  }
  GzipDecoder(const GzipDecoder&) = delete;
  GzipDecoder& operator=(const GzipDecoder&) = delete;
  ~GzipDecoder() override { inflateEnd(&stream_); }

  BodyFault write(std::string_view bytes, std::string& body) override {
    if (!usable_) return BodyFault::broken;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    BodyFault fault = BodyFault::none;
    do {
      fault = inflate_block(body);
    } while (fault == BodyFault::none && (stream_.avail_in > 0 || stream_.avail_out == 0));
    return fault;
  }

  BodyFault finish() override { return begun_ && !ended_ ? BodyFault::broken : BodyFault::none; }

 private:
  BodyFault inflate_block(std::string& body) {
    if (ended_ && stream_.avail_in > 0) {  // members may follow one another: RFC 1952 section 2.2
      if (inflateReset(&stream_) != Z_OK) return BodyFault::broken;
      ended_ = false;
    }
    begun_ = true;
    stream_.next_out = reinterpret_cast<Bytef*>(scratch().data());
    stream_.avail_out = static_cast<uInt>(scratch().size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) return BodyFault::broken;
    ended_ = code == Z_STREAM_END;
    const BodyFault fault = append(body, {scratch().data(), scratch().size() - stream_.avail_out}, limit_bytes_);
    if (ended_) stream_.avail_out = 1;  // a full block at the end of a member is not a sign of more
    return fault;
  }

  z_stream stream_{};
  std::size_t limit_bytes_;
  bool usable_ = false;
  bool begun_ = false;
  bool ended_ = false;
};

class ZstdDecoder final : public BodyDecoder {
 public:
  explicit ZstdDecoder(std::size_t limit_bytes) : stream_(ZSTD_createDStream()), limit_bytes_(limit_bytes) {
    if (stream_) ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
  }

  BodyFault write(std::string_view bytes, std::string& body) override {
    if (!stream_) return BodyFault::broken;
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool block_was_full = false;
    while (in.pos < in.size || block_was_full) {
      ZSTD_outBuffer out{scratch().data(), scratch().size(), 0};
      const std::size_t hint = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(hint)) return BodyFault::broken;
      inside_frame_ = hint != 0;
      block_was_full = out.pos == out.size && inside_frame_;
      const BodyFault fault = append(body, {scratch().data(), out.pos}, limit_bytes_);
      if (fault != BodyFault::none) return fault;
    }
    return BodyFault::none;
  }

  BodyFault finish() override { return inside_frame_ ? BodyFault::broken : BodyFault::none; }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  std::size_t limit_bytes_;
  bool inside_frame_ = false;
};

}  // namespace

ContentCoding content_coding(std::string_view content_encoding) {
  if (content_encoding.empty() || equal_ignoring_case(content_encoding, "identity"))
    return ContentCoding::identity;
  if (equal_ignoring_case(content_encoding, "gzip") || equal_ignoring_case(content_encoding, "x-gzip"))
    return ContentCoding::gzip;
  return equal_ignoring_case(content_encoding, "zstd") ? ContentCoding::zstd : ContentCoding::unknown;
}

std::unique_ptr<BodyDecoder> make_body_decoder(ContentCoding coding, std::size_t limit_bytes) {
  if (coding == ContentCoding::zstd) return std::make_unique<ZstdDecoder>(limit_bytes);
  return std::make_unique<GzipDecoder>(limit_bytes);
}

std::string gzip(std::string_view bytes) {
  constexpr int memory_level = 8;  // zlib's default
  z_stream stream{};
  if (bytes.size() > std::numeric_limits<uInt>::max() / 2) return {};
  if (deflateInit2(&stream, 1, Z_DEFLATED, gzip_only, memory_level, Z_DEFAULT_STRATEGY) != Z_OK) return {};
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed.resize(whole ? stream.total_out : 0);
  deflateEnd(&stream);
  return packed;
}

}  // namespace takt
