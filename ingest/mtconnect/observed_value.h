// What MTConnect writes as text, as the value of a signal.
#pragma once

#include "ingest/signal.h"

namespace takt::mtconnect {

/// UNAVAILABLE and nothing at all: it is not known.
bool is_unavailable(std::string_view text);
/// `is_amount`: a text that is a number is one, else it stays text, such as a program that is called 1.50.
void set_value(Signal& signal, std::string_view text, bool is_amount);

}  // namespace takt::mtconnect
