# Packs the archive, unpacks it elsewhere, and builds the programs of find_package/ on it.
# usage: cmake -D BUILD=.. -D CONFIG=.. -D CPACK=.. -D WORK=.. -D SOURCE=.. -D COMPILER=.. -D GENERATOR=.. -P archive.cmake
file(REMOVE_RECURSE ${WORK})
execute_process(COMMAND ${CPACK} -G TGZ -C ${CONFIG} --config ${BUILD}/CPackConfig.cmake -B ${WORK}/packages
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(GLOB archives ${WORK}/packages/*.tar.gz)
list(LENGTH archives count)
if(NOT count EQUAL 1)
    message(FATAL_ERROR "one archive was to be made: ${archives}")
endif()
file(ARCHIVE_EXTRACT INPUT ${archives} DESTINATION ${WORK}/unpacked)
file(GLOB_RECURSE config ${WORK}/unpacked/*/adjointConfig.cmake)
if(NOT config)
    message(FATAL_ERROR "${archives} has no CMake package")
endif()
cmake_path(GET config PARENT_PATH folder)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -Dadjoint_DIR=${folder}
                        -DCMAKE_CXX_COMPILER=${COMPILER} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK}/build/consumer COMMAND_ERROR_IS_FATAL ANY)
