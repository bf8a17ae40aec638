// What fetches data by itself: one folder of `ingest` a kind, one line in connectors.cc to register it.
#pragma once

#include "ingest/ingestor.h"
#include "ingest/sources.h"
#include "schema/plant.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace takt {

/// What a connector works with. All of it outlives the connector.
struct ConnectorContext {
  Ingestor& ingestor;
  const Clock& clock;
  std::shared_ptr<const Plant>
      plant;                       ///< as it was when the connector was made; a newer one makes a new connector
  DataSource description;          ///< of the plant's [[source]], or of an option of `takt serve`
  std::shared_ptr<Source> source;  ///< to tell its state and gaps to; events are counted by the ingestor
};

/// A running source. Its destructor returns soon (within a second), whatever the other side does; what was taken
/// in but not answered yet is then not acknowledged.
class Connector {
 public:
  Connector() = default;
  virtual ~Connector() = default;
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
};

/// Starts one; it goes on by itself, reconnecting for ever with pauses that grow to 30 s. invalid_argument: the
/// description asks for what cannot be (a URL of another kind, a file that is missing); it says what to do.
using StartConnector = Result<std::unique_ptr<Connector>> (*)(ConnectorContext);

struct ConnectorKind {
  std::string_view name;  ///< `kind` of [[source]]
  StartConnector start;
};
/// All kinds there are.
const std::vector<ConnectorKind>& connector_kinds();

/// Keeps running what the plant describes, by a thread of its own.
class Connectors {
 public:
  /// `fixed`: sources that options of the command line ask for, beside those of the plant.
  Connectors(Ingestor& ingestor, const Clock& clock, std::vector<DataSource> fixed);
  ~Connectors();

  /// From soon on sources are those of `plant`: what is new starts, what changed starts again, what is gone stops.
  /// One that cannot start is `failed` in GET /v1/sources and says why; the others run. Any thread; does not wait.
  void follow(std::shared_ptr<const Plant> plant);
  /// Stops all of them and waits for it.
  void stop();

 private:
  struct Running;
  void run();
  void change_to(const std::shared_ptr<const Plant>& plant);
  void start(const DataSource& description, const std::shared_ptr<const Plant>& plant);

  Ingestor& ingestor_;  // borrowed
  const Clock& clock_;  // borrowed
  std::vector<DataSource> fixed_;
  std::map<std::string, std::unique_ptr<Running>> running_;  // the thread's

  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const Plant> next_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace takt
