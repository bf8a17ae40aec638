// Reads what an MTConnect adapter writes (SHDR): lines of `timestamp|key|value|key|value...`.
#pragma once

#include "schema/time.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace takt::mtconnect {

/// One value of one key. Strings are borrowed from the text.
struct Sample {
  Timestamp at;  ///< digits beyond microseconds are cut
  std::string_view key, value;
  std::size_t line = 0;  ///< from 1
};

/// A line, or the rest of one, that could not be read.
struct Fault {
  std::size_t line = 0;
  std::string message;
};

struct Log {
  std::vector<Sample> samples;  ///< in the order of the file
  std::vector<Fault> faults;
  std::size_t lines = 0;
  std::size_t assets = 0;  ///< asset commands, which say nothing about the machine's work
};

/// Keys whose values take more than one field; the device model would tell, an adapter log does not.
struct ShdrKeys {
  /// `key|level|native code|native severity|qualifier|text`: the sample's value is the level. Without being
  /// listed, a line with that many fields and a level of NORMAL, WARNING or FAULT is one.
  std::vector<std::string> conditions;
  /// `key|native code|text`: the sample's value is the text.
  std::vector<std::string> messages;
};

/// Reads a whole log. A broken line is a fault and hurts only itself; nothing is thrown, and nothing in `text` can
/// make it use more than a few times its size. `text` is borrowed by the samples.
/// - Lines end in LF or CRLF; blank ones and protocol lines (`* PING`) are skipped.
/// - A timestamp may lack its Z (adapters mean UTC) and may carry a duration, `...Z@10.5`, which is left out.
/// - A value `--multiline--ABCD` goes on until a line that is just that; a block that never ends is a fault of its
///   first line alone.
/// - A value that begins with a quote ends with the quote before the next separator, and may hold separators.
/// Source of the format: the MTConnect agent's adapter documentation (cppagent, README, "Adapter Data").
Log read_shdr(std::string_view text, const ShdrKeys& keys = {});

}  // namespace takt::mtconnect
