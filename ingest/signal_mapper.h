// From signals to events: the plant's [[signal]] rules, and what names mean where there is none.
#pragma once

#include "ingest/signal.h"
#include "schema/plant.h"

#include <memory>
#include <string>

namespace takt {

/// Whose a signal is; an empty machine: nobody's.
struct SignalPlace {
  std::string machine, tag;
};

/// Makes events of what one source sends, by the rules of a plant description (docs/ingest.md, "Sources and
/// signals").
///
/// - The first rule of the source whose pattern fits decides. Without one, the last level of the address does, in
///   either case: `state` and `execution` are states, `reason`, `product`, `order`, `good_total`, `scrap_total`,
///   `rework_total`, `good`, `scrap`, `rework` and `kwh_total` themselves, all else is a reading. The machine is
///   the rule's, else the source's, else the last level that names a described machine, else what the connector
///   says. A reading's tag is the rule's, else the levels below the machine's, else the whole address.
/// - Product, order and reason are remembered by machine and time, the last kMostSteps changes of each: a count
/// has
///   those of its own time, a state the reason of its own time. A reason that changes while a state lasts makes
///   that state begin again with it.
/// - Counts carry an `id`, the field's name: counters of one machine that are told in separate messages of one
///   instant do not correct each other. For increments a boolean is a pulse: true one piece, false none.
/// - What is republished is a state, a total, a reading, but never an increment.
/// - A value that is not known makes the state `unavailable`, ends a product, order and reason, and is no count
/// and
///   no reading.
///
/// One thread at a time. Memory: the addresses seen, at most kMostAddresses; of others the rule is looked up each
/// time.
class SignalMapper {
 public:
  static constexpr std::size_t kMostAddresses = 100'000;
  static constexpr std::size_t kMostSteps = 64;

  SignalMapper(const Plant& plant, const DataSource& source);
  ~SignalMapper();
  SignalMapper(SignalMapper&&) noexcept;
  SignalMapper& operator=(SignalMapper&&) noexcept;

  /// Adds the events of one message to `batch`, which owns their strings, and what cannot be mapped to its
  /// rejected (a count that is no whole number from 0, a state that is a number without a name, a reason that the
  /// plant does not know: the state goes in without it). Whether machines and states exist is for validate().
  /// `machine`: whose signals these are where nothing else says so; empty: nobody's, which is refused as
  /// unknown_machine, with its address (ingest/stray_signal.h).
  void map(Signals message, std::string_view machine, EventBatch& batch);

  /// What a signal of this address means. `event`: the connector reads it by itself, as the JSON that it is.
  SignalUse use_of(std::string_view address);
  /// Whose a signal of this address is, as far as the source, its rules and the address say, and its tag.
  SignalPlace place_of(std::string_view address);

 private:
  class Rules;
  std::unique_ptr<Rules> rules_;
};

}  // namespace takt
