# The library `adjoint::onnx`, apart from the other, so that a program which does not ask for it neither compiles nor links it.
set(ADJOINT_WITH_ONNX OFF)
set(adjoint_onnx_state "off (ADJOINT_ONNX=${ADJOINT_ONNX})")
if(NOT ADJOINT_ONNX STREQUAL AUTO AND NOT ADJOINT_ONNX)
    return()
endif()
# Header-only.
find_path(ADJOINT_PROTOZERO_INCLUDE_DIR protozero/pbf_reader.hpp)
mark_as_advanced(ADJOINT_PROTOZERO_INCLUDE_DIR)
if(NOT ADJOINT_PROTOZERO_INCLUDE_DIR)
    if(NOT ADJOINT_ONNX STREQUAL AUTO)
        message(FATAL_ERROR "ADJOINT_ONNX is ${ADJOINT_ONNX}, but protozero was not found; "
                            "on Debian or Ubuntu: apt install libprotozero-dev")
    endif()
    set(adjoint_onnx_state "off (no protozero)")
    return()
endif()
set(ADJOINT_WITH_ONNX ON)
set(adjoint_onnx_state on)

file(GLOB adjoint_onnx_sources CONFIGURE_DEPENDS onnx/*/*.cpp)
add_library(adjoint_onnx_parts OBJECT ${adjoint_onnx_sources})
adjoint_library_flags(adjoint_onnx_parts)
adjoint_use_dependencies(adjoint_onnx_parts)
# The other library does not export its copy of fmt.
target_compile_definitions(adjoint_onnx_parts PRIVATE FMT_HEADER_ONLY=1)
target_include_directories(adjoint_onnx_parts SYSTEM PRIVATE ${ADJOINT_PROTOZERO_INCLUDE_DIR})
adjoint_soon(adjoint_onnx_parts)
adjoint_unity(adjoint_onnx_parts 8)

set(adjoint_onnx_objects $<TARGET_OBJECTS:adjoint_onnx_parts>)
add_library(adjoint_onnx ${adjoint_onnx_objects})
add_library(adjoint::onnx ALIAS adjoint_onnx)
target_link_libraries(adjoint_onnx PUBLIC adjoint)
set_target_properties(adjoint_onnx PROPERTIES
    LINKER_LANGUAGE CXX
    POSITION_INDEPENDENT_CODE ON
    EXPORT_NAME onnx
    VERSION ${PROJECT_VERSION}
    SOVERSION ${adjoint_abi})
