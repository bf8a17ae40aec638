#include "engine/codec/doubles.h"

#include "engine/codec/integer_column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <vector>

namespace takt {
namespace {

using namespace codec;
using Values = std::span<const double>;

// Powers of ten that a double holds exactly; no more digits than it can give back.
constexpr std::array<double, 16> kPowers{1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                         1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr unsigned kMostDigits = 15, kMostSingleDigits = 9;
constexpr unsigned kHasExceptions = 0x80;
constexpr std::size_t kSample = 32;
// With more exceptions than one in so many, the bits are tried too; so they are for single precision of many
// digits, which may be no decimals at all.
constexpr std::size_t kRowsAnException = 16;
constexpr unsigned kManySingleDigits = 5;

enum class Precision : std::uint8_t { full, single };

std::size_t to_mantissas(Values values, unsigned digits, Precision precision, std::span<std::int64_t> out) {
  const auto convert = precision == Precision::full ? kernels().to_mantissas : kernels().to_single_mantissas;
  return convert(values.data(), values.size(), kPowers[digits], out.data());
}

void from_mantissas(std::span<const std::int64_t> mantissas, unsigned digits, Precision precision,
                    std::span<double> out) {
  const auto convert = precision == Precision::full ? kernels().from_mantissas : kernels().from_single_mantissas;
  convert(mantissas.data(), mantissas.size(), kPowers[digits], out.data());
}

bool comes_back(double value, unsigned digits, Precision precision) {
  std::int64_t mantissa = 0;
  return to_mantissas({&value, 1}, digits, precision, {&mantissa, 1}) == 0;
}

/// The least digits that give all of a sample back but for a quarter; none if there are none.
std::optional<unsigned> digits_of(Values sample, Precision precision) {
  const unsigned most = precision == Precision::full ? kMostDigits : kMostSingleDigits;
  std::size_t lost = 0;
  unsigned digits = 0;
  for (const double value : sample) {
    unsigned needed = digits;
    while (needed <= most && !comes_back(value, needed, precision)) ++needed;
    if (needed <= most) {
      digits = needed;
    } else if (++lost * 4 > sample.size()) {
      return std::nullopt;
    }
  }
  return digits;
}

std::uint64_t turned(double value) { return std::rotl(std::bit_cast<std::uint64_t>(value), 1); }
double turned_back(std::int64_t bits) {
  return std::bit_cast<double>(std::rotr(static_cast<std::uint64_t>(bits), 1));
}

/// A column as mantissas, and what does not fit.
struct Decimals {
  Precision precision = Precision::full;
  unsigned digits = 0;
  std::size_t lost = 0;
  std::vector<std::int64_t> mantissas;
};

Decimals decimals_of(Values values, unsigned digits, Precision precision) {
  Decimals decimals{precision, digits, 0, std::vector<std::int64_t>(values.size())};
  decimals.lost = to_mantissas(values, digits, precision, decimals.mantissas);
  return decimals;
}

bool is_single(double value) { return static_cast<double>(static_cast<float>(value)) == value; }

/// Rows whose mantissa does not give the value back.
std::vector<std::int64_t> exceptions_of(Values values, const Decimals& decimals) {
  std::vector<double> back(values.size());
  from_mantissas(decimals.mantissas, decimals.digits, decimals.precision, back);
  std::vector<std::int64_t> rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (turned(back[i]) != turned(values[i])) rows.push_back(static_cast<std::int64_t>(i));
  }
  return rows;
}

Values sample_of(Values values, std::array<double, kSample>& room) {
  if (values.size() <= kSample) return values;
  for (std::size_t i = 0; i < kSample; ++i) room[i] = values[(2 * i + 1) * values.size() / (2 * kSample)];
  return room;
}

/// With digits that the sample missed: those of the first values that were lost.
Decimals with_more_digits(Values values, Decimals decimals) {
  std::vector<double> lost;
  for (const std::int64_t row : exceptions_of(values, decimals)) {
    lost.push_back(values[static_cast<std::size_t>(row)]);
    if (lost.size() == kSample) break;
  }
  const auto digits = digits_of(lost, decimals.precision);
  if (!digits || *digits <= decimals.digits) return decimals;
  Decimals finer = decimals_of(values, *digits, decimals.precision);
  return finer.lost < decimals.lost ? finer : decimals;
}

std::optional<Decimals> find_decimals(Values values) {
  std::array<double, kSample> room;
  const Values sample = sample_of(values, room);
  auto precision = Precision::full;
  auto digits = digits_of(sample, precision);
  if (!digits && std::all_of(sample.begin(), sample.end(), is_single)) {
    precision = Precision::single;
    digits = digits_of(sample, precision);
  }
  if (!digits) return std::nullopt;
  Decimals decimals = decimals_of(values, *digits, precision);
  if (decimals.lost > 2) decimals = with_more_digits(values, std::move(decimals));
  return decimals;
}

bool is_doubtful(const Decimals& decimals) {
  const bool many = decimals.precision == Precision::single && decimals.digits >= kManySingleDigits;
  return many || decimals.lost * kRowsAnException > decimals.mantissas.size();
}

/// The mantissa of the row before stands in for a lost one, so that deltas and runs go on undisturbed.
void bridge(std::vector<std::int64_t>& mantissas, const std::vector<std::int64_t>& rows) {
  std::size_t first_kept = 0;
  while (first_kept < rows.size() && rows[first_kept] == static_cast<std::int64_t>(first_kept)) ++first_kept;
  const std::int64_t first = first_kept < mantissas.size() ? mantissas[first_kept] : 0;
  for (const std::int64_t row : rows) {
    const auto i = static_cast<std::size_t>(row);
    mantissas[i] = i == 0 ? first : mantissas[i - 1];
  }
}

void append_decimals(std::string& out, Values values, Decimals decimals) {
  const auto codec = decimals.precision == Precision::full ? DoubleCodec::decimal : DoubleCodec::single_decimal;
  append_byte(out, static_cast<unsigned>(codec) | (decimals.lost > 0 ? kHasExceptions : 0));
  append_byte(out, decimals.digits);
  if (decimals.lost > 0) {
    const auto rows = exceptions_of(values, decimals);
    std::vector<std::int64_t> bits(rows.size());
    std::transform(rows.begin(), rows.end(), bits.begin(), [&](std::int64_t row) {
      return static_cast<std::int64_t>(turned(values[static_cast<std::size_t>(row)]));
    });
    append_varint(out, rows.size());
    append_column(out, rows, Nesting::inner);
    append_column(out, bits, Nesting::outer);
    bridge(decimals.mantissas, rows);
  }
  append_column(out, decimals.mantissas, Nesting::outer);
}

void append_bits(std::string& out, Values values) {
  std::vector<std::int64_t> bits(values.size());
  std::transform(values.begin(), values.end(), bits.begin(),
                 [](double v) { return static_cast<std::int64_t>(turned(v)); });
  append_byte(out, static_cast<unsigned>(DoubleCodec::bits));
  append_column(out, bits, Nesting::outer);
}

void append_raw(std::string& out, Values values) {
  append_byte(out, static_cast<unsigned>(DoubleCodec::raw));
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

}  // namespace

void append_doubles(std::string& out, std::span<const double> values) {
  TAKT_INVARIANT(values.size() <= kColumnRows);
  const std::size_t begin = out.size();
  const std::size_t raw = 1 + values.size_bytes();
  const auto written = [&] { return out.size() - begin; };
  const auto decimals = values.empty() ? std::nullopt : find_decimals(values);
  if (decimals) append_decimals(out, values, *decimals);
  if (!decimals || is_doubtful(*decimals) || written() > raw) {
    std::string bits;
    append_bits(bits, values);
    if (!decimals || bits.size() < written()) out.replace(begin, std::string::npos, bits);
  }
  if (written() <= raw) return;
  out.resize(begin);
  append_raw(out, values);
}

namespace {

/// The first bytes of a column of decimals.
struct DecimalHead {
  Precision precision = Precision::full;
  unsigned digits = 0;
  std::vector<std::int64_t> rows, bits;  // of exceptions

  /// Which rows exist is checked here, and that mantissas have room for what follows is by their own limits.
  static std::optional<DecimalHead> read(ByteReader& in, unsigned first, std::size_t rows) {
    DecimalHead head;
    if ((first & 0x7f) == static_cast<unsigned>(DoubleCodec::single_decimal)) head.precision = Precision::single;
    head.digits = in.byte();
    if (in.failed() || head.digits > kMostDigits) return std::nullopt;
    if ((first & kHasExceptions) == 0) return head;
    const std::size_t count = in.varint(rows);
    head.rows.resize(count);
    head.bits.resize(count);
    if (in.failed() || !read_column(in, head.rows, Nesting::inner) ||
        !read_column(in, head.bits, Nesting::outer)) {
      return std::nullopt;
    }
    const auto exists = [&](std::int64_t row) { return row >= 0 && static_cast<std::uint64_t>(row) < rows; };
    if (!std::all_of(head.rows.begin(), head.rows.end(), exists)) return std::nullopt;
    return head;
  }
};

bool read_decimals(ByteReader& in, unsigned first, std::span<double> values) {
  const auto head = DecimalHead::read(in, first, values.size());
  if (!head) return false;
  // Integers and doubles of one size: the mantissas become values in place.
  std::vector<std::int64_t> mantissas(values.size());
  if (!read_column(in, mantissas, Nesting::outer)) return false;
  from_mantissas(mantissas, head->digits, head->precision, values);
  for (std::size_t i = 0; i < head->rows.size(); ++i) {
    values[static_cast<std::size_t>(head->rows[i])] = turned_back(head->bits[i]);
  }
  return true;
}

bool read_bits(ByteReader& in, std::span<double> values) {
  std::vector<std::int64_t> bits(values.size());
  if (!read_column(in, bits, Nesting::outer)) return false;
  std::transform(bits.begin(), bits.end(), values.begin(), turned_back);
  return true;
}

bool read_raw(ByteReader& in, std::span<double> values) {
  const std::string_view data = in.bytes(values.size_bytes());
  if (in.failed()) return false;
  if (!values.empty()) std::memcpy(values.data(), data.data(), data.size());
  return true;
}

bool is_decimal(unsigned first) {
  const unsigned codec = first & 0x7f;
  return codec == static_cast<unsigned>(DoubleCodec::decimal) ||
         codec == static_cast<unsigned>(DoubleCodec::single_decimal);
}

bool read_doubles(ByteReader& in, unsigned first, std::span<double> values) {
  if (values.size() > kColumnRows || in.failed()) return false;
  if (is_decimal(first)) return read_decimals(in, first, values);
  if (first == static_cast<unsigned>(DoubleCodec::bits)) return read_bits(in, values);
  return first == static_cast<unsigned>(DoubleCodec::raw) && read_raw(in, values);
}

Error not_a_column() { return corruption("an encoded column of doubles does not hold what its rows need"); }

/// Adds doubles that are no NaNs to the figures.
void add_reals(DoubleSummary& summary, std::vector<double>& values) {
  const auto numbers = std::remove_if(values.begin(), values.end(), [](double v) { return std::isnan(v); });
  summary.nans += static_cast<std::size_t>(values.end() - numbers);
  values.erase(numbers, values.end());
  if (values.empty()) return;
  const auto totals = kernels().real_totals(values.data(), values.size());
  summary.minimum = summary.count == 0 ? totals.minimum : std::min(summary.minimum, totals.minimum);
  summary.maximum = summary.count == 0 ? totals.maximum : std::max(summary.maximum, totals.maximum);
  summary.rest += totals.sum;
  summary.count += values.size();
}

double value_of(std::int64_t mantissa, unsigned digits) {
  double value = 0;
  from_mantissas({&mantissa, 1}, digits, Precision::full, {&value, 1});
  return value;
}

/// Decimals without exceptions: as many decimals as rows.
bool sum_mantissas(ByteReader& in, const DecimalHead& head, std::size_t rows, DoubleSummary& summary) {
  IntegerSummary mantissas;
  if (!summarize_column(in, rows, mantissas)) return false;
  summary.count = mantissas.count;
  summary.digits = head.digits;
  summary.mantissa_sum = mantissas.sum;
  summary.minimum = value_of(mantissas.minimum, head.digits);
  summary.maximum = value_of(mantissas.maximum, head.digits);
  return true;
}

/// Decimals with exceptions: stand-ins are values of their neighbours, so only count and sum must leave them out.
bool sum_mantissas_but_exceptions(ByteReader& in, const DecimalHead& head, std::size_t rows,
                                  DoubleSummary& summary) {
  std::vector<std::int64_t> mantissas(rows);
  if (!read_column(in, mantissas, Nesting::outer)) return false;
  std::vector<double> exceptions(head.bits.size());
  std::transform(head.bits.begin(), head.bits.end(), exceptions.begin(), turned_back);
  std::vector<bool> lost(rows);
  for (const std::int64_t row : head.rows) lost[static_cast<std::size_t>(row)] = true;
  std::vector<std::int64_t> kept;
  kept.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    if (!lost[i]) kept.push_back(mantissas[i]);
  }
  for (const std::int64_t mantissa : kept) summary.mantissa_sum += mantissa;
  if (!kept.empty()) {
    const auto range = kernels().range(kept.data(), kept.size());
    summary.minimum = value_of(range.minimum, head.digits);
    summary.maximum = value_of(range.maximum, head.digits);
  }
  summary.digits = head.digits;
  summary.count = kept.size();
  add_reals(summary, exceptions);
  return true;
}

bool sum_decimals(ByteReader& in, unsigned first, std::size_t rows, DoubleSummary& summary) {
  const auto head = DecimalHead::read(in, first, rows);
  if (!head) return false;
  return head->rows.empty() ? sum_mantissas(in, *head, rows, summary)
                            : sum_mantissas_but_exceptions(in, *head, rows, summary);
}

}  // namespace

Result<void> decode_doubles(std::string_view bytes, std::span<double> values) {
  ByteReader in{bytes};
  if (!read_doubles(in, in.byte(), values) || !in.done()) return not_a_column();
  return {};
}

Result<DoubleSummary> summarize_doubles(std::string_view bytes, std::size_t rows) {
  DoubleSummary summary;
  ByteReader in{bytes};
  const unsigned first = in.byte();
  if (in.failed() || rows > kColumnRows) return not_a_column();
  if ((first & 0x7f) == static_cast<unsigned>(DoubleCodec::decimal)) {
    if (!sum_decimals(in, first, rows, summary) || !in.done()) return not_a_column();
    return summary;
  }
  std::vector<double> values(rows);
  if (!read_doubles(in, first, values) || !in.done()) return not_a_column();
  add_reals(summary, values);
  return summary;
}

double DoubleSummary::sum() const {
  return static_cast<double>(static_cast<long double>(mantissa_sum) / static_cast<long double>(kPowers[digits])) +
         rest;
}

DoubleCodec double_codec(std::string_view bytes) {
  return bytes.empty() ? DoubleCodec::raw : static_cast<DoubleCodec>(static_cast<unsigned char>(bytes[0]) & 0x7f);
}

}  // namespace takt
