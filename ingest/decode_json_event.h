// One event of JSON text. Internal to the decoders.
#pragma once

#include "schema/event.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace takt {

/// Parses events one at a time and keeps its memory from one to the next.
class JsonEventParser {
 public:
  JsonEventParser();
  ~JsonEventParser();
  JsonEventParser(const JsonEventParser&) = delete;
  JsonEventParser& operator=(const JsonEventParser&) = delete;

  /// Adds the event in `text`, accepted or rejected, to `batch`. `readable_bytes` from the start of `text` may be
  /// read (the rest of the body): the parser looks ahead, and copies only what ends too close to the body's end.
  void decode(std::string_view text, std::size_t readable_bytes, std::size_t index, EventBatch& batch);

  /// The canonical spelling of an object in `text` (CSV's column `attributes`), kept in `batch`; nothing if it is
  /// none.
  std::optional<std::string_view> attributes(std::string_view text, EventBatch& batch);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace takt
