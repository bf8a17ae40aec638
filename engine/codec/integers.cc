#include "engine/codec/integers.h"

#include "engine/codec/clock_line.h"
#include "engine/codec/entropy.h"
#include "engine/codec/frame.h"
#include "engine/codec/integer_column.h"
#include "engine/codec/scratch.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <vector>

namespace takt {
namespace codec {
namespace {

// Flags of the first byte.
constexpr unsigned kScaled = 0x40;   // values are base + factor * what is coded
constexpr unsigned kEntropy = 0x80;  // residuals took the entropy stage

// The entropy stage decodes at a fifth of the rate; it has to save a twentieth and a few bytes.
constexpr std::size_t kEntropyShare = 20, kEntropyBytes = 8;
// With one run in so many rows nothing comes near to runs, and nothing else is tried.
constexpr std::size_t kRowsALongRun = 32;
// Above, two of the column's vectors decide between frame, delta and line.
constexpr std::size_t kSampledRows = 2 * kVector;
constexpr std::size_t kMostDistinct = 256;

using Values = std::span<const std::int64_t>;
using Column = std::vector<std::int64_t>;

unsigned id(IntegerCodec codec) { return static_cast<unsigned>(codec); }

/// base + factor * scaled[i]; factor 1 if the values have no common divisor.
struct Scaling {
  std::int64_t base = 0;
  std::uint64_t factor = 1;
};

/// The greatest common divisor of all distances from the minimum. Mostly a few values show that it is 1.
Scaling scaling_of(Values values, std::int64_t minimum) {
  std::uint64_t divisor = 0;
  const auto distance = [&](std::size_t i) {
    return static_cast<std::uint64_t>(wrapping_subtract(values[i], minimum));
  };
  for (std::size_t i = 0; i < values.size() && divisor != 1; i += 1 + values.size() / 16) {
    divisor = std::gcd(divisor, distance(i));
  }
  for (std::size_t i = 0; i < values.size() && divisor != 1; ++i) {
    if (divisor == 0 || distance(i) % divisor != 0) divisor = std::gcd(divisor, distance(i));
  }
  return {minimum, divisor == 0 ? 1 : divisor};
}

/// The inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits that are right.
std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;
  for (int i = 0; i < 5; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

Scratch<std::int64_t> divided(Values values, const Scaling& scaling) {
  const auto shift = static_cast<unsigned>(std::countr_zero(scaling.factor));
  Scratch<std::int64_t> scaled{values.size()};
  kernels().divide(values.data(), values.size(), scaling.base, shift, inverse_of(scaling.factor >> shift),
                   scaled.data());
  return scaled;
}

/// A way to turn a column into residuals, and what it costs to write them.
struct Candidate {
  IntegerCodec codec = IntegerCodec::frame;
  Values residuals;
  std::size_t head_bytes = 0;
  std::size_t estimate = SIZE_MAX / 2;  // of two vectors, or exact in a short column
};

std::size_t estimate(Values residuals) {
  if (residuals.size() <= kSampledRows) return FramePlan{residuals}.bytes();
  const std::size_t middle = residuals.size() / 2;
  return plan_vector(residuals.first(kVector), 0).bytes + plan_vector(residuals.subspan(middle, kVector), 0).bytes;
}

/// Frame, delta or linear, the best of them, written to `out`: a column without columns within.
class FlatWriter {
 public:
  FlatWriter(std::string& out, Values values, Kernels::Range range)
      : out_{out}, scaling_{scaling_of(values, range.minimum)} {
    if (scaling_.factor > 1) scaled_ = divided(values, scaling_);
    values_ = scaling_.factor > 1 ? Values{scaled_.span()} : values;
    if (scaling_.factor > 1) {
      scaling_bytes_ = varint_bytes(zigzag(scaling_.base)) + varint_bytes(scaling_.factor);
    }
  }

  void write() {
    consider(IntegerCodec::frame, values_, 0);
    differences_ = Scratch<std::int64_t>{values_.size() - 1};
    kernels().deltas(values_.data(), values_.size(), differences_.data());
    consider(IntegerCodec::delta, differences_.span(), varint_bytes(zigzag(values_[0])));
    if (auto line = ClockLine::fit(values_, differences_.span())) {
      line_ = std::move(*line);
      beside_line_ = Scratch<std::int64_t>{values_.size()};
      line_.subtract(values_, beside_line_.span());
      consider(IntegerCodec::linear, beside_line_.span(), line_.bytes());
    }
    const auto size = [](const Candidate& c) { return c.estimate + c.head_bytes; };
    std::sort(candidates_.begin(), candidates_.end(),
              [&](const Candidate& a, const Candidate& b) { return size(a) < size(b); });
    write_best();
  }

 private:
  void consider(IntegerCodec codec, Values residuals, std::size_t head_bytes) {
    candidates_[count_++] = {codec, residuals, head_bytes, estimate(residuals)};
  }

  void write_best() {
    const Candidate& best = candidates_[0];
    const std::size_t raw = 1 + values_.size() * sizeof(std::int64_t);
    const EntropyChoice entropy = choose_entropy();
    // Far ahead of the frame's estimate: the frame need not be planned in full.
    const std::size_t ahead = whole(best) - whole(best) / 8;
    if (entropy.plan.bytes < ahead && write_entropy(entropy, ahead)) return;
    const FramePlan frame{best.residuals};
    const std::size_t framed = 1 + scaling_bytes_ + best.head_bytes + frame.bytes();
    const std::size_t limit = std::min(framed, raw) - std::max(kEntropyBytes, framed / kEntropyShare);
    if (framed > 2 * kEntropyBytes && entropy.plan.bytes < limit + limit / 64 && write_entropy(entropy, limit))
      return;
    // Raw is left to the caller, who has the values.
    if (framed >= raw) return;
    append_head(best, 0);
    frame.append(out_, best.residuals);
    written_ = true;
  }

  /// What a candidate's estimate means for the whole column.
  std::size_t whole(const Candidate& candidate) const {
    const std::size_t rows = candidate.residuals.size();
    const std::size_t frame = rows > kSampledRows ? candidate.estimate * rows / kSampledRows : candidate.estimate;
    return 1 + scaling_bytes_ + candidate.head_bytes + frame;
  }

  struct EntropyChoice {
    EntropyPlan plan;  // with the size of the whole column
    const Candidate* candidate = nullptr;
  };

  /// Of the two best candidates the one with less entropy.
  EntropyChoice choose_entropy() const {
    EntropyChoice best;
    for (const Candidate* candidate : {&candidates_[0], &candidates_[1]}) {
      if (candidate->residuals.empty() || candidate->estimate > candidates_[0].estimate * 3 / 2) continue;
      EntropyPlan plan = plan_entropy(candidate->residuals);
      if (plan.bytes == SIZE_MAX) continue;
      plan.bytes += 1 + scaling_bytes_ + candidate->head_bytes;
      if (plan.bytes < best.plan.bytes) best = {plan, candidate};
    }
    return best;
  }

  /// False, and nothing written, if it takes more than `limit` bytes.
  bool write_entropy(const EntropyChoice& choice, std::size_t limit) {
    const std::size_t before = out_.size();
    append_head(*choice.candidate, kEntropy);
    append_entropy(out_, choice.plan, choice.candidate->residuals);
    written_ = out_.size() - before <= limit;
    if (!written_) out_.resize(before);
    return written_;
  }

  void append_head(const Candidate& candidate, unsigned flags) {
    append_byte(out_, id(candidate.codec) | flags | (scaling_.factor > 1 ? kScaled : 0));
    if (scaling_.factor > 1) {
      append_varint(out_, zigzag(scaling_.base));
      append_varint(out_, scaling_.factor);
    }
    if (candidate.codec == IntegerCodec::delta) append_varint(out_, zigzag(values_[0]));
    if (candidate.codec == IntegerCodec::linear) line_.append(out_);
  }

  std::string& out_;
  Scaling scaling_;
  std::size_t scaling_bytes_ = 0;
  Values values_;
  Scratch<std::int64_t> scaled_, differences_, beside_line_;
  ClockLine line_;
  std::array<Candidate, 3> candidates_;
  std::size_t count_ = 0;

 public:
  bool written_ = false;
};

void append_raw(std::string& out, Values values) {
  append_byte(out, id(IntegerCodec::raw));
  out.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int64_t));
}

void append_flat(std::string& out, Values values, Kernels::Range range) {
  FlatWriter writer{out, values, range};
  writer.write();
  if (!writer.written_) append_raw(out, values);
}

std::string runs_column(Values values) {
  Column heads, lengths;
  for (std::size_t begin = 0, i = 1; i <= values.size(); ++i) {
    if (i < values.size() && values[i] == values[begin]) continue;
    heads.push_back(values[begin]);
    lengths.push_back(static_cast<std::int64_t>(i - begin));
    begin = i;
  }
  std::string out;
  append_byte(out, id(IntegerCodec::runs));
  append_varint(out, heads.size());
  append_column(out, heads, Nesting::inner);
  append_column(out, lengths, Nesting::inner);
  return out;
}

/// The distinct values in order; none if there are too many of them.
Column distinct_of(Values values) {
  Column distinct;
  for (std::size_t i = 0; i < values.size(); i += 1 + values.size() / 32) distinct.push_back(values[i]);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  // A column whose sample hardly repeats has no few values.
  if (values.size() > 64 && distinct.size() > 24) return {};
  for (const std::int64_t value : values) {
    const auto at = std::lower_bound(distinct.begin(), distinct.end(), value);
    if (at != distinct.end() && *at == value) continue;
    if (distinct.size() == kMostDistinct) return {};
    distinct.insert(at, value);
  }
  return distinct;
}

std::string dictionary_column(Values values, const Column& distinct) {
  Column numbers(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    numbers[i] = std::lower_bound(distinct.begin(), distinct.end(), values[i]) - distinct.begin();
  }
  std::string out;
  append_byte(out, id(IntegerCodec::dictionary));
  append_varint(out, distinct.size());
  append_column(out, distinct, Nesting::inner);
  append_column(out, numbers, Nesting::inner);
  return out;
}

void replace_if_smaller(std::string& out, std::size_t begin, const std::string& candidate) {
  if (candidate.size() < out.size() - begin) out.replace(begin, std::string::npos, candidate);
}

/// Columns of columns, where they are shorter than what was written from `begin` on.
void try_nested(std::string& out, std::size_t begin, Values values, std::size_t runs) {
  // A run, its value and its length, hardly ever takes less than six bits.
  if (runs * 3 / 4 < out.size() - begin && runs <= values.size() / 2)
    replace_if_smaller(out, begin, runs_column(values));
  // Numbers of a dictionary pay only where the values are wide.
  if (out.size() - begin < values.size() / 2) return;
  const Column distinct = distinct_of(values);
  if (!distinct.empty()) replace_if_smaller(out, begin, dictionary_column(values, distinct));
}

}  // namespace

void append_column(std::string& out, Values values, Nesting nesting) {
  TAKT_INVARIANT(values.size() <= kColumnRows);
  if (values.empty()) return append_raw(out, values);
  const auto range = kernels().range(values.data(), values.size());
  if (range.minimum == range.maximum && varint_bytes(zigzag(range.minimum)) <= values.size_bytes()) {
    append_byte(out, id(IntegerCodec::constant));
    return append_varint(out, zigzag(range.minimum));
  }
  if (values.size() == 1) return append_raw(out, values);
  if (nesting == Nesting::inner) return append_flat(out, values, range);
  const std::size_t runs = 1 + kernels().changes(values.data(), values.size());
  if (runs * kRowsALongRun <= values.size()) {
    out += runs_column(values);
    return;
  }
  const std::size_t begin = out.size();
  append_flat(out, values, range);
  try_nested(out, begin, values, runs);
}

namespace {

struct Head {
  IntegerCodec codec;
  bool scaled, entropy;
};

/// The first byte; fails the reader if it is none.
Head read_head(ByteReader& in, Nesting nesting) {
  const unsigned first = in.byte(), codec = first & 0x3f;
  const bool flags = (first & (kScaled | kEntropy)) != 0;
  const bool flat = codec >= id(IntegerCodec::frame) && codec <= id(IntegerCodec::linear);
  const bool nested = codec == id(IntegerCodec::runs) || codec == id(IntegerCodec::dictionary);
  if (codec > id(IntegerCodec::dictionary) || (flags && !flat) || (nested && nesting == Nesting::inner)) in.fail();
  return {static_cast<IntegerCodec>(codec), (first & kScaled) != 0, (first & kEntropy) != 0};
}

bool read_residuals(ByteReader& in, std::span<std::int64_t> values, bool entropy) {
  return entropy ? decode_entropy(in, values) : decode_frame(in, values);
}

bool read_flat(ByteReader& in, const Head& head, std::span<std::int64_t> values) {
  Scaling scaling;
  if (head.scaled) {
    scaling.base = in.signed_varint();
    scaling.factor = in.varint();
  }
  if (in.failed() || values.empty()) return false;
  if (head.codec == IntegerCodec::delta) {
    const std::int64_t first = in.signed_varint();
    if (!read_residuals(in, values.subspan(1), head.entropy)) return false;
    values[0] = first;
    kernels().running_sum(values.data() + 1, values.size() - 1, first);
  } else if (head.codec == IntegerCodec::linear) {
    const auto line = ClockLine::read(in, values.size());
    if (!line || !read_residuals(in, values, head.entropy)) return false;
    line->add(values, 0);
  } else if (!read_residuals(in, values, head.entropy)) {
    return false;
  }
  if (head.scaled) kernels().scale(values.data(), values.size(), scaling.factor, scaling.base);
  return true;
}

bool read_raw(ByteReader& in, std::span<std::int64_t> values) {
  const std::string_view data = in.bytes(values.size_bytes());
  if (in.failed()) return false;
  if (!values.empty()) std::memcpy(values.data(), data.data(), data.size());
  return true;
}

/// Values of runs and their lengths, which add up to `rows`.
struct Runs {
  Column heads, lengths;

  static std::optional<Runs> read(ByteReader& in, std::size_t rows) {
    const std::size_t count = in.varint(rows);
    Runs runs{Column(count), Column(count)};
    if (in.failed() || !read_column(in, runs.heads, Nesting::inner) ||
        !read_column(in, runs.lengths, Nesting::inner)) {
      return std::nullopt;
    }
    std::size_t sum = 0;
    for (const std::int64_t length : runs.lengths) {
      if (length < 1 || static_cast<std::size_t>(length) > rows - sum) return std::nullopt;
      sum += static_cast<std::size_t>(length);
    }
    if (sum != rows) return std::nullopt;
    return runs;
  }
};

bool read_runs(ByteReader& in, std::span<std::int64_t> values) {
  const auto runs = Runs::read(in, values.size());
  if (!runs) return false;
  auto at = values.begin();
  for (std::size_t i = 0; i < runs->heads.size(); ++i) at = std::fill_n(at, runs->lengths[i], runs->heads[i]);
  return true;
}

bool read_dictionary(ByteReader& in, std::span<std::int64_t> values) {
  Column distinct(in.varint(kMostDistinct));
  if (in.failed() || !read_column(in, distinct, Nesting::inner) || !read_column(in, values, Nesting::inner)) {
    return false;
  }
  for (std::int64_t& value : values) {
    if (static_cast<std::uint64_t>(value) >= distinct.size()) return false;
    value = distinct[static_cast<std::size_t>(value)];
  }
  return true;
}

bool read_values(ByteReader& in, const Head& head, std::span<std::int64_t> values) {
  switch (head.codec) {
    case IntegerCodec::raw:
      return read_raw(in, values);
    case IntegerCodec::constant:
      std::fill(values.begin(), values.end(), in.signed_varint());
      return !in.failed();
    case IntegerCodec::runs:
      return read_runs(in, values);
    case IntegerCodec::dictionary:
      return read_dictionary(in, values);
    case IntegerCodec::frame:
    case IntegerCodec::delta:
    case IntegerCodec::linear:
      return read_flat(in, head, values);
  }
  return false;
}

}  // namespace

bool read_column(ByteReader& in, std::span<std::int64_t> values, Nesting nesting) {
  const Head head = read_head(in, nesting);
  return !in.failed() && values.size() <= kColumnRows && read_values(in, head, values);
}

namespace {

__extension__ using Wide = __int128;

/// Adds up stretches of a column.
class Summing {
 public:
  void add(Values values) {
    if (values.empty()) return;
    const auto totals = kernels().totals(values.data(), values.size());
    const auto count = static_cast<std::uint64_t>(values.size());
    const auto extent = static_cast<std::uint64_t>(wrapping_subtract(totals.maximum, totals.minimum));
    // Offsets from the minimum add up below 2^64, whatever the values do.
    const std::uint64_t offsets = totals.sum - count * static_cast<std::uint64_t>(totals.minimum);
    Wide sum = Wide{totals.minimum} * static_cast<Wide>(count) + static_cast<Wide>(offsets);
    if (extent >= std::uint64_t{1} << 51) sum = std::accumulate(values.begin(), values.end(), Wide{0});
    add(totals.minimum, totals.maximum, sum, values.size());
  }
  void add_run(std::int64_t value, std::size_t count) {
    add(value, value, Wide{value} * static_cast<Wide>(count), count);
  }

  /// What base + factor * value adds up to.
  IntegerSummary scaled(const Scaling& scaling) const {
    const auto scale = [&](std::int64_t v) {
      return wrapping_add(scaling.base, static_cast<std::int64_t>(static_cast<std::uint64_t>(v) * scaling.factor));
    };
    // Unsigned: the bytes of a stranger may overflow 128 bits.
    __extension__ using Unsigned = unsigned __int128;
    const Unsigned sum = static_cast<Unsigned>(Wide{scaling.base}) * summary_.count +
                         static_cast<Unsigned>(summary_.sum) * scaling.factor;
    return {summary_.count, scale(summary_.minimum), scale(summary_.maximum), static_cast<Wide>(sum)};
  }

 private:
  void add(std::int64_t minimum, std::int64_t maximum, Wide sum, std::size_t count) {
    summary_.minimum = summary_.count == 0 ? minimum : std::min(summary_.minimum, minimum);
    summary_.maximum = summary_.count == 0 ? maximum : std::max(summary_.maximum, maximum);
    summary_.sum += sum;
    summary_.count += count;
  }

  IntegerSummary summary_;
};

/// A frame, a delta whose values go on from `first`, or offsets from a line, without ever being a whole column.
bool sum_vectors(ByteReader& in, std::size_t rows, std::optional<std::int64_t> first,
                 const std::optional<ClockLine>& line, Summing& summing) {
  std::array<std::int64_t, kVector> vector;
  FrameReader reader{in};
  for (std::size_t at = 0; at < rows; at += kVector) {
    const std::span<std::int64_t> values{vector.data(), std::min(kVector, rows - at)};
    if (!reader.next(values)) return false;
    if (first) {
      kernels().running_sum(values.data(), values.size(), *first);
      first = values.back();
    }
    if (line) line->add(values, at);
    summing.add(values);
  }
  return true;
}

bool sum_flat(ByteReader& in, const Head& head, std::size_t rows, IntegerSummary& summary) {
  Scaling scaling;
  if (head.scaled) {
    scaling.base = in.signed_varint();
    scaling.factor = in.varint();
  }
  Summing summing;
  std::optional<std::int64_t> first;
  if (head.codec == IntegerCodec::delta) {
    first = in.signed_varint();
    summing.add_run(*first, 1);
  }
  std::optional<ClockLine> line;
  if (head.codec == IntegerCodec::linear) {
    line = ClockLine::read(in, rows);
    if (!line) return false;
  }
  if (in.failed() || !sum_vectors(in, rows - (first ? 1 : 0), first, line, summing)) return false;
  summary = summing.scaled(scaling);
  return true;
}

bool sum_runs(ByteReader& in, std::size_t rows, IntegerSummary& summary) {
  const auto runs = Runs::read(in, rows);
  if (!runs) return false;
  Summing summing;
  for (std::size_t i = 0; i < runs->heads.size(); ++i) {
    summing.add_run(runs->heads[i], static_cast<std::size_t>(runs->lengths[i]));
  }
  summary = summing.scaled({});
  return true;
}

bool sum_spread_out(ByteReader& in, const Head& head, std::size_t rows, IntegerSummary& summary) {
  Column values(rows);
  if (!read_values(in, head, values)) return false;
  Summing summing;
  summing.add(values);
  summary = summing.scaled({});
  return true;
}

bool sum_constant(ByteReader& in, std::size_t rows, IntegerSummary& summary) {
  Summing summing;
  if (const std::int64_t value = in.signed_varint(); rows > 0) summing.add_run(value, rows);
  summary = summing.scaled({});
  return !in.failed();
}

}  // namespace

bool summarize_column(ByteReader& in, std::size_t rows, IntegerSummary& summary) {
  const Head head = read_head(in, Nesting::outer);
  if (in.failed() || rows > kColumnRows) return false;
  if (head.codec == IntegerCodec::constant) return sum_constant(in, rows, summary);
  if (head.codec == IntegerCodec::runs) return sum_runs(in, rows, summary);
  const bool framed = head.codec >= IntegerCodec::frame && head.codec <= IntegerCodec::linear;
  if (framed && !head.entropy && rows > 0) return sum_flat(in, head, rows, summary);
  return sum_spread_out(in, head, rows, summary);
}

}  // namespace codec

using namespace codec;

void append_integers(std::string& out, std::span<const std::int64_t> values) {
  append_column(out, values, Nesting::outer);
}

void append_codes(std::string& out, std::span<const std::uint8_t> codes) {
  append_integers(out, std::vector<std::int64_t>(codes.begin(), codes.end()));
}

namespace {

Error not_a_column() { return corruption("an encoded column of integers does not hold what its rows need"); }

}  // namespace

Result<void> decode_integers(std::string_view bytes, std::span<std::int64_t> values) {
  ByteReader in{bytes};
  if (!read_column(in, values, Nesting::outer) || !in.done()) return not_a_column();
  return {};
}

Result<void> decode_codes(std::string_view bytes, std::span<std::uint8_t> codes) {
  if (codes.size() > kColumnRows) return not_a_column();
  std::vector<std::int64_t> wide(codes.size());
  if (const auto decoded = decode_integers(bytes, wide); !decoded) return decoded.error();
  const auto is_code = [](std::int64_t v) { return v >= 0 && v <= 0xff; };
  if (!std::all_of(wide.begin(), wide.end(), is_code)) return not_a_column();
  std::transform(wide.begin(), wide.end(), codes.begin(), [](auto v) { return static_cast<std::uint8_t>(v); });
  return {};
}

Result<IntegerSummary> summarize_integers(std::string_view bytes, std::size_t rows) {
  ByteReader in{bytes};
  IntegerSummary summary;
  if (!summarize_column(in, rows, summary) || !in.done()) return not_a_column();
  return summary;
}

IntegerCodec integer_codec(std::string_view bytes) {
  return bytes.empty() ? IntegerCodec::raw
                       : static_cast<IntegerCodec>(static_cast<unsigned char>(bytes[0]) & 0x3f);
}

bool has_entropy_stage(std::string_view bytes) {
  return !bytes.empty() && (static_cast<unsigned char>(bytes[0]) & kEntropy) != 0;
}

}  // namespace takt
