// How a store comes back from the disk. Private to the engine.
//
// First what has names: machines, tags, chunks of readings. Then the machines: those with a checkpoint get their
// sealed events put in their places, and join when the replay of the journal passes the checkpoint's commit; each
// plant description comes at its place between the commits. Last the readings that are in no chunk yet.
#pragma once

#include "engine/events/checkpoint.h"
#include "engine/events/event_log.h"
#include "engine/plant_codec.h"

namespace takt {

class Store::Recovery {
 public:
  explicit Recovery(Store& store) : store_(store), disk_(*store.disk_) {}

  /// Before the store has threads. corruption: names what is damaged, and where. What is damaged of one machine's
  /// history alone takes that machine out, and makes the store read-only; all others are served.
  Result<void> run();

 private:
  Result<void> read_meta();
  Result<void> number_tags();
  Result<void> read_chunk_index();
  Result<void> read_checkpoints();
  Result<void> read_rollups();
  void load_machines();
  std::uint32_t load_machines_from(MachineId first);
  Result<void> load_event_chunk(const EventChunkKey& key, std::string_view bytes);
  void damaged(MachineId machine, const std::string& how);
  Result<void> advance_to(Sequence commit);
  Result<void> replay(Disk::Family family);
  Result<void> replay_events(Sequence commit, std::string_view frame);
  void replay_event(MachineId machine, const Event& event, Sequence commit);
  Result<void> replay_readings(Sequence commit, std::string_view frame);
  void drop_expired(ReadingBlock& block, Sequence commit) const;
  void rebuild_unheard(Sequence commit);
  void rebuild_unheard();
  Result<void> count_quarantine();
  void know_state(const Event& event);

  Store& store_;
  Disk& disk_;
  std::vector<SeriesName> unnumbered_;  // tags as version 1 of the format kept them
  std::vector<ChunkKey> garbage_;
  std::set<std::uint32_t> dropped_days_;
  std::map<Sequence, PlantVersions> plants_;                                // still to be used
  std::multimap<Sequence, std::pair<MachineId, MachineCheckpoint>> joins_;  // still to come
  std::map<MachineId, Sequence> unheard_;  // what was withdrawn may have been all that was heard at its time
  std::vector<Event> events_;
  EventRows rows_;
  std::vector<std::uint64_t> loaded_;  // events of chunks, by machine
};

}  // namespace takt
