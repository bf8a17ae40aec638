// What was answered at some moment is answered again whenever it is asked of that moment, byte for byte: after
// corrections, withdrawals, other descriptions, restarts, sealing and compaction.
#include "query/as_of.h"

#include "query/explain.h"
#include "query/render.h"
#include "tests/figures/temporary_store.h"
#include "tests/oracle/random_history.h"

#include <algorithm>
#include <cstdlib>
#include <random>

namespace takt {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kTick{1};

Timestamp time_of(const json& event) {
  const json& at = event.contains("ts") ? event["ts"] : event["start"];
  return at.is_number() ? from_micros(at.get<std::int64_t>()) : *parse_time(at.get<std::string>());
}

std::string text_of(const Error& error) { return error.context; }

/// Everything that the API tells of a range, as it does.
std::string answers(const StoreView& view, const Plant& plant, TimeRange range, Timestamp now) {
  std::string all;
  const auto add = [&](const auto& found, auto render) {
    all += (found ? render(*found) : text_of(found.error())) + '\n';
  };
  OeeRequest request;
  request.range = range;
  for (const bool whole : {false, true}) {
    for (const Grain grain : {Grain::hour, Grain::shift, Grain::day, Grain::week, Grain::total}) {
      request.grain = grain, request.whole = whole;
      for (const GroupBy group : {GroupBy::none, GroupBy::machine, GroupBy::line}) {
        request.group = group;
        add(oee(view, request, now), [&](const auto& series) { return render_oee(request, series); });
      }
    }
  }
  add(elements(view, {}, range, now), [&](const Elements& sum) {
    return render_losses(losses_of(sum, policies_of(view.master().latest().plant())));
  });
  add(downtime_pareto(view, {}, range, ParetoBy::reason, now),
      [&](const Pareto& pareto) { return render_pareto(pareto); });
  add(explain(view, {}, range, now), [&](const Explanation& e) { return render_explanation(e); });
  for (const Machine& machine : plant.machines) {
    const MachineRecord* record = view.machine(machine.id);
    if (record != nullptr) all += render_timeline(machine.id, timeline(view, record->id(), range, now)) + '\n';
  }
  return all;
}

std::string answers_as_of(const Store& store, Timestamp then, const Plant& plant, TimeRange range) {
  const auto view = view_as_of(store, then, {}, range);
  return view ? answers(*view, plant, range, then) : text_of(view.error());
}

Plant other_plant(const RandomHistory& history, std::mt19937_64& random) {
  Plant plant = history.plant;
  for (Machine& machine : plant.machines) {
    if (random() % 2 == 0) machine.minor_stop += seconds{97};
    if (random() % 2 == 0) machine.ideal_cycle = std::chrono::milliseconds{700 + random() % 7};
    if (random() % 3 == 0) machine.silence_timeout = minutes{random() % 90};
  }
  if (random() % 2 == 0) plant.ideal_cycles.clear();
  if (random() % 2 == 0) plant.shifts.clear();
  if (random() % 3 == 0) plant.unknown_time = UnknownTimePolicy::stop;
  if (random() % 3 == 0) plant.minor_stops = MinorStopPolicy::performance;
  if (random() % 4 == 0) plant.machines.pop_back();  // it stays, switched off, if events refer to it
  return plant;
}

class Chronicle {
 public:
  explicit Chronicle(std::uint64_t seed)
      : history_(random_history(seed)),
        random_(seed),
        there_(history_.span.begin),
        range_{history_.span.begin - hours{3}, history_.span.end + hours{30}} {}

  void live() {
    there_.describe(history_.plant);
    for (const std::vector<json>& batch : batches()) {
      Timestamp then = there_.clock.now() + seconds{1 + random_() % 5000};
      for (const json& event : batch)
        then = std::max(then, time_of(event) + (event["type"] == "cycle" ? hours{1} : hours{0}));
      at(then, [&] { there_.send(batch); });
      if (random_() % 3 == 0) at(then + minutes{1 + random_() % 200}, [&] { change_plant(); });
      ASSERT_NO_FATAL_FAILURE(disturb());
    }
  }

  void remember() {
    for (std::size_t i = 0; i < moments_.size(); ++i) {
      const Moment& moment = moments_[i];
      SCOPED_TRACE("moment " + std::to_string(i) + " of " + std::to_string(moments_.size()) + ", " +
                   format_time(moment.then));
      const std::string now = answers_as_of(*there_.store, moment.then, history_.plant, range_);
      ASSERT_FALSE(moment.answer.empty());
      ASSERT_TRUE(now == moment.answer) << difference(moment.answer, now);
    }
  }

  TemporaryStore& there() { return there_; }

 private:
  struct Moment {
    Timestamp then;
    std::string answer;
  };

  /// What came in order, and at last what came late.
  std::vector<std::vector<json>> batches() {
    std::vector<json> events = history_.events;
    // Readings do not tell when they came: silence is judged by those of now.
    std::erase_if(events, [](const json& event) { return event["type"] == "reading"; });
    const auto late = events.begin() + static_cast<std::ptrdiff_t>(events.size() * (random_() % 10) / 10);
    std::stable_sort(events.begin(), late, [](const json& a, const json& b) { return time_of(a) < time_of(b); });
    std::vector<std::vector<json>> batches(8 + random_() % 8);
    for (std::size_t i = 0; i < events.size(); ++i)
      batches[i * batches.size() / events.size()].push_back(events[i]);
    return batches;
  }

  /// Asks just before, and at the very moment.
  template <class Act>
  void at(Timestamp then, Act act) {
    there_.clock.set(then - kTick);
    note();
    there_.clock.set(then);
    act();
    note();
  }

  void note() {
    const Timestamp now = there_.clock.now();
    moments_.push_back({now, answers(there_.store->read(), history_.plant, range_, now)});
  }

  void change_plant() {
    const bool for_all_time = random_() % 2 == 0;
    const auto valid_from = history_.span.begin + (history_.span.end - history_.span.begin) / (1 + random_() % 4);
    const Plant plant = other_plant(history_, random_);
    const auto changed =
        there_.store->set_plant(plant, for_all_time ? std::nullopt : std::optional{valid_from}, false);
    ASSERT_TRUE(changed) << changed.error().context;
  }

  void disturb() {
    if (random_() % 4 == 0) {
      const Timestamp now = there_.clock.now();
      const std::string before = answers(there_.store->read(), history_.plant, range_, now);
      there_.reopen();
      const std::string after = answers(there_.store->read(), history_.plant, range_, now);
      ASSERT_TRUE(before == after) << difference(before, after);
    }
    const bool seals = random_() % 4 == 0, compacts = random_() % 8 == 0;
    ASSERT_TRUE(!seals || there_.store->seal());
    ASSERT_TRUE(!compacts || there_.store->compact());
  }

  static std::string difference(const std::string& then, const std::string& now) {
    const auto place = std::mismatch(then.begin(), then.end(), now.begin(), now.end());
    const auto at = static_cast<std::size_t>(place.first - then.begin());
    const std::size_t from = at < 300 ? 0 : at - 300;
    return "answered then: " + then.substr(from, 600) + "\nas of then:    " + now.substr(from, 600);
  }

  RandomHistory history_;
  std::mt19937_64 random_;
  TemporaryStore there_;
  TimeRange range_;
  std::vector<Moment> moments_;
};

std::uint64_t rounds() { return std::getenv("TAKT_SOAK") != nullptr ? 20 : 1; }

class AsOf : public testing::TestWithParam<std::uint64_t> {};

TEST_P(AsOf, AMomentIsWhatWasAnsweredThen) {
  for (std::uint64_t round = 0; round < rounds(); ++round) {
    SCOPED_TRACE("seed " + std::to_string(GetParam() + round * 1000));
    Chronicle chronicle{GetParam() + round * 1000};
    ASSERT_NO_FATAL_FAILURE(chronicle.live());
    ASSERT_NO_FATAL_FAILURE(chronicle.remember());
    EXPECT_TRUE(chronicle.there().store->seal());
    EXPECT_TRUE(chronicle.there().store->compact());
    chronicle.there().reopen();
    ASSERT_NO_FATAL_FAILURE(chronicle.remember());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AsOf, testing::Range<std::uint64_t>(0, 24));

}  // namespace
}  // namespace takt
