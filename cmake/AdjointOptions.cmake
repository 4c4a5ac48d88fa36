# What can be chosen when configuring, and the compiler flags that follow from it.
option(ADJOINT_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(ADJOINT_EXAMPLES "Build the programs of python_free_examples/; TOOLS for those of the package" ${PROJECT_IS_TOP_LEVEL})
option(ADJOINT_BENCH "Build the benchmarks" ${PROJECT_IS_TOP_LEVEL})
option(ADJOINT_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})
option(ADJOINT_UNITY "Compile the sources of a folder a few at a time as one file" ON)
option(ADJOINT_SOON "Compile what does not compute with less optimisation, in less time" OFF)
option(ADJOINT_EMULATION "Of the tests: CUDA's kernels compiled for an emulator" ON)
option(ADJOINT_SUITES "Of the tests: one of ctest is a suite of GoogleTest instead of a case" OFF)
option(ADJOINT_WERROR "Treat warnings in our code as errors" OFF)
# As a part of another project it stays out of its languages unless it is asked for.
set(cuda_default OFF)
if(PROJECT_IS_TOP_LEVEL)
    set(cuda_default AUTO)
endif()
set(ADJOINT_CUDA ${cuda_default} CACHE STRING "CUDA backend: AUTO (when nvcc is found), ON or OFF")
set(ADJOINT_ONNX AUTO CACHE STRING "The library adjoint::onnx: AUTO (when protozero is found), ON or OFF")
set(ADJOINT_MPI AUTO CACHE STRING "MPI in the library adjoint::distributed: AUTO (when it is found), ON or OFF")
set(ADJOINT_IMAGES AUTO CACHE STRING "PNG and JPEG files: AUTO (what libpng and libjpeg are found for), ON (both) or OFF")
set(ADJOINT_BLAS OWN CACHE STRING "Matrix products on the CPU: OWN, ONEDNN or OPENBLAS")
set(ADJOINT_CPU_LEVELS all CACHE STRING
    "Instruction set levels of x86-64 to compile kernels for: all, native (this machine's alone), or some of v2;v3;v4")
set(ADJOINT_SANITIZE "" CACHE STRING "Sanitizers to build with: \"address;undefined\" or \"thread\"")
set_property(CACHE ADJOINT_CUDA ADJOINT_ONNX ADJOINT_MPI ADJOINT_IMAGES PROPERTY STRINGS AUTO ON OFF)
set_property(CACHE ADJOINT_BLAS PROPERTY STRINGS OWN ONEDNN OPENBLAS)

if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
    get_property(multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
    if(NOT CMAKE_BUILD_TYPE AND NOT multi_config)
        set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
    endif()
    find_program(ADJOINT_CCACHE ccache)
    mark_as_advanced(ADJOINT_CCACHE)
    if(ADJOINT_CCACHE)
        foreach(language CXX CUDA)
            if(NOT DEFINED CMAKE_${language}_COMPILER_LAUNCHER)
                set(CMAKE_${language}_COMPILER_LAUNCHER ${ADJOINT_CCACHE})
            endif()
        endforeach()
    endif()
endif()

set(adjoint_sanitize_flags "")
if(ADJOINT_SANITIZE)
    list(JOIN ADJOINT_SANITIZE "," sanitizers)
    set(adjoint_sanitize_flags -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()

# For everything we write: library, tests, programs. Contraction is off because a fused multiply-add rounds once where
# two operations round twice: the same seed would give other bits at another instruction set level. The standard is
# spelt out for nvcc because CMake 3.25 does not know that it has C++20.
function(adjoint_own_flags target)
    set(warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
    set(numbers -ffp-contract=off -fno-math-errno -fno-trapping-math)
    list(JOIN numbers "," numbers_for_nvcc)
    # GCC 12 takes "text" + std::string for an overlapping copy (GCC bug 105651).
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
        list(APPEND warnings -Wno-restrict)
    endif()
    # There a size of the standard library has 32 bits; no array is larger.
    if(EMSCRIPTEN)
        list(APPEND warnings -Wno-shorten-64-to-32)
    endif()
    # With sanitizers it sees an empty std::optional as something that was not initialised (its manual warns of that).
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND ADJOINT_SANITIZE)
        list(APPEND warnings -Wno-maybe-uninitialized)
    endif()
    target_compile_options(${target} PRIVATE
        "$<$<COMPILE_LANGUAGE:CXX>:${warnings};${numbers}>"
        "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;-Xcompiler=-Wall,-Wextra,${numbers_for_nvcc};-fmad=false>")
    if(ADJOINT_WERROR)
        target_compile_options(${target} PRIVATE
            $<$<COMPILE_LANGUAGE:CXX>:-Werror>
            "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings>")
    endif()
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# What the objects of the library have besides.
function(adjoint_library_flags target)
    adjoint_own_flags(${target})
    target_compile_features(${target} PUBLIC cxx_std_20)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    # The tests look inside: where they are to find errors of a shared library (preset dev) it hides nothing.
    if(NOT ADJOINT_SANITIZE OR NOT BUILD_SHARED_LIBS)
        set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    endif()
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${adjoint_sanitize_flags}>")
    target_include_directories(${target} PRIVATE
        ${adjoint_include_view} ${adjoint_include_generated} ${adjoint_include_private})
endfunction()

# Most of what a small source costs is its headers: those of one folder are compiled `size` at a time, in the order of
# their names. So names without linkage have to be unique in a folder, which a reader is glad of as well.
function(adjoint_unity target size)
    if(NOT ADJOINT_UNITY)
        return()
    endif()
    get_target_property(sources ${target} SOURCES)
    set(folder "")
    foreach(source IN LISTS sources)
        cmake_path(ABSOLUTE_PATH source)
        cmake_path(GET source PARENT_PATH parent)
        cmake_path(RELATIVE_PATH parent BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
        if(NOT parent STREQUAL folder)
            set(folder ${parent})
            set(place 0)
        endif()
        math(EXPR part "${place} / ${size}")
        math(EXPR place "${place} + 1")
        string(MAKE_C_IDENTIFIER "${folder}_${part}" group)
        set_property(SOURCE ${source} PROPERTY UNITY_GROUP ${group})
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    # GCC bounds what inlining may add to a file: to several together it would grant less than to each alone.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=inline-unit-growth=300>)
endfunction()

# With ADJOINT_SOON what leaves the work to the rest is compiled with -O1, and without optimisation for finding errors, where
# sanitizers make the optimiser slow. usage: adjoint_soon(TARGET [Debug]): for finding errors alone
function(adjoint_soon target)
    if(NOT ADJOINT_SOON)
        return()
    endif()
    target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O0>)
    if(NOT ARGN)
        target_compile_options(${target} PRIVATE $<$<CONFIG:Release,RelWithDebInfo>:-O1>)
    endif()
endfunction()

# What most sources read first is read once, where the compiler is called without a cache: ccache does not look into such a
# file and would compile everything anew. usage: adjoint_precompile(TARGET [REUSE_FROM OTHER | HEADER..])
function(adjoint_precompile target)
    if(NOT ADJOINT_UNITY OR NOT PROJECT_IS_TOP_LEVEL OR CMAKE_CXX_COMPILER_LAUNCHER MATCHES "cache")
        return()
    endif()
    if("${ARGV1}" STREQUAL REUSE_FROM)
        target_precompile_headers(${target} ${ARGN})
    elseif(ARGN)
        target_precompile_headers(${target} PRIVATE ${ARGN})
    else()
        target_precompile_headers(${target} PRIVATE <algorithm> <functional> <map> <memory> <string> <vector>
                                  <adjoint/core/base/format.h> <adjoint/core/tensor/creation.h>)
    endif()
endfunction()

# Whoever links a sanitized library in this tree must be sanitized too.
function(adjoint_sanitize_users target)
    if(adjoint_sanitize_flags)
        target_compile_options(${target} PUBLIC
            "$<BUILD_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:${adjoint_sanitize_flags}>>")
        target_link_options(${target} PUBLIC "$<BUILD_INTERFACE:${adjoint_sanitize_flags}>")
    endif()
endfunction()

function(adjoint_report)
    if(BUILD_SHARED_LIBS)
        set(kind shared)
    else()
        set(kind static)
    endif()
    list(JOIN adjoint_isa_levels " " levels)
    set(type ${CMAKE_BUILD_TYPE})
    if(NOT type)
        set(type "no build type")
    endif()
    message(STATUS "adjoint ${PROJECT_VERSION}: ${kind}, ${type}, BLAS ${ADJOINT_BLAS}, "
                   "CUDA ${adjoint_cuda_state}, ONNX ${adjoint_onnx_state}, MPI ${adjoint_mpi_state}, "
                   "images ${adjoint_image_state}, CPU levels ${levels}, fmt ${adjoint_fmt_version} ${adjoint_fmt_state}")
endfunction()
