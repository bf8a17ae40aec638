// The golden shifts: however the events come in, the answers are those worked out by hand. The oracle's are, too.
#include "tests/figures/engine_answers.h"
#include "tests/figures/temporary_store.h"
#include "tests/golden/golden_shift.h"
#include "tests/oracle/oracle.h"

#include <algorithm>
#include <cstdlib>
#include <random>

namespace takt {
namespace {

using golden::Json;
using golden::Question;

std::string scope_of(const Question& question) {
  const auto scope = question.parameters.find("scope");
  return scope == question.parameters.end() ? "plant" : scope->second;
}

class EngineOf {
 public:
  explicit EngineOf(const golden::Shift& shift) : shift_(shift), temporary_(shift.now) {
    describe(shift.plants.front());
  }

  /// What is valid only from some moment on.
  void describe_changes() {
    for (std::size_t i = 1; i < shift_.plants.size(); ++i) describe(shift_.plants[i]);
  }
  void send(const std::vector<Json>& events) {
    temporary_.send(events);
    expect_sums_of_the_events();
  }
  void send_as_written() {
    Ingestor ingestor{*temporary_.store};
    for (const golden::EventTable& table : shift_.tables) {
      const auto answer =
          ingestor.accept(table.csv ? BodyFormat::csv : BodyFormat::ndjson, table.body, shift_.file);
      ASSERT_TRUE(answer) << answer.error().context;
      for (const RejectedEvent& rejected : answer->rejects) ADD_FAILURE() << rejected.message;
    }
  }
  void restart() { temporary_.reopen(); }

  void expect_answers() const {
    golden::expect_answers(shift_, [&](const Question& question) { return ask(question); });
  }

 private:
  void describe(const golden::Description& description) {
    const auto plant = parse_plant_toml(description.toml, shift_.file);
    ASSERT_TRUE(plant) << plant.error().context;
    const auto changed = temporary_.store->set_plant(*plant, description.valid_from, false);
    EXPECT_TRUE(changed) << changed.error().context;
  }
  Json ask(const Question& question) const {
    const Store& store = *temporary_.store;
    const std::string scope = scope_of(question);
    const TimeRange range = question.range();
    if (question.kind == "oee")
      return engine_oee(store, scope, range, question.parameters.at("grain"), shift_.now);
    if (question.kind == "timeline")
      return engine_timeline(store, question.parameters.at("machine"), range, shift_.now);
    if (question.kind == "losses") return engine_losses(store, scope, range, shift_.now);
    return engine_pareto(store, scope, range, question.parameters.at("by"), shift_.now);
  }
  void expect_sums_of_the_events() const {
    const StoreView view = temporary_.store->read();
    for (const Machine& machine : view.master().latest().plant().machines) {
      const auto wrong = view.machine(machine.id)->check();
      EXPECT_FALSE(wrong) << machine.id << ": " << *wrong;
    }
  }

  const golden::Shift& shift_;
  TemporaryStore temporary_;
};

/// Each event up to three times, in any order.
std::vector<Json> shuffled_with_repetitions(const std::vector<Json>& events, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  std::vector<Json> sent;
  for (const Json& event : events) sent.insert(sent.end(), 1 + random() % 3, event);
  std::shuffle(sent.begin(), sent.end(), random);
  return sent;
}

class GoldenShift : public testing::TestWithParam<std::filesystem::path> {
 protected:
  const golden::Shift shift_ = golden::read_shift(GetParam());
};

TEST_P(GoldenShift, HasItsAnswersHoweverItsEventsCome) {
  {
    SCOPED_TRACE("as written, " + shift_.title);
    EngineOf engine{shift_};
    engine.describe_changes();
    engine.send_as_written();
    engine.expect_answers();
  }
  {
    SCOPED_TRACE("one by one");
    EngineOf engine{shift_};
    for (const Json& event : shift_.events) engine.send({event});
    engine.describe_changes();
    engine.expect_answers();
  }
  const std::uint64_t seeds = std::getenv("TAKT_SOAK") != nullptr ? 20 : 1;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("shuffled with repetitions, a restart in the middle, seed " + std::to_string(seed));
    const std::vector<Json> sent = shuffled_with_repetitions(shift_.events, seed);
    EngineOf engine{shift_};
    for (std::size_t at = 0; at < sent.size(); at += 4) {
      if (at / 4 == sent.size() / 8) {
        engine.describe_changes();
        engine.restart();
      }
      engine.send({sent.begin() + static_cast<std::ptrdiff_t>(at),
                   sent.begin() + static_cast<std::ptrdiff_t>(std::min(at + 4, sent.size()))});
    }
    engine.expect_answers();
    engine.restart();
    engine.expect_answers();
  }
}

TEST_P(GoldenShift, HasTheAnswersOfTheOracle) {
  std::optional<oracle::Descriptions> descriptions;
  for (const auto& [valid_from, toml] : shift_.plants) {
    const auto plant = parse_plant_toml(toml, shift_.file);
    ASSERT_TRUE(plant) << plant.error().context;
    if (!descriptions)
      descriptions.emplace(*plant);
    else
      descriptions->put(*plant, valid_from);
  }
  const Oracle oracle{*descriptions, shift_.events, shift_.now};
  golden::expect_answers(shift_, [&](const Question& question) -> Json {
    const std::string scope = scope_of(question);
    const TimeRange range = question.range();
    if (question.kind == "oee") return {{"buckets", oracle.oee(scope, range, question.parameters.at("grain"))}};
    if (question.kind == "timeline")
      return {{"intervals", oracle.timeline(question.parameters.at("machine"), range)}};
    if (question.kind == "losses") return oracle.losses(scope, range);
    return oracle.pareto(scope, range, question.parameters.at("by"));
  });
}

INSTANTIATE_TEST_SUITE_P(OfFile, GoldenShift, testing::ValuesIn(golden::shift_files()),
                         [](const auto& file) { return file.param.stem().string(); });

}  // namespace
}  // namespace takt
