#include "ingest/tcp/batch_body.h"

#include <future>

#include "ingest/tcp/batch_reader.h"
#include "schema/wire_generated.h"

namespace takt {
namespace {

constexpr std::size_t kMostTables = 4'000'000;

/// The tags of the batch's readings by number, as far as the store can name them.
Result<std::vector<WireTag>> tags_of(const wire::Batch& batch, Ingestor& ingestor, const Permit* permit) {
  std::vector<WireTag> tags;
  if (batch.readings() == nullptr || batch.readings()->series() == nullptr) return tags;
  for (const wire::Series* series : *batch.readings()->series()) tags.push_back(tag_of(*series));
  if (const auto named = name_tags(tags, 0, ingestor, permit); !named) return named.error();
  return tags;
}

}  // namespace

Result<IngestAnswer> accept_batch(Ingestor& ingestor, std::string_view body, const Sender& sender) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(body.data());
  flatbuffers::Verifier verifier{data, body.size(), /*max_depth=*/16, kMostTables};
  if (!verifier.VerifyBuffer<wire::Batch>(nullptr))
    return invalid("this is no Batch of schema/wire.fbs: its structure is wrong");
  const auto& batch = *flatbuffers::GetRoot<wire::Batch>(data);
  const auto tags = tags_of(batch, ingestor, sender.permit.get());
  if (!tags) return tags.error();
  const auto [oldest, latest] = ingestor.reading_times();
  BatchReader reader;
  if (const auto read = reader.add(batch, *tags, {oldest, latest}); !read) return read.error();
  const auto from = ingestor.sources().get(sender.name, "http");
  Delivery delivery{std::move(reader.events), std::move(reader.readings), sender.name, {}};
  auto judged = ingestor.check(delivery, *from, sender.permit.get());
  if (!judged) return judged.error();
  std::promise<Result<IngestAnswer>> promise;
  const bool queued = ingestor.submit(delivery, from, std::make_shared<IngestAnswer>(std::move(*judged)),
                                      [&](Result<IngestAnswer> answer) { promise.set_value(std::move(answer)); });
  if (!queued) return unavailable("overload: more events are waiting than can be taken in; try again in a second");
  return promise.get_future().get();
}

}  // namespace takt
