# FOLDER/0001_name.up.sql and .down.sql, all of them, as OUTPUT: the definitions of takt::sqlite_migrations() and
# takt::postgres_migrations(). schema/sql/README.md says what of the text is written how in each.
function(in_words_of dialect text out)
  if(dialect STREQUAL sqlite)
    set(integer INTEGER)
    set(number REAL)
    set(moment TEXT)
    set(date TEXT)
    set(truth INTEGER)
    set(json TEXT)
    set(strict " STRICT")
    set(by_month "")
    set(rowless " STRICT, WITHOUT ROWID")
    set(greatest max)
    set(snapshot VIEW)
    set(other postgres)
    set(ago "strftime('%Y-%m-%dT%H:%M:%SZ', w.flushed_us / 1000000 - \\1, 'unixepoch')")
    set(instant "julianday(\\1)")
  else()
    set(integer bigint)
    set(number "double precision")
    set(moment timestamptz)
    set(date date)
    set(truth boolean)
    set(json jsonb)
    set(strict "")
    set(by_month " PARTITION BY RANGE (\\1)")
    set(rowless "")
    set(greatest greatest)
    set(snapshot "MATERIALIZED VIEW")
    set(other sqlite)
    set(ago "w.flushed_at - interval '\\1 seconds'")
    set(instant "\\1")
  endif()
  string(REGEX REPLACE "@${other} [^\n]*\n" "" text "${text}")
  string(REPLACE "@${dialect} " "" text "${text}")
  foreach(word integer number moment date truth json strict rowless greatest snapshot)
    string(REPLACE "@${word}@" "${${word}}" text "${text}")
  endforeach()
  string(REGEX REPLACE "@seconds_ago\\(([0-9]+)\\)@" "${ago}" text "${text}")
  string(REGEX REPLACE "@by_month\\(([a-z_]+)\\)@" "${by_month}" text "${text}")
  string(REGEX REPLACE "@instant\\(([a-z_.]+)\\)@" "${instant}" text "${text}")
  if(text MATCHES "@[a-z]")
    message(FATAL_ERROR "a word that schema/sql/README.md does not know: ${text}")
  endif()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

file(GLOB ups RELATIVE ${FOLDER} ${FOLDER}/*.up.sql)
list(SORT ups)
set(definitions "")
foreach(dialect sqlite postgres)
  set(entries "")
  foreach(up ${ups})
    string(REGEX MATCH "^0*([0-9]+)_(.*)\\.up\\.sql$" matched ${up})
    if(NOT matched)
      message(FATAL_ERROR "${up}: a migration is called 0001_name.up.sql")
    endif()
    set(version ${CMAKE_MATCH_1})
    set(name ${CMAKE_MATCH_2})
    string(REPLACE ".up.sql" ".down.sql" down ${up})
    file(READ ${FOLDER}/${up} up_text)
    file(READ ${FOLDER}/${down} down_text)
    in_words_of(${dialect} "${up_text}" up_text)
    in_words_of(${dialect} "${down_text}" down_text)
    string(APPEND entries "    {${version}, \"${name}\", R\"~sql~(${up_text})~sql~\", R\"~sql~(${down_text})~sql~\"},\n")
  endforeach()
  string(APPEND definitions "
std::span<const Migration> ${dialect}_migrations() {
  static constexpr Migration kMigrations[] = {
${entries}  };
  return kMigrations;
}
")
endforeach()
file(READ ${FOLDER}/roles.sql roles)
string(APPEND definitions "
std::string_view postgres_roles() {
  return R\"~sql~(${roles})~sql~\";
}
")
file(WRITE ${OUTPUT} "#include \"export/migrations.h\"

namespace takt {
${definitions}
}  // namespace takt
")
