#include "schema/permit.h"

#include <algorithm>
#include <array>

namespace takt {
namespace {

constexpr std::array<std::string_view, 4> kRoles = {"viewer", "operator", "ingest", "admin"};

/// Whether `inner` lies within `outer`, or is the same.
bool lies_within(const Plant& plant, const Scope& inner, const Scope& outer) {
  if (outer.kind == Scope::Kind::plant || inner == outer) return true;
  switch (inner.kind) {
    case Scope::Kind::plant:
    case Scope::Kind::area:
      return false;
    case Scope::Kind::line: {
      const Line* line = plant.line(inner.id);
      return line != nullptr && !line->area.empty() && outer == Scope{Scope::Kind::area, line->area};
    }
    case Scope::Kind::machine: {
      const Machine* machine = plant.machine(inner.id);
      return machine != nullptr && !machine->line.empty() &&
             lies_within(plant, {Scope::Kind::line, machine->line}, outer);
    }
  }
  return false;
}

}  // namespace

std::string_view name_of(Role role) { return kRoles.at(static_cast<std::size_t>(role)); }

std::optional<Role> role_named(std::string_view name) {
  const auto* found = std::ranges::find(kRoles, name);
  if (found == kRoles.end()) return std::nullopt;
  return static_cast<Role>(found - kRoles.begin());
}

bool covers(const Permit& permit, const Plant& plant, const Scope& asked) {
  if (!permit.is_limited()) return true;
  return std::ranges::any_of(permit.scopes, [&](const Scope& own) { return lies_within(plant, asked, own); });
}

MachineReach::MachineReach(const Permit& permit, const Plant& plant) : all_(!permit.is_limited()) {
  if (all_) return;
  for (const Machine& machine : plant.machines) {
    if (takt::covers(permit, plant, {Scope::Kind::machine, machine.id})) machines_.insert(machine.id);
  }
}

Plant visible_part(const Permit& permit, const Plant& plant) {
  Plant part = plant;
  if (!permit.is_limited()) return part;
  const MachineReach reach{permit, plant};
  const auto is_beyond = [&](const Scope& scope) { return !covers(permit, plant, scope); };
  const auto is_anothers = [&](const auto& each) { return !each.machine.empty() && !reach.covers(each.machine); };
  std::erase_if(part.machines, [&](const Machine& machine) { return !reach.covers(machine.id); });
  std::erase_if(part.lines, [&](const Line& line) {
    const bool has_own = std::ranges::any_of(part.machines, [&](const Machine& m) { return m.line == line.id; });
    return !has_own && is_beyond({Scope::Kind::line, line.id});
  });
  std::erase_if(part.areas, [&](const Area& area) {
    const bool has_own = std::ranges::any_of(part.lines, [&](const Line& l) { return l.area == area.id; });
    return !has_own && is_beyond({Scope::Kind::area, area.id});
  });
  std::erase_if(part.ideal_cycles, is_anothers);
  std::erase_if(part.tags, is_anothers);
  std::erase_if(part.recipes, is_anothers);
  const auto is_of_others = [&](const auto& each) {
    return each.scope.kind != Scope::Kind::plant && is_beyond(each.scope);
  };
  std::erase_if(part.shifts, is_of_others);
  std::erase_if(part.closures, is_of_others);
  part.alerts.clear();
  part.sources.clear();
  part.signals.clear();
  return part;
}

}  // namespace takt
