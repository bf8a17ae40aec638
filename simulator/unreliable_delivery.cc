#include "simulator/unreliable_delivery.h"

#include <utility>

namespace takt {

void UnreliableDelivery::add(Timestamp sent, std::string line) {
  if (random_.chance(options_.duplicate)) push(sent + delay(), line);
  push(random_.chance(options_.late) ? sent + delay() : sent, std::move(line));
}

std::vector<std::string> UnreliableDelivery::arrived(Timestamp now) {
  std::vector<std::string> lines;
  while (!on_the_way_.empty() && on_the_way_.top().due < now) {
    lines.push_back(std::move(const_cast<Item&>(on_the_way_.top()).line));  // popped in the next statement
    on_the_way_.pop();
  }
  if (!options_.shuffle) return lines;
  for (std::size_t i = lines.size(); i > 1; --i) std::swap(lines[i - 1], lines[random_.next() % i]);
  return lines;
}

void UnreliableDelivery::push(Timestamp due, std::string line) {
  on_the_way_.push({due, next_number_++, std::move(line)});
}

Duration UnreliableDelivery::delay() { return Duration{random_.integer(1, std::int64_t{3600} * 1'000'000)}; }

}  // namespace takt
