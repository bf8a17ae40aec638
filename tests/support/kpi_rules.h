// What holds of every answer of /v1/kpis.
#pragma once

#include "tests/support/arithmetic.h"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

namespace takt {

/// All 34 are there in order; a value is its formula with the inputs put in; without one there is a reason.
inline void expect_sound(const nlohmann::json& answer) {
  ASSERT_EQ(answer.at("kpis").size(), 34U) << answer;
  int number = 0;
  for (const nlohmann::json& kpi : answer["kpis"]) {
    ASSERT_EQ(kpi.at("number"), ++number) << kpi;
    ASSERT_NE(kpi.at("value").is_null(), kpi.at("reason").is_null()) << kpi;
    ASSERT_FALSE(kpi.at("unit").get<std::string>().empty()) << kpi;
    Arithmetic::Numbers numbers;
    for (const auto& [symbol, input] : kpi.at("inputs").items()) {
      if (!input.is_null()) numbers.emplace(symbol, input.get<double>());
    }
    const auto value = Arithmetic::value(kpi.at("formula").get<std::string>(), numbers);
    if (kpi["value"].is_null()) {
      // The ideal good time over PBT is zero, not absent, where nothing was produced.
      ASSERT_FALSE(value) << kpi;
    } else {
      ASSERT_TRUE(value) << kpi;
      ASSERT_NEAR(kpi["value"].get<double>(), *value, 1e-9 * (1 + std::abs(*value))) << kpi;
    }
  }
}

/// The KPI of a name; null if there is none.
inline nlohmann::json kpi_of(const nlohmann::json& answer, std::string_view id) {
  for (const nlohmann::json& kpi : answer.at("kpis")) {
    if (kpi.at("id") == id) return kpi;
  }
  return nullptr;
}

}  // namespace takt
