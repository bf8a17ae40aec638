# cmake -DINTO=folder -P unpack_influxd.cmake: InfluxDB 1.6 of Debian 12, and its client, unpacked and not installed: an
# installed one would start with the machine and hold its port. Builds share the folder, hence the lock.
file(MAKE_DIRECTORY ${INTO})
file(LOCK ${INTO} DIRECTORY)
if(EXISTS ${INTO}/usr/bin/influxd AND EXISTS ${INTO}/usr/bin/influx)
  return()
endif()
execute_process(COMMAND apt-get --quiet -o Acquire::Retries=3 download influxdb influxdb-client WORKING_DIRECTORY ${INTO}
  OUTPUT_QUIET ERROR_VARIABLE errors RESULT_VARIABLE failed)
if(failed)
  message(WARNING "apt-get download influxdb influxdb-client failed:\n${errors}\nIts test is skipped until Debian's "
    "archive was there once.")
  return()
endif()
file(GLOB packages ${INTO}/influxdb*.deb)
foreach(package ${packages})
  execute_process(COMMAND dpkg-deb --extract ${package} ${INTO} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
