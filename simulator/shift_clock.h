// When the simulated plant works: three shifts in Europe/Berlin, all week but for the night from Saturday to
// Sunday.
#pragma once

#include <cstdint>

namespace takt {

/// Seconds since the Unix epoch, UTC: the simulation's step.
using Second = std::int64_t;

enum class Duty : std::uint8_t {
  off,       ///< between Saturday 22:00 and Sunday 06:00
  on_break,  ///< half an hour in every shift
  working,
};

/// Seconds that Berlin is ahead of UTC, by the rule of the European Union since 1996: summer time from the last
/// Sunday of March to that of October, 01:00 UTC. Written out so that no zone database can change a seed's bytes.
Second berlin_offset(Second utc);
Duty duty_at(Second utc);
/// `work` seconds of shift time after `from`, weekends skipped.
Second after_work(Second from, Second work);

}  // namespace takt
