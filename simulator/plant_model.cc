#include "simulator/plant_model.h"

#include "simulator/random.h"

#include <fmt/format.h>
#include <cmath>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

namespace takt {
namespace {

constexpr std::array<std::string_view, 4> kAreas = {"Machining", "Assembly", "Finishing", "Packaging"};
constexpr std::array<std::array<std::string_view, 6>, 4> kMachineKinds = {{
    {"Saw", "Lathe", "Mill", "Grinder", "Washer", "Gauge"},
    {"Feeder", "Press", "Welder", "Screwdriver", "Leak tester", "Laser marker"},
    {"Deburrer", "Blaster", "Furnace", "Coater", "Polisher", "Inspector"},
    {"Sorter", "Filler", "Closer", "Labeller", "Cartoner", "Palletiser"},
}};
constexpr std::array<std::string_view, 5> kProducts = {"Housing", "Flange", "Valve body", "Shaft", "Bearing cap"};
constexpr std::size_t kLinesPerArea = 3;

double hundredths(double seconds) { return static_cast<double>(std::llround(seconds * 100)) / 100; }

std::vector<ProductModel> make_products(Random& random) {
  std::vector<ProductModel> products;
  const auto count = static_cast<std::size_t>(random.integer(3, 5));
  for (std::size_t i = 0; i < count; ++i) {
    products.push_back(
        {fmt::format("P{}", i + 1), std::string{kProducts[i]}, static_cast<double>(random.integer(16, 60))});
  }
  return products;
}

/// Three to six, but never so that a line of one or two would be left over.
std::size_t line_size(std::size_t left, Random& random) {
  if (left <= 6) return left;
  const auto wish = static_cast<std::size_t>(random.integer(3, 6));
  return left - wish < 3 ? 3 : wish;
}

/// Slow lines tell every piece, fast ones count; the last machine of some lines has a counter.
Reporting reporting_of(double line_takt_s, std::size_t line, bool last) {
  if (line_takt_s > 50) return Reporting::cycles;
  return last && line % 2 == 1 ? Reporting::counter : Reporting::counts;
}

MachineModel make_machine(const std::vector<double>& line_cycles, Random& random) {
  MachineModel machine;
  const double share_of_bottleneck = random.between(0.88, 1.0);
  for (const double cycle : line_cycles) machine.ideal_cycle_s.push_back(hundredths(cycle * share_of_bottleneck));
  machine.slowness = random.between(1.01, 1.06);
  machine.failures_per_hour = 1.0 / random.between(4, 15);
  machine.minor_stops_per_hour = random.between(0.8, 3.0);
  machine.scrap_share = random.skewed(0.002, 0.02);
  machine.rework_share = random.chance(0.4) ? random.between(0.002, 0.008) : 0;
  machine.buffer_pieces = random.integer(12, 40);
  machine.tool_life_pieces = random.integer(900, 2500);
  machine.running_kw = random.between(4, 22);
  return machine;
}

LineModel make_line(std::size_t index, std::size_t machines, const std::vector<ProductModel>& products,
                    Random& random) {
  LineModel line;
  line.id = fmt::format("L{:02}", index + 1);
  line.area = (index / kLinesPerArea) % kAreas.size();
  line.name = fmt::format("{} line {}", kAreas[line.area], index + 1);
  line.runs_through_breaks = random.chance(0.3);
  line.names_product = index % 2 == 0;
  const double takt = index % 5 == 3 ? random.between(55, 110) : random.between(7, 32);
  std::vector<double> cycles;
  for (std::size_t i = 0; i < products.size(); ++i) cycles.push_back(takt * random.between(0.75, 1.3));
  for (std::size_t i = 0; i < machines; ++i) {
    MachineModel machine = make_machine(cycles, random);
    machine.id = fmt::format("{}-M{}", line.id, i + 1);
    machine.name = fmt::format("{} {}", kMachineKinds[line.area][i], index + 1);
    machine.measures = i + 1 == machines || i == 1;
    machine.reporting = reporting_of(takt, index, i + 1 == machines);
    line.machines.push_back(std::move(machine));
  }
  return line;
}

constexpr std::string_view kHead = R"([plant]
id = "SIM"
name = "Simulated plant"
timezone = "Europe/Berlin"
minor_stops = "availability"

[[shift]]
id = "early"
name = "Early shift"
start = "06:00"
end = "14:00"
breaks = [["09:00", "09:30"]]

[[shift]]
id = "late"
name = "Late shift"
start = "14:00"
end = "22:00"
breaks = [["18:00", "18:30"]]

[[shift]]
id = "night"
name = "Night shift"
days = ["mon", "tue", "wed", "thu", "fri", "sun"]
start = "22:00"
end = "06:00"
breaks = [["01:00", "01:30"]]

)";

struct ReasonRow {
  std::string_view code, name, parent, category;
};
constexpr ReasonRow kReasons[] = {
    {"FAIL", "Failure", "", "failure"},
    {"FAIL.MECH", "Mechanical failure", "FAIL", ""},
    {"FAIL.MECH.BEARING", "Bearing", "FAIL.MECH", ""},
    {"FAIL.MECH.DRIVE", "Drive or belt", "FAIL.MECH", ""},
    {"FAIL.ELEC", "Electrical failure", "FAIL", ""},
    {"FAIL.ELEC.SENSOR", "Sensor", "FAIL.ELEC", ""},
    {"FAIL.ELEC.CONTROL", "Control", "FAIL.ELEC", ""},
    {"FAIL.PNEU", "Pneumatics or hydraulics", "FAIL", ""},
    {"FAIL.TOOL", "Broken tool", "FAIL", ""},
    {"SETUP", "Set-up", "", "setup"},
    {"SETUP.CHANGEOVER", "Changeover", "SETUP", ""},
    {"SETUP.TOOL", "Tool change", "SETUP", ""},
    {"MAT", "Material flow", "", "material"},
    {"MAT.STARVED", "No parts from upstream", "MAT", ""},
    {"MAT.BLOCKED", "No room downstream", "MAT", ""},
    {"MAT.MISSING", "Raw material missing", "MAT", ""},
    {"OPER", "Operator", "", "operator"},
    {"OPER.ABSENT", "Operator absent", "OPER", ""},
    {"QUAL", "Quality", "", "quality"},
    {"QUAL.CHECK", "Waiting for inspection", "QUAL", ""},
    {"PLAN", "Planned stop", "", "planned"},
    {"PLAN.BREAK", "Break", "PLAN", ""},
    {"PLAN.MAINT", "Preventive maintenance", "PLAN", ""},
    {"PLAN.OFF", "No shift", "PLAN", ""},
};
constexpr std::pair<std::string_view, std::string_view> kDefects[] = {
    {"BURR", "Burr"}, {"SCRATCH", "Scratch"}, {"DIM", "Out of dimension"}, {"CRACK", "Crack"}, {"STAIN", "Stain"}};
struct TagRow {
  std::string_view name, unit, kind;
};
constexpr TagRow kTags[] = {{"spindle.temp", "Cel", "gauge"},
                            {"vibration", "mm/s", "gauge"},
                            {"motor.current", "A", "gauge"},
                            {"air.pressure", "bar", "gauge"}};

using Text = std::back_insert_iterator<std::string>;

void append_reasons(Text out) {
  for (const ReasonRow& row : kReasons) {
    fmt::format_to(out, "[[reason]]\ncode = \"{}\"\nname = \"{}\"\n", row.code, row.name);
    if (!row.parent.empty()) fmt::format_to(out, "parent = \"{}\"\n", row.parent);
    if (!row.category.empty()) fmt::format_to(out, "category = \"{}\"\n", row.category);
    fmt::format_to(out, "\n");
  }
  for (const auto& [code, name] : kDefects) {
    fmt::format_to(out, "[[defect]]\ncode = \"{}\"\nname = \"{}\"\n\n", code, name);
  }
}

void append_products(Text out, const PlantModel& plant) {
  for (const ProductModel& product : plant.products) {
    fmt::format_to(out, "[[product]]\nid = \"{}\"\nname = \"{}\"\n\n", product.id, product.name);
    fmt::format_to(out,
                   "[[characteristic]]\nproduct = \"{}\"\nname = \"diameter\"\nlsl = {:.2f}\nusl = {:.2f}\n"
                   "target = {:.2f}\nsubgroup_size = {}\n\n",
                   product.id, product.diameter_mm - kDiameterTolerance, product.diameter_mm + kDiameterTolerance,
                   product.diameter_mm, kSubgroupSize);
  }
}

void append_machine(Text out, const PlantModel& plant, const LineModel& line, const MachineModel& machine) {
  fmt::format_to(out, "[[machine]]\nid = \"{}\"\nname = \"{}\"\nline = \"{}\"\nminor_stop_s = {}\n\n", machine.id,
                 machine.name, line.id, kMinorStopSeconds);
  for (std::size_t i = 0; i < plant.products.size(); ++i) {
    fmt::format_to(out, "[[ideal_cycle]]\nmachine = \"{}\"\nproduct = \"{}\"\nseconds = {:.2f}\n\n", machine.id,
                   plant.products[i].id, machine.ideal_cycle_s[i]);
  }
  for (const TagRow& tag : kTags) {
    fmt::format_to(out, "[[tag]]\nmachine = \"{}\"\nname = \"{}\"\nunit = \"{}\"\nkind = \"{}\"\n\n", machine.id,
                   tag.name, tag.unit, tag.kind);
  }
}

}  // namespace

PlantModel plant_model(std::size_t machines, std::uint64_t seed) {
  Random random{mix(seed, 0x706C616E74)};
  PlantModel plant;
  plant.products = make_products(random);
  for (std::size_t left = std::max<std::size_t>(machines, 1); left > 0;) {
    const std::size_t size = line_size(left, random);
    plant.lines.push_back(make_line(plant.lines.size(), size, plant.products, random));
    left -= size;
  }
  const std::size_t areas = std::min(kAreas.size(), (plant.lines.size() + kLinesPerArea - 1) / kLinesPerArea);
  plant.areas.assign(kAreas.begin(), kAreas.begin() + static_cast<std::ptrdiff_t>(areas));
  return plant;
}

std::string plant_toml(std::size_t machines, std::uint64_t seed) {
  const PlantModel plant = plant_model(machines, seed);
  std::string text{kHead};
  const Text out{text};
  append_reasons(out);
  append_products(out, plant);
  for (std::size_t i = 0; i < plant.areas.size(); ++i) {
    fmt::format_to(out, "[[area]]\nid = \"A{}\"\nname = \"{}\"\n\n", i + 1, plant.areas[i]);
  }
  for (const LineModel& line : plant.lines) {
    fmt::format_to(out, "[[line]]\nid = \"{}\"\nname = \"{}\"\narea = \"A{}\"\n\n", line.id, line.name,
                   line.area + 1);
    for (const MachineModel& machine : line.machines) append_machine(out, plant, line, machine);
  }
  return text;
}

}  // namespace takt
