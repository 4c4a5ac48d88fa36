# The libraries behind the library. All of them are private: no header and no symbol of theirs reaches a user.
include(${CMAKE_CURRENT_LIST_DIR}/AdjointLibraries.cmake)

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

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
# besides templates is compiled once, in core/base/format.cpp, under an inline namespace of ours. A version that this was not
# tried with is used header-only: slower to compile, the same otherwise.
if(fmt_VERSION VERSION_LESS 9 OR fmt_VERSION VERSION_GREATER_EQUAL 11)
    set(adjoint_fmt_definition FMT_HEADER_ONLY=1)
else()
    set(adjoint_fmt_definition "FMT_BEGIN_NAMESPACE=namespace fmt { inline namespace adjoint_copy {"
                               "FMT_END_NAMESPACE=} }")
endif()

function(adjoint_use_dependencies target)
    target_link_libraries(${target} PRIVATE ${adjoint_link_libraries} nlohmann_json::nlohmann_json)
    target_include_directories(${target} SYSTEM PRIVATE
        $<TARGET_PROPERTY:fmt::fmt-header-only,INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(${target} PRIVATE ${adjoint_private_definitions}
                               "$<$<COMPILE_LANGUAGE:CXX>:${adjoint_fmt_definition}>")
endfunction()
