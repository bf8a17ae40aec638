// Limits of questions to the API.
#pragma once

#include <chrono>

namespace takt {

struct FrontOptions {
  std::chrono::milliseconds query_timeout{3000};  ///< after which a question is given up; 0: never
  std::chrono::milliseconds slow_query{1000};     ///< what takes longer is logged; 0: nothing is
  double requests_per_second = 1000;              ///< of one address but this machine's own; 0: any number
};

}  // namespace takt
