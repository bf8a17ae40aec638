# FOLDER/0001_name.up.sql and .down.sql, all of them, as OUTPUT, the definition of takt::sqlite_migrations().
file(GLOB ups RELATIVE ${FOLDER} ${FOLDER}/*.up.sql)
list(SORT ups)
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
  string(APPEND entries "    {${version}, \"${name}\", R\"~sql~(${up_text})~sql~\", R\"~sql~(${down_text})~sql~\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"export/migrations.h\"

namespace takt {

std::span<const Migration> sqlite_migrations() {
  static constexpr Migration kMigrations[] = {
${entries}  };
  return kMigrations;
}

}  // namespace takt
")
