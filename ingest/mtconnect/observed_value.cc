#include "ingest/mtconnect/observed_value.h"

#include "ingest/decode_number.h"

#include <charconv>
#include <cmath>

namespace takt::mtconnect {

bool is_unavailable(std::string_view text) { return text.empty() || text == "UNAVAILABLE"; }

void set_value(Signal& signal, std::string_view text, bool is_amount) {
  signal.value = {}, signal.whole = kAbsent;
  if (is_unavailable(text)) return;
  signal.value = {Value::Kind::text, 0, text};
  if (!is_amount) return;
  double real = 0;  // more than JSON's: machines write 007 and .5
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), real);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(real)) return;
  signal.value = {Value::Kind::number, real, {}};
  if (const auto number = parse_number(text); number && number->integral) signal.whole = number->integer;
}

}  // namespace takt::mtconnect
