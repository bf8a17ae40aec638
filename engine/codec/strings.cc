#include "engine/codec/strings.h"

#include "engine/codec/integer_column.h"

#include <zstd.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace takt {

using namespace codec;

namespace {

constexpr unsigned kCompressed = 0x80;
constexpr int kZstdLevel = 1;
constexpr std::size_t kFewestBytesToCompress = 64;
// zstd stores a repetition in no less than that share of it; a frame that promises more is a bomb.
constexpr std::size_t kMostExpansion = 1 << 15;

using Strings = std::span<const std::string_view>;

/// The distinct strings in order of first use, and each row's.
struct Dictionary {
  std::vector<std::string_view> strings;
  std::vector<std::int64_t> numbers;

  explicit Dictionary(Strings values) {
    std::unordered_map<std::string_view, std::int64_t> seen;
    numbers.reserve(values.size());
    for (const std::string_view value : values) {
      const auto [at, added] = seen.try_emplace(value, static_cast<std::int64_t>(strings.size()));
      if (added) strings.push_back(value);
      numbers.push_back(at->second);
    }
  }
};

std::size_t total_bytes(Strings values) {
  return std::accumulate(values.begin(), values.end(), std::size_t{0},
                         [](auto sum, auto v) { return sum + v.size(); });
}

/// Empty if it does not save 15 %.
std::string compressed(const std::string& bytes) {
  if (bytes.size() < kFewestBytesToCompress) return {};
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kZstdLevel);
  if (ZSTD_isError(size) != 0 || size > bytes.size() / 100 * 85) return {};
  out.resize(size);
  return out;
}

/// Flag, lengths and bytes. `head` is where the flag goes.
void append_plain(std::string& out, std::size_t head, Strings values) {
  std::vector<std::int64_t> lengths(values.size());
  std::string bytes;
  bytes.reserve(total_bytes(values));
  for (std::size_t i = 0; i < values.size(); ++i) {
    lengths[i] = static_cast<std::int64_t>(values[i].size());
    bytes += values[i];
  }
  append_column(out, lengths, Nesting::outer);
  const std::string packed = compressed(bytes);
  if (packed.empty()) {
    out += bytes;
    return;
  }
  out[head] = static_cast<char>(static_cast<unsigned char>(out[head]) | kCompressed);
  append_varint(out, packed.size());
  out += packed;
}

}  // namespace

Result<void> append_strings(std::string& out, Strings values) {
  TAKT_INVARIANT(values.size() <= kColumnRows);
  const Dictionary dictionary{values};
  if (total_bytes(dictionary.strings) > kStringColumnBytes) {
    return invalid("the strings of a column take more than " + std::to_string(kStringColumnBytes) + " bytes");
  }
  const std::size_t head = out.size();
  // Half of the rows repeat: below that numbers cost more than they save. zstd finds what repeats then.
  const bool repeats = dictionary.strings.size() * 2 <= values.size() || total_bytes(values) > kStringColumnBytes;
  append_byte(out, static_cast<unsigned>(repeats ? StringCodec::dictionary : StringCodec::plain));
  if (repeats) {
    append_varint(out, dictionary.strings.size());
    append_column(out, dictionary.numbers, Nesting::outer);
  }
  append_plain(out, head, repeats ? Strings{dictionary.strings} : values);
  return {};
}

class StringColumnReader {
 public:
  StringColumnReader(std::string_view bytes, std::size_t rows) : in_{bytes}, rows_{rows} {}

  bool read() {
    const unsigned first = in_.byte(), codec = first & 0x7f;
    if (in_.failed() || rows_ > kColumnRows || codec > static_cast<unsigned>(StringCodec::dictionary))
      return false;
    column_.rows_.resize(rows_);
    std::size_t distinct = rows_;
    if (codec == static_cast<unsigned>(StringCodec::dictionary)) {
      distinct = in_.varint(rows_);
      if (!read_numbers(distinct)) return false;
    } else {
      std::iota(column_.rows_.begin(), column_.rows_.end(), 0U);
    }
    return read_lengths(distinct) && read_bytes((first & kCompressed) != 0) && in_.done();
  }

  StringColumn take() { return std::move(column_); }

 private:
  bool read_numbers(std::size_t distinct) {
    std::vector<std::int64_t> numbers(rows_);
    if (in_.failed() || !read_column(in_, numbers, Nesting::outer)) return false;
    for (std::size_t i = 0; i < rows_; ++i) {
      if (static_cast<std::uint64_t>(numbers[i]) >= distinct) return false;
      column_.rows_[i] = static_cast<std::uint32_t>(numbers[i]);
    }
    return true;
  }

  bool read_lengths(std::size_t distinct) {
    std::vector<std::int64_t> lengths(distinct);
    if (!read_column(in_, lengths, Nesting::outer)) return false;
    column_.begins_.assign(1, 0);
    column_.begins_.reserve(distinct + 1);
    for (const std::int64_t length : lengths) {
      const std::size_t left = kStringColumnBytes - column_.begins_.back();
      if (length < 0 || static_cast<std::uint64_t>(length) > left) return false;
      column_.begins_.push_back(column_.begins_.back() + static_cast<std::size_t>(length));
    }
    return true;
  }

  bool read_bytes(bool compressed) {
    const std::size_t size = column_.begins_.back();
    const std::string_view data = in_.bytes(compressed ? in_.varint() : size);
    if (in_.failed()) return false;
    if (!compressed) {
      column_.bytes_ = data;
      return true;
    }
    if (size / kMostExpansion > data.size()) return false;
    column_.bytes_.resize(size);
    return ZSTD_decompress(column_.bytes_.data(), size, data.data(), data.size()) == size;
  }

  ByteReader in_;
  std::size_t rows_;
  StringColumn column_;
};

Result<StringColumn> decode_strings(std::string_view bytes, std::size_t rows) {
  StringColumnReader reader{bytes, rows};
  if (!reader.read()) return corruption("an encoded column of strings does not hold what its rows need");
  return reader.take();
}

}  // namespace takt
