# The libraries behind the library. All of them are private: no header and no symbol of theirs reaches a user.
include(${CMAKE_CURRENT_LIST_DIR}/AdjointLibraries.cmake)

if(EMSCRIPTEN)
    include(${CMAKE_CURRENT_LIST_DIR}/AdjointWasm.cmake)
endif()

# What a superproject has brought under the usual name is taken; the system's is looked for otherwise.
macro(adjoint_find package target)
    if(NOT TARGET ${target})
        find_package(${package} ${ARGN})
    endif()
endmacro()

set(THREADS_PREFER_PTHREAD_FLAG ON)
adjoint_find(Threads Threads::Threads REQUIRED)
adjoint_find(ZLIB ZLIB::ZLIB REQUIRED)
adjoint_find(fmt fmt::fmt REQUIRED)
adjoint_find(nlohmann_json nlohmann_json::nlohmann_json REQUIRED)

if(NOT ADJOINT_BLAS MATCHES "^(OWN|ONEDNN|OPENBLAS)$")
    message(FATAL_ERROR "ADJOINT_BLAS is \"${ADJOINT_BLAS}\"; it can be OWN, ONEDNN or OPENBLAS")
endif()
string(TOLOWER ${ADJOINT_BLAS} adjoint_blas)
set(adjoint_private_definitions "")
set(adjoint_link_libraries Threads::Threads ZLIB::ZLIB)
if(NOT ADJOINT_BLAS STREQUAL OWN)
    cmake_language(CALL adjoint_find_${adjoint_blas})
    if(NOT TARGET adjoint::${adjoint_blas})
        message(FATAL_ERROR "ADJOINT_BLAS is ${ADJOINT_BLAS}, but that library was not found; "
                            "on Debian or Ubuntu: apt install libdnnl-dev or libopenblas-dev")
    endif()
    list(APPEND adjoint_link_libraries adjoint::${adjoint_blas})
endif()

# Image files, each kind where its library is found.
set(adjoint_image_state "")
if(ADJOINT_IMAGES STREQUAL AUTO OR ADJOINT_IMAGES)
    foreach(kind IN ITEMS PNG JPEG)
        find_package(${kind} QUIET)
        if(${kind}_FOUND)
            list(APPEND adjoint_image_state ${kind})
            list(APPEND adjoint_link_libraries ${kind}::${kind})
            list(APPEND adjoint_private_definitions ADJOINT_WITH_${kind})
        elseif(NOT ADJOINT_IMAGES STREQUAL AUTO)
            message(FATAL_ERROR "ADJOINT_IMAGES is ${ADJOINT_IMAGES}, but the library for ${kind} was not found; "
                                "on Debian or Ubuntu: apt install libpng-dev libjpeg-dev")
        endif()
    endforeach()
endif()
set(adjoint_image_kinds ${adjoint_image_state})
if(adjoint_image_kinds)
    list(JOIN adjoint_image_kinds " " adjoint_image_state)
else()
    set(adjoint_image_state "off")
endif()

# fmt and JSON are used as headers, so that nothing of them has to be found again or linked by a user. What fmt has
# besides templates is compiled once, in core/base/format.cpp, which knows versions 9 to 12; any other is used header-only:
# slower to compile, the same otherwise. In either case fmt's names stand in an inline namespace of ours, so that a program with
# an fmt of its own, be it of the same version, has two that do not meet. The version is that of the headers which are included.
get_target_property(adjoint_fmt_include_dirs fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
set(adjoint_fmt_version "")
foreach(entry IN LISTS adjoint_fmt_include_dirs)
    string(REGEX REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1" entry "${entry}")
    foreach(header base.h core.h)
        if(NOT adjoint_fmt_version AND EXISTS "${entry}/fmt/${header}")
            file(STRINGS "${entry}/fmt/${header}" line REGEX "^#[ ]*define FMT_VERSION [0-9]+" LIMIT_COUNT 1)
            string(REGEX REPLACE ".* ([0-9]+).*" "\\1" adjoint_fmt_version "${line}")
        endif()
    endforeach()
endforeach()
set(adjoint_fmt_definitions "FMT_BEGIN_NAMESPACE=namespace fmt { inline namespace adjoint_copy {"
                            "FMT_END_NAMESPACE=} }")
set(adjoint_fmt_state compiled)
if(NOT adjoint_fmt_version MATCHES "^[0-9]+$" OR adjoint_fmt_version LESS 90000 OR adjoint_fmt_version GREATER_EQUAL 130000)
    list(APPEND adjoint_fmt_definitions FMT_HEADER_ONLY=1)
    set(adjoint_fmt_state header-only)
endif()

# The threads of a kernel are fibers where the tests emulate CUDA.
find_library(ADJOINT_BOOST_CONTEXT_LIBRARY boost_context)
mark_as_advanced(ADJOINT_BOOST_CONTEXT_LIBRARY)

function(adjoint_use_dependencies target)
    target_link_libraries(${target} PRIVATE ${adjoint_link_libraries} nlohmann_json::nlohmann_json)
    target_include_directories(${target} SYSTEM PRIVATE ${adjoint_fmt_include_dirs})
    target_compile_definitions(${target} PRIVATE ${adjoint_private_definitions}
                               "$<$<COMPILE_LANGUAGE:CXX>:${adjoint_fmt_definitions}>")
endfunction()
