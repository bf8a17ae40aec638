// Integer columns inside of other columns: mantissas of decimals, lengths of strings, values of runs.
#pragma once

#include "engine/codec/bytes.h"
#include "engine/codec/integers.h"

namespace takt::codec {

/// A column within a column may not have columns within again: so no bytes can make a reader recurse.
enum class Nesting : std::uint8_t { outer, inner };

void append_column(std::string& out, std::span<const std::int64_t> values, Nesting nesting);
/// False if the bytes are not those of so many values; then `values` hold anything. Leaves what follows unread.
bool read_column(ByteReader& in, std::span<std::int64_t> values, Nesting nesting);
bool summarize_column(ByteReader& in, std::size_t rows, IntegerSummary& summary);

}  // namespace takt::codec
