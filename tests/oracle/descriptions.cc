#include "tests/oracle/descriptions.h"

namespace takt::oracle {

void Descriptions::put(Plant plant, std::optional<Timestamp> from) {
  const Timestamp begin = from.value_or(kBeginOfTime);
  while (!list_.empty() && list_.back().valid.begin >= begin) list_.pop_back();
  if (!list_.empty()) list_.back().valid.end = begin;
  list_.push_back({std::move(plant), {list_.empty() ? kBeginOfTime : begin, kEndOfTime}});
}

const Description& Descriptions::at(Timestamp t) const {
  for (const Description& description : list_) {
    if (description.valid.contains(t)) return description;
  }
  return list_.back();  // the end of time
}

Machine machine_of(const Plant& plant, const std::string& id) {
  for (const Machine& machine : plant.machines) {
    if (machine.id == id) return machine;
  }
  Machine unknown;
  unknown.id = id;
  return unknown;
}

}  // namespace takt::oracle
