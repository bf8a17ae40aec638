#include "schema/permit.h"

#include <gtest/gtest.h>

namespace takt {
namespace {

Plant two_areas() {
  Plant plant;
  plant.areas = {{"A1", "A1"}, {"A2", "A2"}, {"A3", "A3"}};
  plant.lines = {{"L1", "L1", "A1"}, {"L2", "L2", "A2"}, {"L3", "L3", ""}};
  for (const auto& [id, line] : {std::pair{"M1", "L1"}, {"M2", "L2"}, {"M3", "L3"}, {"M4", ""}}) {
    Machine machine;
    machine.id = id, machine.line = line;
    plant.machines.push_back(machine);
    plant.ideal_cycles.push_back({id, "X", std::chrono::seconds{1}, {}});
  }
  return plant;
}

bool reaches(std::vector<Scope> own, const char* asked) {
  return covers({"x", Role::viewer, std::move(own)}, two_areas(), *parse_scope(asked));
}

const Scope kArea{Scope::Kind::area, "A1"}, kLine{Scope::Kind::line, "L2"}, kMachine{Scope::Kind::machine, "M4"};

TEST(Permit, CoversWhatLiesWithinItsScopes) {
  for (const char* asked : {"plant", "area:A1", "machine:M4", "machine:unknown"})
    EXPECT_TRUE(reaches({}, asked)) << asked;
  for (const char* asked : {"area:A1", "line:L1", "machine:M1"}) EXPECT_TRUE(reaches({kArea}, asked)) << asked;
  for (const char* asked : {"plant", "area:A2", "line:L2", "line:L3", "machine:M2", "machine:M3", "machine:M4",
                            "machine:unknown", "line:unknown", "area:unknown"})
    EXPECT_FALSE(reaches({kArea}, asked)) << asked;
  EXPECT_TRUE(reaches({kLine}, "machine:M2"));
  EXPECT_FALSE(reaches({kLine}, "area:A2")) << "it is more than the line";
  EXPECT_TRUE(reaches({kMachine}, "machine:M4"));
  EXPECT_TRUE(reaches({kLine, kMachine}, "machine:M4"));
  EXPECT_TRUE(reaches({Scope{}}, "plant"));
}

TEST(Permit, ReachIsTheSameOfEveryMachine) {
  const Plant plant = two_areas();
  for (const std::vector<Scope>& own : {std::vector<Scope>{}, {kArea}, {kLine}, {kMachine}, {kArea, kLine}}) {
    const Permit permit{"x", Role::viewer, own};
    const MachineReach reach{permit, plant};
    for (const Machine& machine : plant.machines)
      EXPECT_EQ(reach.covers(machine.id), covers(permit, plant, {Scope::Kind::machine, machine.id})) << machine.id;
  }
}

TEST(Permit, ShowsItsPartOfThePlant) {
  const Plant part = visible_part({"x", Role::viewer, {kLine}}, two_areas());
  ASSERT_EQ(part.machines.size(), 1U);
  EXPECT_EQ(part.machines[0].id, "M2");
  ASSERT_EQ(part.lines.size(), 1U);
  EXPECT_EQ(part.lines[0].id, "L2");
  ASSERT_EQ(part.areas.size(), 1U);
  EXPECT_EQ(part.areas[0].id, "A2");
  ASSERT_EQ(part.ideal_cycles.size(), 1U);
  EXPECT_EQ(visible_part({"x", Role::viewer, {}}, two_areas()), two_areas());
}

TEST(Permit, RolesHaveNames) {
  for (const Role role : {Role::viewer, Role::operating, Role::ingest, Role::admin})
    EXPECT_EQ(role_named(name_of(role)), role);
  EXPECT_EQ(name_of(Role::operating), "operator");
  EXPECT_FALSE(role_named("root"));
}

}  // namespace
}  // namespace takt
