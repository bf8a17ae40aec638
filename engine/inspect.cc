#include "engine/inspect.h"

#include <rocksdb/sst_file_reader.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/audit.h"
#include "engine/chunk_parts.h"
#include "engine/commit_times.h"
#include "engine/disk.h"
#include "engine/event_codec.h"
#include "engine/events/checkpoint.h"
#include "engine/events/event_chunk.h"
#include "engine/folder_mark.h"
#include "engine/quarantine_codec.h"
#include "engine/readings/block_frame.h"
#include "engine/write_log.h"

namespace takt {
namespace {

using Disk = Store::Disk;

constexpr const char* kRestore = "get it back with takt restore";
constexpr const char* kMachineRemedy =
    "nothing of this machine is served, and the store is read-only; get it back with takt restore";
constexpr std::size_t kChunkKey = 24;

/// Digits of a key that is none of ours.
std::string hexadecimal(std::string_view key) {
  std::string text = "0x";
  for (const char c : key.substr(0, 32)) {
    const auto byte = static_cast<std::uint8_t>(c);
    text.push_back("0123456789abcdef"[byte >> 4U]);
    text.push_back("0123456789abcdef"[byte & 15U]);
  }
  return text;
}

std::uint32_t number_at(std::string_view key, std::size_t at) {
  return static_cast<std::uint32_t>(sequence_of_key(key.substr(at, 4)));
}

class Inspector {
 public:
  Inspector(const std::filesystem::path& directory, const InspectionOptions& options)
      : directory_(directory), options_(options) {}

  Result<Inspection> run() {
    if (const auto mark = read_mark(directory_); !mark) return mark.error();
    auto disk = Disk::open_to_read(directory_);
    if (!disk && disk.error().code != ErrorCode::corruption) return disk.error();
    if (!disk) {
      // Without a database there is nothing else to ask.
      tell("database", disk.error().context, "");
      return result_;
    }
    disk_ = std::move(*disk);
    if (const auto logs = Disk::check_logs(directory_); !logs) tell("write-ahead log", logs.error().context, "");
    check_tables();
    read_names();
    check_frames(Disk::events);
    check_frames(Disk::journal);
    check_event_chunks();
    check_rollups();
    check_checkpoints();
    check_chunks();
    check_quarantine();
    check_commit_times();
    disk_.reset();  // the store opens it again
    // A store that cannot be trusted with its own names is not recovered: what it would make of them is no figure.
    if (named_) check_figures();
    return result_;
  }

 private:
  void tell(std::string where, std::string what, std::string remedy) {
    ++result_.damages;
    if (options_.tell) options_.tell({std::move(where), std::move(what), std::move(remedy)});
  }
  /// Something refers to a machine or tag that has no name.
  void tell_unnamed(std::string where, std::string what) {
    named_ = false;
    tell(std::move(where), std::move(what), kRestore);
  }
  void progress(std::string_view step, double share) const {
    if (options_.progress) options_.progress(step, std::min(share, 1.0));
  }

  // ---------------------------------------- files

  void check_tables() {
    std::vector<rocksdb::LiveFileMetaData> files;
    disk_->database().GetLiveFilesMetaData(&files);
    std::uint64_t total = 0, done = 0;
    for (const auto& file : files) total += file.size;
    for (const auto& file : files) {
      progress("table files", total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total));
      rocksdb::SstFileReader reader{rocksdb::Options{}};
      rocksdb::ReadOptions how;
      how.readahead_size = std::size_t{2} << 20U;
      how.fill_cache = false;
      auto status = reader.Open((directory_ / "db").string() + file.name);
      if (status.ok()) status = reader.VerifyChecksum(how);
      done += file.size;
      if (status.ok()) continue;
      damaged_[file.column_family_name].push_back(file.largestkey);
      tell("db" + file.name + ", which holds " + span_of(file), Disk::error_of(status, "").context.substr(2), "");
    }
    result_.bytes = done;
    for (auto& [family, keys] : damaged_) std::sort(keys.begin(), keys.end());
  }

  static std::string span_of(const rocksdb::LiveFileMetaData& file) {
    const auto day = [](std::string_view key) {
      const auto days = static_cast<std::int32_t>(number_at(key, 0) ^ 0x8000'0000U);
      return format_time(from_micros(std::int64_t{days} * 86'400'000'000)).substr(0, 10);
    };
    const bool chunks = file.column_family_name.starts_with("chunk");
    if (chunks && file.smallestkey.size() == kChunkKey && file.largestkey.size() == kChunkKey)
      return "readings of " + day(file.smallestkey) + " to " + day(file.largestkey);
    if ((file.column_family_name == "events" || file.column_family_name == "journal") &&
        file.smallestkey.size() == 8) {
      return file.column_family_name + " of commits " + std::to_string(sequence_of_key(file.smallestkey)) +
             " to " + std::to_string(sequence_of_key(file.largestkey));
    }
    return "a part of " + file.column_family_name;
  }

  /// Visits all entries of a family that can be read: goes on behind a damaged file.
  template <class Visit>
  void scan(Disk::Family family, Visit visit) {
    if (!disk_->has(family)) return;
    rocksdb::ReadOptions how;
    how.readahead_size = std::size_t{2} << 20U;
    how.fill_cache = false;
    std::uint64_t keys = 0, done = 0;
    disk_->database().GetIntProperty((*disk_)[family], rocksdb::DB::Properties::kEstimateNumKeys, &keys);
    const auto found = damaged_.find(Disk::name_of(family));
    const std::vector<std::string> bad = found == damaged_.end() ? std::vector<std::string>{} : found->second;
    std::string at_key;
    for (bool again = true; again;) {
      again = false;
      const std::unique_ptr<rocksdb::Iterator> at{disk_->database().NewIterator(how, (*disk_)[family])};
      for (at->Seek(at_key); at->Valid(); at->Next()) {
        visit(at->key().ToStringView(), at->value().ToStringView());
        at_key.assign(at->key().data(), at->key().size());
        if (++done % 256 == 0)
          progress(Disk::name_of(family), static_cast<double>(done) / static_cast<double>(std::max(keys, done)));
      }
      if (at->status().ok()) return;
      const auto next = std::upper_bound(bad.begin(), bad.end(), at_key);
      if (next == bad.end()) {
        tell(std::string{Disk::name_of(family)} + " behind " + hexadecimal(at_key),
             Disk::error_of(at->status(), "cannot be read").context, "");
        return;
      }
      at_key = *next + '\0';  // told of by the file already
      again = true;
    }
  }

  // ---------------------------------------- names

  void read_names() {
    std::vector<SeriesName> tags;
    scan(Disk::meta, [&](std::string_view key, std::string_view value) {
      const std::uint64_t number = sequence_of_key(key.substr(1));
      if (key == "sequence") {
        sequence_ = sequence_of_key(value);
      } else if (key[0] == 'm' && key.size() == 9) {
        machines_.emplace(static_cast<std::uint32_t>(number), value);
      } else if (key[0] == 't' && key.size() == 9) {
        tags.push_back({MachineId{static_cast<std::uint32_t>(number >> 32U)},
                        GroupId{static_cast<std::uint32_t>(number)}, std::string{value}});
      } else if (key[0] == 's' && key.size() == 9) {
        auto name = decode_series_name(value);
        if (!name) return tell_unnamed("tag number " + std::to_string(number), name.error().context);
        series_.insert(static_cast<std::uint32_t>(number));
        tags.push_back(std::move(*name));
      } else if (key[0] == 'a' && key.size() == 9) {
        if (const auto wrong = audit_.follow(number, value))
          tell("entry " + std::to_string(number) + " of the audit log", *wrong, kRestore);
      } else if (key == kAuditHeadKey) {
        audit_head(value);
      } else if (key[0] == 'g' && key.size() == 1 + kChunkKey) {
        folded_.emplace(key.substr(1));
      } else if (key[0] == 'd' && key.size() == 5) {
        dropped_.emplace(key.substr(1));
      }
    });
    if (audit_.entries() > 0 && !audit_ended_) tell("audit log", "which entry is the last is not known", kRestore);
    std::uint32_t expected = 0;
    for (const auto& [number, name] : machines_) {
      numbers_.emplace(name, number);
      for (; expected < number; ++expected)
        tell_unnamed("machine number " + std::to_string(expected), "has no name");
      ++expected;
    }
    for (const SeriesName& name : tags) {
      const std::uint32_t machine = index_of(name.machine);
      if (!machines_.contains(machine))
        tell_unnamed("tag " + name.tag,
                     "belongs to machine number " + std::to_string(machine) + ", which has no name");
      tags_[{machine, index_of(name.group)}] = name.tag;
      tag_names_.emplace(machine, name.tag);
    }
    result_.machines = machines_.size();
    result_.tags = tags.size();
  }

  /// Stands behind the entries.
  void audit_head(std::string_view value) {
    const auto head = decode_audit_head(value);
    const auto wrong = head ? audit_.end_at(*head) : std::optional{head.error().context};
    if (wrong) tell("audit log", *wrong, kRestore);
    audit_ended_ = true;
  }

  std::string machine_name(std::uint32_t machine) const {
    const auto name = machines_.find(machine);
    return "machine " + (name == machines_.end() ? "number " + std::to_string(machine) : name->second);
  }

  std::string owner(std::uint32_t machine, std::uint32_t group) const {
    const auto tag = tags_.find({machine, group});
    return machine_name(machine) + ", tag " +
           (tag == tags_.end() ? "number " + std::to_string(group) : tag->second);
  }

  // ---------------------------------------- events

  void check_frames(Disk::Family family) {
    std::vector<Event> events;
    scan(family, [&](std::string_view key, std::string_view value) {
      const std::string where =
          key.size() == 8
              ? std::string{Disk::name_of(family)} + " of commit " + std::to_string(sequence_of_key(key))
              : std::string{Disk::name_of(family)} + " under the key " + hexadecimal(key);
      ++result_.commits;
      if (key.size() != 8) return tell(where, "the key is none of Takt's", kRestore);
      if (sequence_of_key(key) > sequence_)
        tell(where, "it is newer than the newest commit, " + std::to_string(sequence_), kRestore);
      if (family == Disk::journal && is_block(value)) return check_block(value, where);
      events.clear();
      if (const auto decoded = decode_frame(value, events); !decoded) {
        return tell(where, decoded.error().context, std::string{"the store does not open with it; "} + kRestore);
      }
      (family == Disk::events ? result_.events : result_.waiting) += events.size();
      for (const Event& event : events) {
        if (!check_event(event, family, where)) break;
      }
    });
  }

  void check_block(std::string_view value, const std::string& where) {
    ReadingBlock block;
    if (const auto decoded = decode_block(value, block); !decoded) {
      return tell(where, decoded.error().context, std::string{"the store does not open with it; "} + kRestore);
    }
    result_.waiting += block.size();
    for (const SeriesId id : block.series) {
      if (series_.contains(index_of(id))) continue;
      return tell_unnamed(
          where, "it has a reading of tag number " + std::to_string(index_of(id)) + ", which has no name");
    }
  }

  /// False: the event belongs to nobody, which is said once a frame.
  bool check_event(const Event& event, Disk::Family family, const std::string& where) {
    const std::string name{event.machine};
    const auto machine = numbers_.find(name);
    if (machine == numbers_.end()) {
      return tell_unnamed(where, "an event names the machine " + name + ", which has no number"), false;
    }
    if (family != Disk::journal) return true;
    if (event.type != EventType::reading) {
      return tell(where, "the journal of readings holds another event", kRestore), false;
    }
    const std::string tag{event.tag};
    if (tag_names_.contains({machine->second, tag})) return true;
    return tell_unnamed(where, "a reading names the tag " + tag + " of machine " + name + ", which has no number"),
           false;
  }

  void check_event_chunks() {
    const std::string remedy = kMachineRemedy;
    EventRows rows;
    scan(Disk::event_chunk, [&](std::string_view key, std::string_view value) {
      ++result_.event_chunks;
      const auto place = EventChunkKey::parse(key);
      if (!place) return tell("chunk of events " + hexadecimal(key), "the key is none of Takt's", remedy);
      std::string where = "events of " + machine_name(index_of(place->machine)) + " from commit " +
                          std::to_string(place->first_commit);
      if (!machines_.contains(index_of(place->machine))) tell_unnamed(where, "its machine has no name");
      const auto head = read_event_chunk_head(value);
      if (!head) return tell(where, head.error().context, remedy);
      where += " to " + std::to_string(head->last_commit) + ", of " + format_time(head->first) + " to " +
               format_time(head->last);
      EventChunkKey own = head->key;
      own.part = place->part;
      if (own != *place) return tell(where, "it lies under a key that is not its own", remedy);
      rows.rows.clear(), rows.texts.clear();
      if (const auto decoded = decode_event_chunk(value, rows); !decoded)
        return tell(where, decoded.error().context, remedy);
      result_.events += rows.rows.size();
      in_chunks_[index_of(place->machine)] += rows.rows.size();
    });
  }

  void check_rollups() {
    std::vector<KeptCell> cells;
    scan(Disk::rollup, [&](std::string_view key, std::string_view value) {
      if (key.size() != 12)
        return tell("rollups under the key " + hexadecimal(key), "the key is none of Takt's", "");
      const std::uint32_t machine = number_at(key, 0);
      const std::string where = "rollups of " + machine_name(machine) + " of before its horizon";
      if (!machines_.contains(machine)) tell_unnamed(where, "its machine has no name");
      cells.clear();
      if (const auto decoded = decode_frozen(value, MachineId{machine}, cells, names_); !decoded)
        return tell(where, decoded.error().context, kMachineRemedy);
      frozen_[machine] += cells.size();
    });
  }

  void check_checkpoints() {
    scan(Disk::checkpoint, [&](std::string_view key, std::string_view value) {
      const auto machine = static_cast<std::uint32_t>(sequence_of_key(key));
      const std::string where = "checkpoint of " + machine_name(machine);
      if (!machines_.contains(machine)) tell_unnamed(where, "its machine has no name");
      const auto checkpoint = decode_checkpoint(value, names_);
      if (checkpoint && index_of(checkpoint->machine) != machine) tell(where, "it is another's", kRestore);
      if (checkpoint && checkpoint->events != in_chunks_[machine]) {
        tell(where,
             std::to_string(checkpoint->events) + " events were in chunks, and " +
                 std::to_string(in_chunks_[machine]) + " are there",
             kRestore);
      }
      if (checkpoint && checkpoint->frozen_cells != frozen_[machine]) {
        tell(where,
             std::to_string(checkpoint->frozen_cells) + " rollups of before its horizon were kept, and " +
                 std::to_string(frozen_[machine]) + " are there",
             kMachineRemedy);
      }
      if (!checkpoint) {
        tell("checkpoint of " + machine_name(machine), checkpoint.error().context, kMachineRemedy);
      }
    });
  }

  // ---------------------------------------- chunks

  /// All that is known of chunks' bytes stands here. `head`: what the index has for the same key; null: nothing.
  void check_chunk(std::string_view key, std::string_view value, const std::string* head) {
    const std::string remedy = std::string{"queries of that time answer an error; "} + kRestore;
    if (key.size() != kChunkKey) return tell("chunk " + hexadecimal(key), "the key is none of Takt's", kRestore);
    const std::uint32_t machine = number_at(key, 4), group = number_at(key, 8);
    const Timestamp first =
        from_micros(static_cast<std::int64_t>(sequence_of_key(key.substr(12, 8)) ^ (1ULL << 63U)));
    std::string where = "chunk of " + owner(machine, group) + ", from " + format_time(first);
    if (!machines_.contains(machine) || !tags_.contains({machine, group}))
      tell_unnamed(where, "its machine or tag has no name");
    const auto chunk = read_chunk_head(value);
    if (!chunk) return tell(where, chunk.error().context, remedy);
    where += " to " + format_time(chunk->last);
    ChunkKey own = chunk->key;
    own.sequence = number_at(key, 20);
    if (own.bytes() != key) {
      return tell(where,
                  "it lies under a key that is not its own: it is of " +
                      owner(index_of(own.machine), index_of(own.group)) + ", from " + format_time(own.first),
                  remedy);
    }
    for (const ChunkSeries& series : chunk->series) {
      if (!tags_.contains({machine, index_of(series.group)})) tell_unnamed(where, "one of its tags has no name");
    }
    if (head == nullptr) tell(where, "the index does not have it", remedy);
    if (head != nullptr && chunk_head_bytes(value) != *head) tell(where, "the index tells it otherwise", remedy);
    if (const auto verified = verify_chunk(value); !verified) return tell(where, verified.error().context, remedy);
    result_.readings += std::uint64_t{chunk->rows} * chunk->series.size();
  }

  void check_chunks() {
    std::uint64_t indexed = 0;
    scan(Disk::chunk, [&](std::string_view key, std::string_view value) {
      if (folded_.contains(key)) return;  // others have its readings, and it goes at the next start
      const auto head = disk_->get(Disk::chunk_index, std::string{key});
      if (!head && dropped_.contains(key.substr(0, 4))) return;  // retained no more: it goes at the next start
      if (head) ++indexed;
      ++result_.chunks;
      check_chunk(key, value, head ? &*head : nullptr);
    });
    // A damaged table was told of; what it held is missing here, too.
    if (damaged_.contains("chunk") || damaged_.contains("chunk_index")) return;
    std::uint64_t entries = 0;
    scan(Disk::chunk_index, [&](std::string_view, std::string_view) { ++entries; });
    if (entries != indexed) {
      tell("index of chunks",
           "it has " + std::to_string(entries) + " chunks, of which " + std::to_string(indexed) + " are there",
           std::string{"queries of the others answer an error; "} + kRestore);
    }
  }

  void check_quarantine() {
    scan(Disk::quarantined, [&](std::string_view key, std::string_view value) {
      ++result_.quarantined;
      if (const auto entry = decode_quarantine(sequence_of_key(key), value); !entry) {
        tell("quarantine entry " + std::to_string(sequence_of_key(key)), entry.error().context,
             "no figure depends on it");
      }
    });
  }

  /// Entries of one commit come behind all blocks, so they are met in order of time and commit.
  void check_commit_times() {
    const std::string remedy = std::string{"no figure of now depends on it; "} + kRestore;
    std::optional<CommitTime> before;
    std::vector<CommitTime> times;
    scan(Disk::commit_time, [&](std::string_view key, std::string_view value) {
      const auto first = commit_time_of_key(key);
      if (!first) return tell("times of commits " + hexadecimal(key), "the key is none of Takt's", remedy);
      const std::string where = "times of commits from " + std::to_string(first->commit) + " on";
      times = {*first};
      if (is_commit_times_key(key)) {
        auto block = decode_commit_times(value);
        if (!block) return tell(where, block.error().context, remedy);
        times = std::move(*block);
      }
      if (times.front() != *first) return tell(where, "they lie under a key that is not their own", remedy);
      if (before && (first->at < before->at || first->commit <= before->commit))
        tell(where, "they are not in order", remedy);
      if (times.back().commit > sequence_)
        tell(where, "they are newer than the newest commit, " + std::to_string(sequence_), remedy);
      before = times.back();
    });
  }

  // ---------------------------------------- figures

  void check_figures() {
    StoreOptions how;
    how.progress = [&](double share) { progress("recovery", share); };
    const auto store = Store::open_to_read(directory_, how);
    if (!store)
      return tell("figures", "the store does not open, so they were not checked: " + store.error().context, "");
    const StoreView view = (*store)->read();
    for (std::uint32_t i = 0; i < view.machine_count(); ++i) {
      progress("figures", static_cast<double>(i) / static_cast<double>(view.machine_count()));
      const MachineRecord& machine = view.machine(MachineId{i});
      if (!machine.damage().empty()) continue;  // told of by what is damaged
      if (const auto differs = machine.check()) {
        tell("rollups of machine " + view.numbers().name(MachineId{i}), *differs,
             "they are made anew at every start; if this is told of again after takt compact, please report it");
      }
      for (const Grain grain : {Grain::hour, Grain::shift, Grain::day})
        result_.cells += machine.cells(grain).size();
    }
  }

  const std::filesystem::path& directory_;
  const InspectionOptions& options_;
  Inspection result_;
  std::unique_ptr<Disk> disk_;
  AuditChain audit_;
  bool audit_ended_ = false;
  std::map<std::string, std::vector<std::string>> damaged_;  // by family: the last keys of damaged files
  std::uint64_t sequence_ = 0;
  bool named_ = true;  // every machine and tag that something refers to has a name
  std::map<std::uint32_t, std::string> machines_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> tags_;
  std::set<std::pair<std::uint32_t, std::string>> tag_names_;
  Names names_;                                       // of reasons and products in rollups
  std::map<std::uint32_t, std::uint64_t> in_chunks_;  // events of chunks, by machine
  std::map<std::uint32_t, std::uint64_t> frozen_;     // rollups that no event makes any more, by machine
  std::set<std::uint32_t> series_;                    // numbers of tags
  std::set<std::string, std::less<>> folded_;         // keys of chunks that are to go
  std::set<std::string, std::less<>> dropped_;        // days whose chunks are
};

}  // namespace

std::string to_string(const Damage& damage) {
  return damage.where + ": " + damage.what + (damage.remedy.empty() ? "" : "; " + damage.remedy);
}

Result<Inspection> inspect_store(const std::filesystem::path& directory, const InspectionOptions& options) {
  return Inspector{directory, options}.run();
}

}  // namespace takt
