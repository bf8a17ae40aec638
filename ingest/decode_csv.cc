// Rows of CSV (RFC 4180) as events.
#include "ingest/decode.h"
#include "ingest/decode_body.h"
#include "ingest/decode_draft.h"
#include "ingest/decode_json_event.h"
#include "schema/event_json.h"

#include <simdjson.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>
#include <vector>

namespace takt {
namespace {

constexpr std::string_view kAttributePrefix = "attributes.";

/// Cuts a body into rows and rows into cells. A cell borrows from the body, or from the batch if it had doubled
/// quotes.
class RowReader {
 public:
  explicit RowReader(std::string_view body) : rest_(body) {}

  enum class Row : std::uint8_t { good, broken, none };

  /// Reads the next row that is not blank. A broken one is its first line; the next line is a row again.
  Row next(EventBatch& batch) {
    cells_.clear();
    skip_blank_lines();
    if (rest_.empty()) return Row::none;
    std::size_t at = 0;
    const bool good = read_cells(at, batch);
    if (!good) at = std::min(rest_.find('\n'), rest_.size());
    row_ = rest_.substr(0, at);
    if (row_.ends_with('\r')) row_.remove_suffix(1);
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    return good ? Row::good : Row::broken;
  }

  const std::vector<std::string_view>& cells() const { return cells_; }
  std::string_view row() const { return row_; }

 private:
  void skip_blank_lines() {
    while (!rest_.empty()) {
      const std::size_t line_end = std::min(rest_.find('\n'), rest_.size());
      if (!trim(rest_.substr(0, line_end)).empty()) return;
      rest_.remove_prefix(std::min(line_end + 1, rest_.size()));
    }
  }

  /// Moves `at` to the row's line end. A quote inside an unquoted cell breaks the row: so every line with an odd
  /// number of quotes ends or breaks whatever quote was open, and no body makes the reader scan it over and over.
  bool read_cells(std::size_t& at, EventBatch& batch) {
    while (true) {
      const bool is_quoted = at < rest_.size() && rest_[at] == '"';
      if (!(is_quoted ? read_quoted(at, batch) : read_plain(at))) return false;
      if (at < rest_.size() && rest_[at] == ',') {
        ++at;
        continue;
      }
      if (at < rest_.size() && rest_[at] == '\r') ++at;
      return at == rest_.size() || rest_[at] == '\n';
    }
  }

  bool read_plain(std::size_t& at) {
    const std::size_t begin = at;
    at = std::min(rest_.find_first_of(",\"\n", begin), rest_.size());
    if (at < rest_.size() && rest_[at] == '"') return false;
    if (at > begin && rest_[at - 1] == '\r' && (at == rest_.size() || rest_[at] == '\n')) --at;
    cells_.push_back(rest_.substr(begin, at - begin));
    return true;
  }

  bool read_quoted(std::size_t& at, EventBatch& batch) {
    const std::size_t begin = at + 1;
    bool has_doubled = false;
    std::size_t quote = rest_.find('"', begin);
    while (quote != std::string_view::npos && quote + 1 < rest_.size() && rest_[quote + 1] == '"') {
      has_doubled = true;
      quote = rest_.find('"', quote + 2);
    }
    if (quote == std::string_view::npos) return false;
    at = quote + 1;
    const std::string_view content = rest_.substr(begin, quote - begin);
    cells_.push_back(has_doubled ? batch.keep(undoubled(content)) : content);
    return true;
  }

  static std::string undoubled(std::string_view content) {
    std::string text;
    text.reserve(content.size());
    for (std::size_t i = 0; i < content.size(); ++i) {
      text += content[i];
      if (content[i] == '"') ++i;
    }
    return text;
  }

  std::string_view rest_, row_;
  std::vector<std::string_view> cells_;
};

bool equal_but_for_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == static_cast<unsigned char>(b);
  });
}

std::optional<bool> parse_truth(std::string_view text) {
  if (equal_but_for_case(text, "true")) return true;
  if (equal_but_for_case(text, "false")) return false;
  return std::nullopt;
}

/// What spreadsheets and loggers write where a number failed. It is no text that anybody meant.
bool is_not_a_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  constexpr std::array<std::string_view, 3> names = {"nan", "inf", "infinity"};
  return std::ranges::any_of(names, [&](std::string_view name) { return equal_but_for_case(text, name); });
}

struct Column {
  std::string name;     // of an attribute without the prefix
  bool is_own = false;  // one of the user's own, in `attributes`
};

class CsvBody final : public BodyReader {
 public:
  explicit CsvBody(std::string_view body) : rows_(body) {}

  Result<void> open() override {
    EventBatch strings;
    const RowReader::Row row = rows_.next(strings);
    if (row == RowReader::Row::none)
      return invalid("The body is empty; send a CSV header row and a row an event.");
    if (row == RowReader::Row::broken) return invalid("The quotes of the CSV header row do not match.");
    for (const std::string_view cell : rows_.cells()) columns_.push_back(column_named(trim(cell)));
    find_own_columns();
    return check_columns();
  }

  bool read(EventBatch& batch) override {
    const RowReader::Row row = rows_.next(batch);
    if (row == RowReader::Row::none) return false;
    std::optional<Problem> problem = problem_of_row(row);
    if (!problem) problem = read_event(batch);
    if (problem) {
      reject(batch, index_++, std::move(*problem), rows_.row());
    } else {
      batch.indexes.push_back(index_++);
    }
    return true;
  }

 private:
  static Column column_named(std::string_view name) {
    if (!name.starts_with(kAttributePrefix) || name.size() == kAttributePrefix.size()) return {std::string(name)};
    return {std::string(name.substr(kAttributePrefix.size())), true};
  }

  /// Attributes are written sorted by key, so their columns are sorted once.
  void find_own_columns() {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].is_own) own_columns_.push_back(i);
    }
    std::ranges::sort(own_columns_, {}, [this](std::size_t i) -> const std::string& { return columns_[i].name; });
  }

  Result<void> check_columns() const {
    std::vector<std::string> names;
    for (const Column& column : columns_) names.push_back((column.is_own ? "." : "") + column.name);
    std::ranges::sort(names);
    if (const auto twin = std::ranges::adjacent_find(names); twin != names.end()) {
      return invalid("The CSV header row names the column " + in_quotes(*twin) + " twice.");
    }
    for (const std::string_view needed : {"type", "machine"}) {
      if (std::ranges::binary_search(names, needed)) continue;
      return invalid("The CSV header row must name the columns type and machine; " + in_quotes(needed) +
                     " is missing.");
    }
    return {};
  }

  std::optional<Problem> problem_of_row(RowReader::Row row) const {
    if (row == RowReader::Row::broken) {
      return Problem{
          Rejection::bad_json,
          "The quotes of this row do not match; a cell with quotes, commas or line ends stands in quotes, "
          "and quotes in it are doubled."};
    }
    if (rows_.row().size() > kMaxEventBytes)
      return Problem{Rejection::too_large, "The event is larger than 1 MiB."};
    if (rows_.cells().size() != columns_.size()) {
      return Problem{Rejection::bad_json, "The row has " + std::to_string(rows_.cells().size()) +
                                              " cells, the header row names " + std::to_string(columns_.size()) +
                                              "."};
    }
    if (!simdjson::validate_utf8(rows_.row().data(), rows_.row().size())) {
      return Problem{Rejection::bad_value, "The row is not valid UTF-8."};
    }
    return std::nullopt;
  }

  std::optional<Problem> read_event(EventBatch& batch) {
    EventDraft draft(batch.events.emplace_back());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string_view cell = rows_.cells()[i];
      if (cell.empty() || columns_[i].is_own) continue;
      if (const std::optional<Field> field = draft.name(columns_[i].name)) read_cell(*field, cell, draft, batch);
    }
    read_own_cells(draft, batch);
    std::optional<Problem> problem = draft.judge();
    if (problem) batch.events.pop_back();
    return problem;
  }

  void read_cell(Field field, std::string_view cell, EventDraft& draft, EventBatch& batch) {
    const std::string_view bare = trim(cell);
    switch (kind_of(field)) {
      case FieldKind::id:
        return draft.text(field, cell);
      case FieldKind::integer:
      case FieldKind::energy:
        return read_number(field, bare, draft);
      case FieldKind::truth:
        return read_truth(field, bare, draft);
      case FieldKind::value:
        return read_value(cell, bare, draft);
      case FieldKind::attributes:
        return read_attributes(bare, draft, batch);
      default:
        return draft.text(field, bare);
    }
  }

  static void read_number(Field field, std::string_view bare, EventDraft& draft) {
    const std::optional<Number> number = parse_number(bare);
    number ? draft.number(field, *number) : draft.wrong(field);
  }

  static void read_truth(Field field, std::string_view bare, EventDraft& draft) {
    const std::optional<bool> truth = parse_truth(bare);
    truth ? draft.truth(field, *truth) : draft.wrong(field);
  }

  static void read_value(std::string_view cell, std::string_view bare, EventDraft& draft) {
    if (const std::optional<Number> number = parse_number(bare)) return draft.number(Field::value, *number);
    if (const std::optional<bool> truth = parse_truth(bare)) return draft.truth(Field::value, *truth);
    is_not_a_number(bare) ? draft.wrong(Field::value) : draft.text(Field::value, cell);
  }

  void read_attributes(std::string_view bare, EventDraft& draft, EventBatch& batch) {
    const std::optional<std::string_view> canonical = json_.attributes(bare, batch);
    canonical ? draft.attributes(*canonical) : draft.wrong(Field::attributes);
  }

  void read_own_cells(EventDraft& draft, EventBatch& batch) {
    own_.clear();
    for (const std::size_t i : own_columns_) {
      const std::string_view cell = rows_.cells()[i];
      if (cell.empty()) continue;
      own_ += own_.empty() ? '{' : ',';
      append_json_string(own_, columns_[i].name);
      own_ += ':';
      append_own(cell);
    }
    if (own_.empty()) return;
    own_ += '}';
    if (!draft.name("attributes")) return;
    read_attributes(own_, draft, batch);
  }

  /// Written as JSON first: the one canonical spelling is made in one place.
  void append_own(std::string_view cell) {
    const std::string_view bare = trim(cell);
    if (const std::optional<bool> truth = parse_truth(bare)) {
      own_ += *truth ? "true" : "false";
    } else if (const std::optional<Number> number = parse_number(bare); number && std::isfinite(number->real)) {
      own_ += bare;
    } else {
      append_json_string(own_, cell);
    }
  }

  RowReader rows_;
  std::vector<Column> columns_;
  std::vector<std::size_t> own_columns_;
  std::string own_;  // attributes in the making
  std::size_t index_ = 0;
  JsonEventParser json_;
};

}  // namespace

std::unique_ptr<BodyReader> read_csv(std::string_view body) { return std::make_unique<CsvBody>(body); }

}  // namespace takt
