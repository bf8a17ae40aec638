// What somebody may do, and for which machines.
#pragma once

#include "schema/plant.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace takt {

enum class Role : std::uint8_t {
  viewer,     ///< sees figures
  operating,  ///< "operator": a viewer who also classifies stops
  ingest,     ///< sends events, and sees nothing
  admin,      ///< everything
};
std::string_view name_of(Role role);
std::optional<Role> role_named(std::string_view name);

struct Permit {
  std::string name;  ///< of who has it, for the audit log
  Role role = Role::viewer;
  std::vector<Scope> scopes{};  ///< no other machines exist for him; empty: the whole plant
  std::string token{};          ///< the id of the token that he came by; empty: a certificate

  bool is_limited() const { return !scopes.empty(); }
};

/// Whether all that `asked` holds is within one of the permit's scopes. False where the plant does not know it.
bool covers(const Permit& permit, const Plant& plant, const Scope& asked);

/// The same of many machines: looked up by hash. Of one plant.
class MachineReach {
 public:
  MachineReach(const Permit& permit, const Plant& plant);
  bool covers(std::string_view machine) const { return all_ || machines_.contains(machine); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  bool all_;
  std::unordered_set<std::string, Hash, std::equal_to<>> machines_;
};

/// What of a plant's description somebody may see: his machines, what they belong to, and the plant's vocabulary.
Plant visible_part(const Permit& permit, const Plant& plant);

}  // namespace takt
