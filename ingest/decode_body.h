// What the formats have in common: a body is read event by event into a batch. Internal to the decoders.
#pragma once

#include "ingest/decode_draft.h"
#include "schema/event.h"

#include <cstddef>
#include <memory>
#include <string_view>

namespace takt {

/// One body in one format; made for one Decoder.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// Checks what makes the whole body unreadable. Called once, before read().
  virtual Result<void> open() = 0;
  /// Adds the next event to `batch`, accepted or rejected; false: there are no more.
  virtual bool read(EventBatch& batch) = 0;
};

std::unique_ptr<BodyReader> read_json(std::string_view body);
std::unique_ptr<BodyReader> read_ndjson(std::string_view body);
std::unique_ptr<BodyReader> read_csv(std::string_view body);

/// Adds a refusal to the batch with what was received, cut to what the quarantine keeps.
void reject(EventBatch& batch, std::size_t index, Problem problem, std::string_view raw,
            std::string_view machine = {});

inline constexpr std::string_view kBlanks = " \t\r\n";
std::string_view trim(std::string_view text, std::string_view blanks = kBlanks);

}  // namespace takt
