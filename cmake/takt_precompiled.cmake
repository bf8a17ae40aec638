# Headers that nearly every source includes, parsed once for all of them: with TAKT_PRECOMPILE a cold build takes a third
# less. The Release presets and asan ask for it; in the others a source sees what it includes itself, and clang-tidy with it.
option(TAKT_PRECOMPILE "Precompile the headers that most sources include" OFF)

# takt_precompiled_headers(NAME LINK library... HEADERS header...): what takt_library's PRECOMPILED takes. gcc refuses
# them to a target that defines what they read otherwise; so LINK is what all of its users link.
function(takt_precompiled_headers name)
  cmake_parse_arguments(ARG "" "" "LINK;HEADERS" ${ARGN})
  if(TAKT_PRECOMPILE)
    file(CONFIGURE OUTPUT ${name}.cc CONTENT "")
    add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
    target_link_libraries(${name} PRIVATE takt_options takt_warnings ${ARG_LINK})
    target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
  endif()
endfunction()

function(takt_use_precompiled_headers target name)
  if(TAKT_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()

set(takt_common_headers
  <algorithm> <array> <atomic> <charconv> <chrono> <cmath> <condition_variable> <cstring> <deque> <filesystem> <fstream>
  <functional> <map> <memory> <memory_resource> <mutex> <optional> <set> <shared_mutex> <span> <string> <string_view>
  <thread> <unordered_map> <variant> <vector> <boost/json.hpp> <boost/system/result.hpp> <fmt/format.h>)
takt_precompiled_headers(takt_common_headers LINK Boost::headers Boost::json fmt::fmt HEADERS ${takt_common_headers})
# What includes the store is compiled anew with every header of the engine anyway. Not RocksDB's: to load them costs every
# source more than the few that use them save.
takt_precompiled_headers(takt_store_headers LINK Boost::headers Boost::json fmt::fmt
  HEADERS ${takt_common_headers} "${PROJECT_SOURCE_DIR}/engine/store.h")
# Every sub-command's; parsing CLI11 takes longer than compiling most of them.
takt_precompiled_headers(takt_cli_headers LINK Boost::headers Boost::json fmt::fmt CLI11::CLI11 spdlog::spdlog
  HEADERS ${takt_common_headers} "${PROJECT_SOURCE_DIR}/engine/store.h" <CLI/CLI.hpp>)
