#include "ingest/table/table_mapping.h"

#include "ingest/decode_fields.h"
#include "schema/time.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <set>

namespace takt {
namespace {

constexpr std::string_view kAttribute = "attributes.";
constexpr FieldSet kTimes = {Field::ts,          Field::start,         Field::end,
                             Field::recorded_at, Field::planned_start, Field::planned_end};
constexpr FieldSet kNumbers = {Field::good,        Field::scrap,        Field::rework,  Field::good_total,
                               Field::scrap_total, Field::rework_total, Field::quality, Field::quantity,
                               Field::kwh_total,   Field::revision,     Field::value};
constexpr std::size_t kShown = 60;
constexpr double kLatestDay = 2'958'466;  // 10000-01-01

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string out{trim(text)};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c < 0x80 ? std::tolower(c) : c; });
  return out;
}

bool is_field(std::string_view name) {
  if (name.starts_with(kAttribute)) return name.size() > kAttribute.size();
  const auto field = field_named(name);
  return field && *field != Field::attributes;
}

void append_cell(std::string& csv, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    csv += text;
    return;
  }
  csv += '"';
  for (const char c : text) csv.append(c == '"' ? 2 : 1, c);
  csv += '"';
}

/// Reads digits and what stands between them.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool number(std::size_t fewest, std::size_t most, int& out) {
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < most && std::isdigit(static_cast<unsigned char>(rest_[digits])) != 0)
      ++digits;
    if (digits < fewest) return false;
    std::from_chars(rest_.data(), rest_.data() + digits, out);
    rest_.remove_prefix(digits);
    return true;
  }
  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool at_end() const { return rest_.empty(); }
  /// The digits after a point, in microseconds; more than six are cut.
  int fraction() {
    int micros = 0;
    int unit = 100'000;
    for (; !rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front())) != 0;
         rest_.remove_prefix(1)) {
      micros += (rest_.front() - '0') * unit;
      unit /= 10;
    }
    return micros;
  }

 private:
  std::string_view rest_;
};

std::optional<int> scan_day(Scanner& scanner) {
  int first = 0;
  int month = 0;
  int last = 0;
  if (!scanner.number(1, 4, first)) return std::nullopt;
  const bool iso = first > 31;
  const char between = iso ? '-' : '.';
  if (!scanner.skip(between) || !scanner.number(1, 2, month) || !scanner.skip(between) ||
      !scanner.number(iso ? 1 : 4, iso ? 2 : 4, last))
    return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year{iso ? first : last},
                                        std::chrono::month{static_cast<unsigned>(month)},
                                        std::chrono::day{static_cast<unsigned>(iso ? last : first)}};
  if (!day.ok() || int{day.year()} < 1900) return std::nullopt;
  return static_cast<int>(std::chrono::sys_days{day}.time_since_epoch().count());
}

std::optional<Duration> scan_time(Scanner& scanner) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
  if (!scanner.number(1, 2, hour) || !scanner.skip(':') || !scanner.number(2, 2, minute)) return std::nullopt;
  if (scanner.skip(':') && !scanner.number(2, 2, second)) return std::nullopt;
  if (scanner.skip('.') || scanner.skip(',')) micros = scanner.fraction();
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second} + Duration{micros};
}

/// Days since day 0, to the millisecond: a double holds no more of them.
std::optional<LocalTime> serial_date(const std::string& text, int day_zero) {
  double days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error != std::errc{} || end != text.data() + text.size() || !(days >= 1) || days >= kLatestDay)
    return std::nullopt;
  constexpr double kDay = 86'400'000;
  const auto ms = static_cast<std::int64_t>(std::llround(days * kDay));
  constexpr std::int64_t kWholeDay = 86'400'000;
  return LocalTime{static_cast<std::int32_t>(ms / kWholeDay) + day_zero,
                   std::chrono::milliseconds{ms % kWholeDay}};
}

}  // namespace

std::optional<LocalTime> parse_local_time(std::string_view text) {
  Scanner scanner{trim(text)};
  const auto day = scan_day(scanner);
  if (!day) return std::nullopt;
  if (scanner.at_end()) return LocalTime{*day, Duration{0}};
  if (!scanner.skip('T') && !scanner.skip(' ')) return std::nullopt;
  while (scanner.skip(' ')) {
  }
  const auto time = scan_time(scanner);
  if (!time || !scanner.at_end()) return std::nullopt;
  return LocalTime{*day, *time};
}

Result<TableMapping> TableMapping::make(TableOptions options, int day_zero) {
  TableMapping mapping;
  std::set<std::string> given;
  for (const auto* list : {&options.columns, &options.constants}) {
    for (const auto& [field, from] : *list) {
      if (!is_field(field))
        return invalid(std::string{"there is no field '"}
                           .append(field)
                           .append("'; own ones are written attributes.")
                           .append(field));
      if (!given.insert(field).second) return invalid("the field '" + field + "' is given twice");
    }
  }
  if (!options.timezone.empty()) {
    auto zone = Zone::named(options.timezone);
    if (!zone) return zone.error();
    mapping.zone_ = std::move(*zone);
  }
  mapping.options_ = std::move(options);
  mapping.day_zero_ = day_zero;
  return mapping;
}

bool TableMapping::is_header(const TableRow& row) {
  if (options_.header_row != 0 && row.line != options_.header_row) return false;
  columns_.clear();
  std::vector<std::string> missing;
  for (const auto& [field, header] : options_.columns) {
    const auto cell = std::find_if(row.cells.begin(), row.cells.end(), [&, &wanted = header](const TableCell& c) {
      return lower_case(c.text) == lower_case(wanted);
    });
    if (cell == row.cells.end())
      missing.push_back(header);
    else
      columns_.push_back({field, static_cast<std::size_t>(cell - row.cells.begin())});
  }
  // Without a mapping columns mean what they are called.
  for (std::size_t i = 0; options_.columns.empty() && i < row.cells.size(); ++i) {
    const std::string name{trim(row.cells[i].text)};
    if (!name.empty()) columns_.push_back({name, i});
  }
  if (missing_.empty() || missing.size() < missing_.size()) missing_ = missing;
  return missing.empty();
}

std::string TableMapping::missing() const {
  std::string names;
  for (const std::string& name : missing_) names += (names.empty() ? "'" : ", '") + name + "'";
  return names.empty() ? "there is no header row" : "no row has the column " + names;
}

Result<void> TableMapping::check() const {
  for (const char* needed : {"type", "machine"}) {
    const bool constant = std::any_of(options_.constants.begin(), options_.constants.end(),
                                      [&](const auto& each) { return each.first == needed; });
    const bool column =
        std::any_of(columns_.begin(), columns_.end(), [&](const Column& c) { return c.field == needed; });
    if (!constant && !column)
      return invalid(std::string{"nothing says the "} + needed + " of the rows; map a column with --map " +
                     needed + "=COLUMN, or say --set " + needed + "=VALUE for all of them");
  }
  return {};
}

std::string TableMapping::header_line() const {
  std::string line;
  for (const auto& [field, value] : options_.constants) append_cell(line, field), line += ',';
  for (const Column& column : columns_) append_cell(line, column.field), line += ',';
  if (!line.empty()) line.back() = '\n';
  return line;
}

Result<void> TableMapping::append(const TableRow& row, std::string& csv) const {
  std::string line;
  for (const auto& [field, value] : options_.constants) append_cell(line, value), line += ',';
  for (const Column& column : columns_) {
    if (column.index < row.cells.size()) {
      const auto text = converted(column.field, row.cells[column.index]);
      if (!text) return text.error();
      append_cell(line, *text);
    }
    line += ',';
  }
  if (line.empty()) return {};
  line.back() = '\n';
  csv += line;
  return {};
}

Result<std::string> TableMapping::converted(const std::string& field, const TableCell& cell) const {
  std::string text{trim(cell.text)};
  const auto known = field_named(field);
  if (text.empty()) return text;
  if (known && kTimes.contains(*known)) return time_of(text, cell);
  const bool is_amount = !known || kNumbers.contains(*known);
  return is_amount && !cell.is_number ? number_of(text) : text;
}

Result<std::string> TableMapping::time_of(const std::string& text, const TableCell& cell) const {
  if (!cell.is_number && parse_time(text)) return text;
  const auto local = cell.is_number ? serial_date(text, day_zero_) : parse_local_time(text);
  if (!local)
    return invalid("bad_value: '" + text.substr(0, kShown) +
                   "' is no time; write 2026-01-05 06:00:00, 05.01.2026 06:00 or RFC 3339");
  if (!zone_)
    return invalid("bad_value: the time '" + text.substr(0, kShown) +
                   "' has no zone; say --timezone Europe/Berlin");
  return format_time(zone_->to_utc(*local));
}

/// With a decimal comma 1.234,5 is 1234.5. What is no such number stays as it is.
std::string TableMapping::number_of(const std::string& text) const {
  if (options_.decimal != ',') return text;
  std::string number;
  for (const char c : text) {
    if (c == ',')
      number += '.';
    else if (c != '.')
      number += c;
  }
  const bool is_number = !number.empty() && number.find_first_not_of("+-.0123456789eE") == std::string::npos &&
                         std::count(number.begin(), number.end(), '.') <= 1;
  return is_number ? number : text;
}

}  // namespace takt
