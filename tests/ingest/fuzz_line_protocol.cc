// Line protocol under bytes from a stranger. The first byte chooses precision and default machine.
#include "ingest/line_protocol.h"
#include "tests/ingest/fuzz_promises.h"

#include <algorithm>
#include <map>

namespace takt::fuzz {
namespace {

/// What became of a line: its events as canonical JSON, and why what is no event is none.
struct LineOutcome {
  std::vector<std::string> taken, refused;
  friend bool operator==(const LineOutcome&, const LineOutcome&) = default;
};
using Lines = std::map<std::size_t, LineOutcome>;

Lines read(std::string_view body, const LineOptions& options) {
  const std::vector<char> exact(body.begin(), body.end());
  LineDecoder decoder({exact.data(), exact.size()}, options);
  Lines lines;
  for (EventBatch batch; decoder.next(batch); batch = {}) {
    require(batch.size() > 0 && batch.events.size() == batch.indexes.size());
    for (std::size_t i = 0; i < batch.events.size(); ++i)
      lines[batch.indexes[i]].taken.push_back(written_and_read(batch.events[i]));
    for (const RejectedEvent& refused : batch.rejected) {
      check_refusal(refused);
      lines[refused.index].refused.push_back(std::string{name_of(refused.code)} + refused.message);
    }
  }
  return lines;
}

/// As many events and refusals as the line has fields, or one for all of it; none of a blank line, a comment or a
/// statement of `influx_inspect export`.
void check_number(const LineOutcome& outcome, std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  const std::string_view text = first == std::string_view::npos ? std::string_view{} : line.substr(first);
  const bool is_statement = text.starts_with("CREATE DATABASE ") || text.starts_with("CREATE RETENTION POLICY ");
  const bool has_content =
      text.find_first_not_of('\r') != std::string_view::npos && text.front() != '#' && !is_statement;
  const std::size_t number = outcome.taken.size() + outcome.refused.size();
  require((number > 0) == has_content);
  require(number <= 1 || number <= static_cast<std::size_t>(std::count(line.begin(), line.end(), '=')));
}

}  // namespace

/// A line means the same whatever stands before and behind it.
Seen line_protocol(std::string_view data) {
  if (data.empty()) return {};
  const auto choice = static_cast<unsigned char>(data.front());
  const LineOptions options{static_cast<LinePrecision>(choice % 6), from_micros(1'700'000'000'000'000),
                            choice / 8 % 2 == 0 ? "" : "M9"};
  data.remove_prefix(1);
  Lines whole = read(data, options);
  Seen seen;
  std::size_t number = 0;
  while (!data.empty()) {
    const std::string_view line = data.substr(0, data.find('\n'));
    data.remove_prefix(std::min(line.size() + 1, data.size()));
    const LineOutcome outcome = whole[++number];
    check_number(outcome, line);
    require(read(line, options)[1] == outcome);
    seen.accepted += outcome.taken.size(), seen.rejected += outcome.refused.size();
  }
  require(whole.size() == number);
  return seen;
}

}  // namespace takt::fuzz
