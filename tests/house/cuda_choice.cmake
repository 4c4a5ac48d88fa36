# What cmake/AdjointCudaChoice.cmake makes of toolkits and cards that are not here, by toolkits of two shell scripts.
# usage: cmake -D SOURCE=... -D WORK=... -P cuda_choice.cmake
cmake_minimum_required(VERSION 3.25)
include(${SOURCE}/cmake/AdjointCudaChoice.cmake)

# A toolkit whose nvcc and whose query for cards do this.
function(make_toolkit nvcc query)
    file(REMOVE_RECURSE ${WORK})
    file(WRITE ${WORK}/bin/nvcc "#!/bin/sh\n${nvcc}\n")
    file(WRITE ${WORK}/bin/__nvcc_device_query "#!/bin/sh\n${query}\n")
    file(CHMOD ${WORK}/bin/nvcc ${WORK}/bin/__nvcc_device_query PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endfunction()
function(expect what got expected)
    if(NOT got STREQUAL expected)
        message(SEND_ERROR "${what}: \"${got}\", expected \"${expected}\"")
    endif()
endfunction()

set(knows "printf 'sm_75\\nsm_80\\nsm_86\\nsm_89\\nsm_90\\n'")
set(everything "75-real;80-real;86-real;89-real;90")
foreach(case IN ITEMS "printf 90=90-real" "printf 86,75=86-real;75-real" "printf '90\\n90\\n'=90-real"
                      "exit 1=${everything}" "printf 120=${everything}" "printf 120,86=86-real")
    string(FIND "${case}" "=" at REVERSE)
    string(SUBSTRING "${case}" 0 ${at} query)
    math(EXPR at "${at} + 1")
    string(SUBSTRING "${case}" ${at} -1 expected)
    make_toolkit("${knows}" "${query}")
    adjoint_default_architectures(got ${WORK}/bin/nvcc)
    expect("cards by ${query}" "${got}" "${expected}")
endforeach()
file(REMOVE ${WORK}/bin/__nvcc_device_query)
adjoint_default_architectures(got ${WORK}/bin/nvcc)
expect("a toolkit without the query" "${got}" "${everything}")

make_toolkit("echo 'Cuda compilation tools, release 11.8, V11.8.89'" "exit 1")
adjoint_nvcc_version(got ${WORK}/bin/nvcc)
expect("version" "${got}" 11.8)
if(NOT got VERSION_LESS adjoint_oldest_cuda)
    message(SEND_ERROR "CUDA 11.8 is older than ${adjoint_oldest_cuda}")
endif()
make_toolkit("exit 1" "exit 1")
adjoint_nvcc_version(got ${WORK}/bin/nvcc)
expect("an nvcc that fails" "${got}" "")

# The whole configuration on an old toolkit: off by itself, an error where CUDA was asked for.
make_toolkit("echo 'Cuda compilation tools, release 11.8, V11.8.89'" "exit 1")
foreach(wish IN ITEMS AUTO ON)
    execute_process(COMMAND ${CMAKE_COMMAND} -E env CUDACXX=${WORK}/bin/nvcc
                    ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -D ADJOINT_CUDA=${wish} -D ADJOINT_TESTS=OFF
                    -D ADJOINT_CPU_LEVELS=all -D CMAKE_CXX_COMPILER=${COMPILER}
                    OUTPUT_VARIABLE said ERROR_VARIABLE wrong RESULT_VARIABLE outcome)
    if(wish STREQUAL AUTO AND NOT (outcome EQUAL 0 AND said MATCHES "CUDA off \\(CUDA 11.8 is older than 12.0"))
        message(SEND_ERROR "AUTO with CUDA 11.8: ${outcome}\n${said}\n${wrong}")
    elseif(wish STREQUAL ON AND NOT (outcome AND wrong MATCHES "CUDA 11.8 is older than 12.0"))
        message(SEND_ERROR "ON with CUDA 11.8: ${outcome}\n${said}\n${wrong}")
    endif()
endforeach()
