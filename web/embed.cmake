# cmake -DFROM=folder -DTO=folder -P embed.cmake: compresses every file of FROM and writes TO/embedded.S, which takes the
# bytes into the binary, and TO/embedded.cc, the table behind web/assets.h.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_json "application/json")
set(type_svg "image/svg+xml")
set(type_png "image/png")
set(type_webmanifest "application/manifest+json")

file(REMOVE_RECURSE ${TO}/gzip)
file(GLOB_RECURSE files RELATIVE ${FROM} ${FROM}/*)
if(NOT files)
  message(FATAL_ERROR "no files to embed in ${FROM}")
endif()
list(SORT files)

set(assembly "  .section .rodata\n")
set(externs "")
set(rows "")
set(index 0)
foreach(path IN LISTS files)
  string(REGEX MATCH "[^.]+$" extension "${path}")
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "embed.cmake knows no content type for ${path}: add one")
  endif()
  set(packed "${TO}/gzip/${index}.gz")
  file(MAKE_DIRECTORY ${TO}/gzip)
  # -n leaves out name and time: the same page gives the same bytes, and so the same etag.
  execute_process(COMMAND gzip -9nc ${FROM}/${path} OUTPUT_FILE ${packed} COMMAND_ERROR_IS_FATAL ANY)
  file(SHA256 ${packed} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  # `.global` names of our own, hidden: nobody outside the binary needs them.
  string(APPEND assembly "  .global takt_web_${index}\n  .hidden takt_web_${index}\n  .global takt_web_end_${index}\n"
    "  .hidden takt_web_end_${index}\ntakt_web_${index}:\n  .incbin \"${packed}\"\ntakt_web_end_${index}:\n")
  string(APPEND externs "extern const char takt_web_${index}[];\nextern const char takt_web_end_${index}[];\n")
  string(APPEND rows "      {\"/${path}\", \"${type_${extension}}\", \"\\\"${hash}\\\"\",\n"
    "       bytes(takt_web_${index}, takt_web_end_${index})},\n")
  math(EXPR index "${index} + 1")
endforeach()
string(APPEND assembly "  .section .note.GNU-stack,\"\",@progbits\n")

file(WRITE ${TO}/embedded.S "${assembly}")
file(WRITE ${TO}/embedded.cc "// Written by web/embed.cmake.
#include \"web/assets.h\"

extern \"C\" {
${externs}}

namespace takt {
namespace {
std::string_view bytes(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }
}  // namespace

std::span<const Asset> web_assets() {
  static const Asset assets[] = {
${rows}  };
  return assets;
}

}  // namespace takt
")
