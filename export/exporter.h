// Keeps the export targets up to date while the server runs.
#pragma once

#include "engine/store.h"
#include "query/json_text.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace takt {

/// How one target does.
struct TargetStatus {
  std::string name;   ///< its URL, without a password
  std::string state;  ///< starting, ok or failing
  std::string last_error;
  std::string_view readings;  ///< minutes or raw: what a row of fact_sensor_event is of
  Sequence watermark = 0;     ///< commits up to this one are in the target
  Sequence sequence = 0;      ///< the store's newest
  double lag_s = 0;           ///< how long the target has been behind; 0: it has everything
  std::optional<Timestamp> last_flush;
  double last_flush_duration_s = 0;
  std::uint64_t rows_written = 0, flushes = 0, failures = 0;
};
/// {"targets":[{"name":"sqlite:...","state":"ok",...}]}
void append_json(JsonText& out, const std::vector<TargetStatus>& targets);

struct ExporterOptions {
  /// Between flushes, where a target's URL says nothing else (TargetOptions).
  Duration interval = std::chrono::seconds{2};
  /// A failing target is tried again after the interval, then twice that, up to this.
  Duration longest_pause = std::chrono::seconds{60};
  /// What flushing may still take once the exporter goes; what is not done by then waits for the next start.
  Duration last_flush = std::chrono::seconds{8};
  /// A server that does not answer for so long has its connection cut; the URL may say otherwise.
  Duration stall = std::chrono::seconds{60};
  /// How often trends and statistics of a target are made anew (ExportTarget::tend()).
  Duration tending = std::chrono::minutes{10};
};

/// A thread a target; whatever a target does, ingest, queries and the other targets go on. Any thread may call.
class Exporter {
 public:
  /// Parses the URLs and starts; a target that cannot be opened is failing and tried again. invalid_argument: a
  /// URL. `store` outlives the exporter.
  static Result<std::unique_ptr<Exporter>> open(const Store& store, const std::vector<std::string>& urls,
                                                ExporterOptions options = {});
  /// From now on flushes are given up at `deadline`.
  void finish_by(std::chrono::steady_clock::time_point deadline);
  /// Flushes what is left, as far as finish_by() or else ExporterOptions::last_flush allows, then stops.
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// Returns when every target has had a flush that began after the call.
  void flush_now();
  std::vector<TargetStatus> status() const;

 private:
  struct State;
  explicit Exporter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace takt
