# Installs the build tree and moves the result: nothing in it may remember where it was put first.
# usage: cmake -D BUILD=... -D CONFIG=... -D PREFIX=... -P install.cmake
file(REMOVE_RECURSE ${PREFIX} ${PREFIX}-first)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${PREFIX}-first
                COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
file(RENAME ${PREFIX}-first ${PREFIX})
file(GLOB_RECURSE installed RELATIVE ${PREFIX} ${PREFIX}/*)
foreach(file IN LISTS installed)
    if(file MATCHES "/cpu/|adjoint/cuda/|core/base/format\\.h|fmt|nlohmann|protozero|external_files\\.h")
        message(SEND_ERROR "installed, but private: ${file}")
    endif()
endforeach()
file(GLOB_RECURSE texts ${PREFIX}/*.cmake ${PREFIX}/*.pc)
foreach(file IN LISTS texts)
    file(READ ${file} text)
    if(text MATCHES "fmt|nlohmann|protozero|GTest|cudart|CUDAToolkit|CUDA::|/cuda|${PREFIX}-first")
        message(SEND_ERROR "${file} names a private dependency, a toolkit that its user may lack, or the folder it was installed in: ${CMAKE_MATCH_0}")
    endif()
endforeach()
