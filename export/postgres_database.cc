#include "export/postgres_database.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/json/parse.hpp>
#include <charconv>
#include <map>
#include <optional>
#include <pqxx/pqxx>
#include <set>

#include "export/canonical_json.h"
#include "schema/time.h"

namespace takt {
namespace {

/// Up to so many rows one INSERT is faster than COPY and an INSERT from there.
constexpr std::size_t kRowsOfAnInsert = 16;

/// Statements that the server keeps for us: there are some dozens, and a few lengths of INSERT each.
constexpr std::size_t kMostPrepared = 500;

/// The types of columns that come back other than as their text, as pg_type numbers them.
enum class Oid : unsigned {
  boolean = 16,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  float4 = 700,
  float8 = 701,
  timestamptz = 1184,
  numeric = 1700,
  jsonb = 3802
};

/// Settings that the URL may override: a server that has gone is found out.
constexpr std::string_view kDefaults =
    "application_name=takt&connect_timeout=3&keepalives_idle=10&keepalives_interval=5&keepalives_count=3&"
    "tcp_user_timeout=20000";
constexpr const char* kSession =
    "SET TIME ZONE 'UTC'; SET DateStyle TO 'ISO, YMD'; SET client_encoding TO 'UTF8'; SET extra_float_digits TO "
    "1; "
    "SET client_min_messages TO warning; SET lock_timeout TO '2s'; SET standard_conforming_strings TO on";

std::string with_defaults(const std::string& url) {
  const std::size_t options = url.find('?');
  const bool has_path = url.find('/', url.find("://") + 3) < options;
  return fmt::format("{}{}?{}{}", url.substr(0, options), has_path ? "" : "/", kDefaults,
                     options == std::string::npos ? "" : '&' + url.substr(options + 1));
}

/// One line without a tail of blanks, as errors are told.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

/// Locks, cancelled statements, shortage, shutdown, lost connections: classes and codes of SQLSTATE that pass.
bool will_pass(std::string_view sqlstate) {
  for (const std::string_view passing : {"08", "40", "53", "55", "57", "58"}) {
    if (sqlstate.starts_with(passing)) return true;
  }
  return false;
}

/// `?` becomes $1, $2 ... Our statements hold none in texts.
std::string numbered(std::string_view sql) {
  std::string out;
  int number = 0;
  for (const char c : sql) c == '?' ? out += fmt::format("${}", ++number) : out += c;
  return out;
}

/// As PostgreSQL reads it; none for NULL.
std::optional<std::string> text_of(const SqlValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value))
    return fmt::format("{}", *number);  // the shortest that is exact
  if (const auto* words = std::get_if<std::string>(&value)) return *words;
  return std::nullopt;
}

/// A row in the text format of COPY.
class CopyLine {
 public:
  explicit CopyLine(const SqlRow& row) {
    for (const SqlValue& value : row) {
      if (&value != row.data()) text_ += '\t';
      const auto text = text_of(value);
      text ? add_escaped(*text) : static_cast<void>(text_ += "\\N");
    }
  }

 private:
  void add_escaped(std::string_view text) {
    for (const char c : text) {
      if (c == '\\')
        text_ += "\\\\";
      else if (c == '\n')
        text_ += "\\n";
      else if (c == '\r')
        text_ += "\\r";
      else if (c == '\t')
        text_ += "\\t";
      else
        text_ += c;
    }
  }
  /// pqxx::stream_to makes the line of what it is given by this name; its own takes tuples alone, whose size the
  /// compiler knows.
  template <class Escaper>
  friend std::string separated_list(const char*, const CopyLine& line, const Escaper&) {
    return line.text_;
  }

  std::string text_;
};

/// 2026-01-05 06:00:00.5+00 as format_time() writes it.
SqlValue moment(std::string text) {
  std::replace(text.begin(), text.end(), ' ', 'T');
  if (text.ends_with("+00")) text.replace(text.size() - 3, 3, "Z");
  const auto time = parse_time(text);
  return time ? format_time(*time) : text;
}

template <class Number>
SqlValue number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return value;
  return std::string{text};
}

SqlValue value_of(const pqxx::field& field) {
  if (field.is_null()) return {};
  const std::string text{field.c_str(), field.size()};
  switch (static_cast<Oid>(field.type())) {
    case Oid::boolean:
      return std::int64_t{text == "t" ? 1 : 0};
    case Oid::int2:
    case Oid::int4:
    case Oid::int8:
      return number_of<std::int64_t>(text);
    case Oid::float4:
    case Oid::float8:
      return number_of<double>(text);
    case Oid::numeric:  // such as a sum of integers
      return text.find_first_of(".eN") == std::string::npos ? number_of<std::int64_t>(text)
                                                            : number_of<double>(text);
    case Oid::timestamptz:
      return moment(text);
    case Oid::jsonb: {
      boost::system::error_code error;
      const boost::json::value value = boost::json::parse(text, error);
      return error ? text : canonical_json(value);
    }
  }
  return text;
}

}  // namespace

struct PostgresDatabase::State {
  std::string name;  // the URL without its password
  std::unique_ptr<pqxx::connection> connection;
  std::unique_ptr<pqxx::nontransaction> session;
  bool transaction = false;
  std::map<std::string, std::string, std::less<>> prepared;  // names of statements by their text
  std::map<std::string, bool> rules_for_rows;                // for this role, by table
  std::set<std::chrono::year_month> months_made;  // of fact_sensor_event: there for certain in this transaction
  std::atomic<int> socket{-1};
  std::atomic<bool> cut{false};  // by interrupt()

  ~State() {
    socket = -1;
    session.reset();
  }

  /// What `work` answers, with libpqxx's exceptions as errors.
  template <class Work>
  auto attempt(const Work& work) -> Result<decltype(work())> {
    const auto error = [&](ErrorCode code, std::string_view why) {
      return Error{code, fmt::format("{}: {}", name, one_line(why))};
    };
    try {
      return work();
    } catch (const pqxx::sql_error& e) {
      return error(will_pass(e.sqlstate()) ? ErrorCode::unavailable : ErrorCode::io, e.what());
    } catch (const pqxx::broken_connection& e) {
      return error(ErrorCode::unavailable,
                   cut ? "the server did not go on, so that the connection was cut" : e.what());
    } catch (const std::exception& e) {
      if (cut) return error(ErrorCode::unavailable, "the server did not go on, so that the connection was cut");
      const bool lost = connection && !connection->is_open();
      return error(lost ? ErrorCode::unavailable : ErrorCode::io, e.what());
    }
  }

  pqxx::result run(std::string_view sql, const std::vector<SqlValue>& values) {
    std::vector<std::optional<std::string>> texts;
    for (const SqlValue& value : values) texts.push_back(text_of(value));
    std::vector<const char*> pointers;  // null: NULL
    for (const auto& text : texts) pointers.push_back(text ? text->c_str() : nullptr);
    const auto params = pqxx::prepare::make_dynamic_params(pointers);
    const auto found = prepared.find(sql);
    if (found != prepared.end()) return session->exec_prepared(found->second, params);
    if (prepared.size() == kMostPrepared) forget_prepared();
    const std::string statement_name = fmt::format("s{}", prepared.size());
    connection->prepare(statement_name, numbered(sql));
    prepared.emplace(sql, statement_name);
    return session->exec_prepared(statement_name, params);
  }

  bool has_rules_for_rows(const std::string& table) {
    const auto known = rules_for_rows.find(table);
    if (known != rules_for_rows.end()) return known->second;
    const bool has = session->exec_params1("SELECT row_security_active($1)", table)[0].as<bool>();
    return rules_for_rows.emplace(table, has).first->second;
  }

  /// Their tables may be others from now on.
  void forget_prepared() {
    for (const auto& [sql, statement_name] : prepared) connection->unprepare(statement_name);
    prepared.clear();
  }

  /// Makes the partitions that the rows need, and the next month's, if they are not there.
  void make_months(const Table& table, const std::vector<const SqlRow*>& rows) {
    if (table.by_month.empty()) return;
    const std::size_t at = table.at(table.by_month);
    std::set<std::chrono::year_month> months;
    for (const SqlRow* row : rows) {
      const auto moment = parse_time(std::get<std::string>((*row)[at]));
      TAKT_INVARIANT(moment.has_value());
      const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(*moment)};
      const auto month = day.year() / day.month();
      months.insert({month, month + std::chrono::months{1}});
    }
    for (const std::chrono::year_month month : months) {
      if (!months_made.insert(month).second) continue;
      session->exec(
          fmt::format("SELECT takt_make_month('{:04}-{:02}-01')", int{month.year()}, unsigned{month.month()}));
    }
  }

  void copy(const std::string& into, const Table& table, const std::vector<const SqlRow*>& rows) {
    std::vector<std::string> columns;
    for (const std::string_view column : table.columns) columns.push_back(fmt::format("\"{}\"", column));
    pqxx::stream_to stream{*session, into, columns};
    for (const SqlRow* row : rows) stream << CopyLine{*row};
    stream.complete();
  }
};

PostgresDatabase::PostgresDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
PostgresDatabase::~PostgresDatabase() = default;

Result<std::unique_ptr<PostgresDatabase>> PostgresDatabase::open(const PostgresUrl& url) {
  auto state = std::make_unique<State>();
  state->name = shown(url);
  const auto encoding = state->attempt([&] {
    state->connection = std::make_unique<pqxx::connection>(with_defaults(url.connection));
    // A connection that came back by itself would have lost its transaction and its settings; version 7 has none
    // of it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    state->connection->inhibit_reactivation(true);
#pragma GCC diagnostic pop
    state->session = std::make_unique<pqxx::nontransaction>(*state->connection);
    state->session->exec(kSession);
    state->socket = state->connection->sock();
    return state->session->exec1("SHOW server_encoding")[0].as<std::string>();
  });
  if (!encoding) {
    // libpq's words on a URL that it cannot read quote it.
    if (encoding.error().context.find("URI") == std::string::npos) return encoding.error();
    return invalid(state->name + ": not a URL of a database that libpq understands");
  }
  if (*encoding != "UTF8") {
    return invalid(
        fmt::format("{}: the database's encoding is {}; Takt needs one with UTF8", state->name, *encoding));
  }
  return std::unique_ptr<PostgresDatabase>{new PostgresDatabase{std::move(state)}};
}

Result<bool> PostgresDatabase::has_table(std::string_view name) {
  const auto found =
      query("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?", {std::string{name}});
  if (!found) return found.error();
  return !found->empty();
}

Result<std::optional<std::string>> PostgresDatabase::foreign_table() {
  const auto found = query(
      "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN "
      "('r', 'p', "
      "'v', 'm', 'f') AND (relname ~ '^(takt|dim|fact|oee_rollup)_' OR relname IN ('ontology_term', 'audit_log')) "
      "ORDER BY relname LIMIT 1",
      {});
  if (!found) return found.error();
  if (found->empty()) return std::optional<std::string>{};
  return std::optional{std::get<std::string>(found->front()[0])};
}

Result<void> PostgresDatabase::begin() {
  const auto begun = state_->attempt([&] {
    state_->months_made.clear();
    state_->session->exec("BEGIN");
    state_->transaction = true;
    state_->session->exec("SELECT pg_advisory_xact_lock(hashtext('takt'), hashtext(current_schema()))");
    return true;
  });
  if (begun) return {};
  // If even this fails, the connection is lost, and the transaction with it.
  if (const auto undone = execute("ROLLBACK", {}); !undone) state_->transaction = false;
  return begun.error();
}

Result<void> PostgresDatabase::run_script(std::string_view sql) {
  const auto done = state_->attempt([&] {
    state_->forget_prepared();
    return state_->session->exec(std::string{sql}).empty();
  });
  if (!done) return done.error();
  return {};
}

Result<std::size_t> PostgresDatabase::execute(std::string_view sql, const std::vector<SqlValue>& values) {
  const auto done = state_->attempt([&] { return std::size_t{state_->run(sql, values).affected_rows()}; });
  if (done && (sql == "COMMIT" || sql == "ROLLBACK")) state_->transaction = false;
  return done;
}

Result<std::vector<SqlRow>> PostgresDatabase::query(std::string_view sql, const std::vector<SqlValue>& values) {
  return state_->attempt([&] {
    std::vector<SqlRow> rows;
    for (const pqxx::row& found : state_->run(sql, values)) {
      SqlRow& row = rows.emplace_back();
      for (const pqxx::field& field : found) row.push_back(value_of(field));
    }
    return rows;
  });
}

Result<void> PostgresDatabase::upsert(const Table& table, const std::vector<const SqlRow*>& rows) {
  if (rows.empty()) return {};
  const auto done = state_->attempt([&] {
    state_->make_months(table, rows);
    if (rows.size() <= kRowsOfAnInsert) {
      std::string lists, marks;
      for (std::size_t i = 0; i < table.columns.size(); ++i) marks += i == 0 ? "?" : ", ?";
      std::vector<SqlValue> values;
      for (const SqlRow* row : rows) {
        lists += fmt::format("{}({})", lists.empty() ? "VALUES " : ", ", marks);
        values.insert(values.end(), row->begin(), row->end());
      }
      return state_->run(upsert_from(table, lists), values).empty();
    }
    const std::string staging = fmt::format("staged_{}", table.name),
                      columns = column_list(table, table.columns.size());
    state_->session->exec(
        fmt::format("CREATE TEMP TABLE IF NOT EXISTS {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA", staging,
                    columns, table.name));
    state_->copy(staging, table, rows);
    state_->session->exec(upsert_from(table, fmt::format("SELECT {} FROM {}", columns, staging)));
    state_->session->exec(fmt::format("TRUNCATE {}", staging));
    return true;
  });
  if (!done) return done.error();
  return {};
}

Result<void> PostgresDatabase::insert(const Table& table, const std::vector<const SqlRow*>& rows) {
  if (rows.size() <= kRowsOfAnInsert) return upsert(table, rows);
  // A role that the rules for rows hold for may not COPY.
  const auto limited = state_->attempt([&] { return state_->has_rules_for_rows(std::string{table.name}); });
  if (!limited) return limited.error();
  if (*limited) return upsert(table, rows);
  const auto done = state_->attempt([&] {
    state_->make_months(table, rows);
    return state_->copy(std::string{table.name}, table, rows), true;
  });
  if (!done) return done.error();
  return {};
}

Result<void> PostgresDatabase::remove_months(const Table&, Timestamp month) {
  const auto done = query("SELECT takt_drop_months(?::timestamptz)", {format_time(month)});
  if (!done) return done.error();
  state_->months_made.clear();
  return {};
}

Result<void> PostgresDatabase::tend() {
  const auto done = query("SELECT takt_tend()", {});
  if (!done) return done.error();
  return {};
}

bool PostgresDatabase::in_transaction() const { return state_->transaction; }

void PostgresDatabase::make_storable(SqlValue& value) const {
  auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return;
  for (std::size_t at = text->find('\0'); at != std::string::npos; at = text->find('\0', at))
    text->replace(at, 1, "\xEF\xBF\xBD");
}

void PostgresDatabase::interrupt() {
  // The thread in libpq sees the connection end; the descriptor stays its own.
  state_->cut = true;
  if (const int socket = state_->socket; socket >= 0) ::shutdown(socket, SHUT_RDWR);
}

}  // namespace takt
