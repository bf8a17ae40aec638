// Room ahead of the write-ahead log. Private to the engine.
//
// A write behind the end of a file changes the file's size, too, and its sync waits for the file system's own
// journal, with whatever other programs have in it. A write into bytes that are there already waits for those
// bytes alone. So where commits are small, zeros are written ahead of the log, many commits' room at once and with
// one of their syncs; RocksDB takes a record of zeros for the end of a log, and a log that is closed loses its
// zeros.
#pragma once

#include <memory>

namespace rocksdb {
class FileSystem;
}

namespace takt {

/// `base`, with room ahead of the logs (*.log) that are begun with it. The size of a log that is being written is
/// told without its room. Belongs to one database.
std::shared_ptr<rocksdb::FileSystem> with_log_room(const std::shared_ptr<rocksdb::FileSystem>& base);

}  // namespace takt
