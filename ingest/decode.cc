#include "ingest/decode.h"

#include "ingest/decode_body.h"

#include <utility>

namespace takt {
namespace {

constexpr std::size_t kKeptRawBytes = std::size_t{64} << 10U;

std::string_view without_byte_order_mark(std::string_view body) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (body.starts_with(mark)) body.remove_prefix(mark.size());
  return body;
}

std::unique_ptr<BodyReader> reader_for(BodyFormat format, std::string_view body) {
  switch (format) {
    case BodyFormat::json:
      return read_json(body);
    case BodyFormat::ndjson:
      return read_ndjson(body);
    case BodyFormat::csv:
      break;
  }
  return read_csv(body);
}

/// Opens the reader at its first read, so that making a Decoder cannot fail.
class OpenOnFirstRead final : public BodyReader {
 public:
  explicit OpenOnFirstRead(std::unique_ptr<BodyReader> reader) : reader_(std::move(reader)) {}
  Result<void> open() override {
    if (std::exchange(opened_, true)) return {};
    return reader_->open();
  }
  bool read(EventBatch& batch) override { return reader_->read(batch); }

 private:
  std::unique_ptr<BodyReader> reader_;
  bool opened_ = false;
};

/// Empties the batch but keeps the memory of its lists, which the next fill needs again.
void clear(EventBatch& batch) {
  EventBatch fresh;
  fresh.events = std::move(batch.events);
  fresh.indexes = std::move(batch.indexes);
  fresh.raw = std::move(batch.raw);
  fresh.rejected = std::move(batch.rejected);
  fresh.events.clear();
  fresh.indexes.clear();
  fresh.raw.clear();
  fresh.rejected.clear();
  batch = std::move(fresh);
}

}  // namespace

Decoder::Decoder(BodyFormat format, std::string_view body)
    : reader_(std::make_unique<OpenOnFirstRead>(reader_for(format, without_byte_order_mark(body)))) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Result<bool> Decoder::next(EventBatch& batch) {
  clear(batch);
  if (const Result<void> opened = reader_->open(); !opened) return opened.error();
  while (batch.size() < kMaxBatchEvents && reader_->read(batch)) {
  }
  return batch.size() > 0;
}

void reject(EventBatch& batch, std::size_t index, Problem problem, std::string_view raw,
            std::string_view machine) {
  batch.rejected.push_back({index, problem.code, std::move(problem.message),
                            std::string(raw.substr(0, kKeptRawBytes)), std::string(machine)});
}

std::string_view trim(std::string_view text, std::string_view blanks) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace takt
