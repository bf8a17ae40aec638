# Flags belong to targets; warnings are errors in our code alone. -Wnull-dereference is not among them:
# from -O2 on, gcc 12 finds it in the standard library.
add_library(takt_warnings INTERFACE)
target_compile_options(takt_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond;-Wlogical-op>
  $<$<CONFIG:Release>:-Wno-restrict>)  # gcc 12 at -O3 reports it for "text" + std::string (its bug 105651)

add_library(takt_options INTERFACE)
target_include_directories(takt_options INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
if(TAKT_SANITIZE)
  target_compile_options(takt_options INTERFACE -fsanitize=${TAKT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(takt_options INTERFACE -fsanitize=${TAKT_SANITIZE})
endif()
if(TAKT_SANITIZE MATCHES "thread")
  # gcc's TSan knows no fences; the code that needs them does not run in these builds.
  target_compile_options(takt_options INTERFACE -Wno-tsan)
endif()

# takt_library(engine DEPENDS takt_schema PRIVATE RocksDB::rocksdb): every .cc of the folder, public headers beside them.
function(takt_library name)
  cmake_parse_arguments(ARG "" "PRECOMPILED" "DEPENDS;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  # A folder below with a CMakeLists.txt is a library of its own.
  file(GLOB inner_libraries RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(inner ${inner_libraries})
    cmake_path(GET inner PARENT_PATH inner)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_CURRENT_SOURCE_DIR}/${inner}/")
  endforeach()
  if(sources)
    add_library(takt_${name} STATIC ${sources})
    target_link_libraries(takt_${name} PUBLIC takt_options ${ARG_DEPENDS} PRIVATE takt_warnings ${ARG_PRIVATE})
    if(ARG_PRECOMPILED)
      takt_use_precompiled_headers(takt_${name} ${ARG_PRECOMPILED})
    endif()
  else()
    add_library(takt_${name} INTERFACE)
    target_link_libraries(takt_${name} INTERFACE takt_options ${ARG_DEPENDS} ${ARG_PRIVATE})
  endif()
endfunction()
