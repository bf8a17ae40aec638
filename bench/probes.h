// What this machine can do at best, measured in the same run as our figures: their ratio survives a change of
// hardware, a figure alone does not.
#pragma once

#include "schema/result.h"

#include <cstddef>
#include <filesystem>

namespace takt::bench {

/// Appends of 4 KiB to a file in `folder`, each with fdatasync before the next: how often a lone writer can be
/// durable in a second.
Result<double> synced_appends_per_s(const std::filesystem::path& folder);
/// Bytes per second of writing `bytes` into a new file, from its creation to the end of one fsync.
Result<double> sequential_write_bytes_per_s(const std::filesystem::path& folder, std::size_t bytes);
/// Bytes per second of copying `bytes` from memory to memory, the best of a few times.
double memcpy_bytes_per_s(std::size_t bytes);

}  // namespace takt::bench
