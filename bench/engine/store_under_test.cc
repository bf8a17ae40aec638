#include "bench/engine/store_under_test.h"

#include "bench/engine/parts.h"
#include "bench/need.h"

#include <fmt/format.h>

namespace takt::bench {
namespace {

const FixedClock& workload_clock() {
  static const FixedClock clock{from_micros(kReadingsBegin) + std::chrono::days{30}};
  return clock;
}

std::unique_ptr<Store> open_store(const std::filesystem::path& folder, const Clock& clock,
                                  SealingOptions sealing) {
  StoreOptions options;
  options.clock = &clock;
  options.sealing = sealing;
  options.queue_events = 1'000'000;
  return need(Store::open(folder, options));
}

/// The reasons of E by their numbers.
ReasonCategory category_of(int reason) {
  if (reason < 20) return ReasonCategory::operator_;
  if (reason < 40) return ReasonCategory::failure;
  return reason < 50 ? ReasonCategory::setup : ReasonCategory::planned;
}

}  // namespace

std::string machine_name(std::uint32_t machine) { return "M" + std::to_string(machine); }
std::string tag_name(std::uint16_t tag) { return "t" + std::to_string(tag); }

Plant workload_plant(std::uint32_t machines) {
  Plant plant;
  plant.id = plant.name = "P";
  plant.timezone = "UTC";
  for (std::uint32_t m = 1; m <= machines; ++m) {
    Machine& machine = plant.machines.emplace_back();
    machine.id = machine.name = machine_name(m);
    machine.ideal_cycle = std::chrono::seconds{30};
  }
  for (int number = 10; number <= 50; ++number) {
    Reason& reason = plant.reasons.emplace_back();
    reason.code = reason.name = "R" + std::to_string(number);
    reason.category = category_of(number);
  }
  return plant;
}

// ---------------------------------------- the store

StoreUnderTest::StoreUnderTest(std::filesystem::path folder, std::uint32_t machines, SealingOptions sealing,
                               Afterwards afterwards)
    : folder_(std::move(folder)),
      afterwards_(afterwards),
      clock_(workload_clock()),
      store_(open_store(folder_, clock_, sealing)) {
  need(store_->set_plant(workload_plant(machines), std::nullopt, false));
  for (std::uint32_t m = 1; m <= machines; ++m) {
    for (std::uint16_t t = 1; t <= kWorkloadTags; ++t) {
      series_.push_back(need(store_->series(machine_name(m), tag_name(t))));
    }
  }
}

StoreUnderTest::~StoreUnderTest() {
  store_.reset();
  if (afterwards_ == Afterwards::removed) std::filesystem::remove_all(folder_);
}

std::unique_ptr<Store> open_again(const std::filesystem::path& folder) {
  return open_store(folder, workload_clock(), {});
}

void StoreUnderTest::append(ReadingBlock& block, const WorkloadReading& r) const {
  block.series.push_back(series(r));
  block.at.push_back(r.at);
  block.number.push_back(r.value);
  block.quality.push_back(r.quality);
}

std::vector<ReadingBlock> StoreUnderTest::blocks(const std::vector<WorkloadReading>& rows,
                                                 std::size_t rows_a_block) const {
  std::vector<ReadingBlock> blocks;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % rows_a_block == 0) blocks.emplace_back();
    append(blocks.back(), rows[i]);
  }
  return blocks;
}

void StoreUnderTest::settle() {
  need(store_->seal());
  while (need(store_->fold())) continue;
  need(store_->compact());
}

void StoreUnderTest::reopen() {
  store_.reset();
  store_ = open_store(folder_, clock_, {});
}

double StoreUnderTest::bytes() const {
  double sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder_}) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name != "LOG" && !name.starts_with("LOG.old"))
      sum += static_cast<double>(entry.file_size());
  }
  return sum;
}

// ---------------------------------------- sending

void Sender::send(ReadingBlock block) {
  take_place();
  need_that(store_.submit(std::move(block), answer()), "the queue is full");
}
void Sender::send(EventBatch batch) {
  take_place();
  need_that(store_.submit(std::move(batch), "bench", answer()), "the queue is full");
}

void Sender::take_place() {
  std::unique_lock lock{mutex_};
  answered_.wait(lock, [&] { return open_ < in_flight_; });
  ++open_;
}

Store::Done Sender::answer() {
  return [this, sent = SteadyClock::now()](const Result<Receipt>& receipt) {
    const std::lock_guard lock{mutex_};
    milliseconds_.push_back(seconds_since(sent) * 1e3);
    failed_ += receipt ? 0 : 1;
    --open_;
    answered_.notify_one();
  };
}

void Sender::finish() {
  std::unique_lock lock{mutex_};
  answered_.wait(lock, [&] { return open_ == 0; });
  need_that(failed_ == 0, "what was sent was not taken in");
}

double send_all(Store& store, std::vector<ReadingBlock> blocks, std::size_t in_flight,
                std::vector<double>* milliseconds) {
  const auto begun = SteadyClock::now();
  Sender sender{store, in_flight};
  for (ReadingBlock& block : blocks) sender.send(std::move(block));
  sender.finish();
  const double seconds = seconds_since(begun);
  if (milliseconds != nullptr) {
    milliseconds->insert(milliseconds->end(), sender.milliseconds().begin(), sender.milliseconds().end());
  }
  return seconds;
}

}  // namespace takt::bench
