// The promises of tables, whatever file they come from.
#pragma once

#include "ingest/table/table_source.h"
#include "tests/ingest/fuzz_promises.h"
#include "tests/ingest/table/fuzz.h"

#include <array>
#include <memory>
#include <utility>

namespace takt::fuzz {

/// What users say of tables.
inline std::array<TableOptions, 4> all_table_options() {
  std::array<TableOptions, 4> all;
  all[1].columns = {{"ts", "Zeit"}, {"machine", "Maschine"}, {"good", "Gut"}, {"product", "Teil"}};
  all[1].constants = {{"type", "count"}};
  all[1].decimal = ',', all[1].timezone = "Europe/Berlin";
  all[2].columns = {{"ts", "time"}, {"value", "value"}, {"attributes.shift", "shift"}};
  all[2].constants = {{"type", "reading"}, {"machine", "M1"}, {"tag", "a \"b\", c"}};
  all[2].timezone = "America/New_York";
  all[3].constants = {{"machine", "M1"}};
  all[3].delimiter = ';', all[3].header_row = 2;
  return all;
}
inline const TableOptions& table_options(std::size_t choice) {
  static const std::array<TableOptions, 4> kOptions = all_table_options();
  return kOptions.at(choice % kOptions.size());
}

/// Every line of a body is one event of it.
inline Seen table_promises(std::unique_ptr<RowSource> rows, const TableOptions& options) {
  const auto source = open_table(std::move(rows), options);
  if (!source) {
    require(!source.error().context.empty());
    return {0, 0, false};
  }
  Seen seen;
  while (true) {
    const auto body = (*source)->next();
    if (!body) {
      require(body.error().code == ErrorCode::invalid_argument);
      break;
    }
    if (body->lines.empty()) break;
    const Outcome outcome = decoded(BodyFormat::csv, body->text);
    // Whoever names no column may name one twice.
    require(outcome.readable ? outcome.events.size() == body->lines.size() : options.columns.empty());
    const Seen of_body = fuzz::seen(outcome);
    seen.accepted += of_body.accepted, seen.rejected += of_body.rejected;
  }
  seen.rejected += (*source)->unreadable_count();
  require((*source)->unreadable().size() <= ImportSource::kMostUnreadable);
  require((*source)->share() <= 1);
  return seen;
}

}  // namespace takt::fuzz
