# cmake -DIN=folder -P npm_ci.cmake: installs what IN/package-lock.json says, unless that has been done. Several build
# folders share one node_modules; the lock keeps two builds from installing into it at once.
file(LOCK ${IN}/.npm_lock)
if(EXISTS ${IN}/node_modules/.installed AND NOT ${IN}/package-lock.json IS_NEWER_THAN ${IN}/node_modules/.installed)
  return()
endif()
# No package here needs an install script, and what does not run cannot do harm.
execute_process(COMMAND npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --no-update-notifier --loglevel=error
  WORKING_DIRECTORY ${IN} OUTPUT_QUIET ERROR_VARIABLE errors RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "npm ci failed in ${IN}:\n${errors}\nIt needs the npm registry once; or build with -DTAKT_WEB=OFF.")
endif()
file(TOUCH ${IN}/node_modules/.installed)
