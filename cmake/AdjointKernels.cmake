# cpu/kernels/*.cpp, compiled once for each instruction set level; the program chooses among them when it starts.
file(GLOB adjoint_kernel_sources CONFIGURE_DEPENDS cpu/kernels/*.cpp)

set(adjoint_isa_flags_v4 -march=x86-64-v4 -mprefer-vector-width=512)
set(adjoint_isa_flags_v3 -march=x86-64-v3)
set(adjoint_isa_flags_v2 -march=x86-64-v2)
set(adjoint_isa_flags_generic "")

# The best level that this machine runs.
function(adjoint_native_level result)
    if(NOT DEFINED ADJOINT_NATIVE_LEVEL)
        set(source ${CMAKE_CURRENT_BINARY_DIR}/native_level.cpp)
        file(WRITE ${source} "int main() { return __builtin_cpu_supports(\"avx512vl\") && __builtin_cpu_supports(\"avx512bw\") && __builtin_cpu_supports(\"avx512dq\") ? 4 : __builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\") ? 3 : 2; }\n")
        try_run(level compiled ${CMAKE_CURRENT_BINARY_DIR}/native_level ${source})
        if(NOT compiled OR NOT level MATCHES "^[234]$")
            message(FATAL_ERROR "ADJOINT_CPU_LEVELS is native, but this machine's level could not be found out; "
                                "name levels (v2;v3;v4) or all")
        endif()
        set(ADJOINT_NATIVE_LEVEL v${level} CACHE INTERNAL "The instruction set level of this machine")
    endif()
    set(${result} ${ADJOINT_NATIVE_LEVEL} PARENT_SCOPE)
endfunction()

# The levels to compile, the best first.
if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    set(adjoint_isa_levels generic)
elseif(ADJOINT_CPU_LEVELS STREQUAL all)
    set(adjoint_isa_levels v4 v3 v2)
elseif(ADJOINT_CPU_LEVELS STREQUAL native)
    adjoint_native_level(adjoint_isa_levels)
else()
    set(adjoint_isa_levels ${ADJOINT_CPU_LEVELS})
    list(SORT adjoint_isa_levels ORDER DESCENDING)
    foreach(level IN LISTS adjoint_isa_levels)
        if(NOT level MATCHES "^v[234]$")
            message(FATAL_ERROR "ADJOINT_CPU_LEVELS: there is no level \"${level}\"; all, native or some of v2;v3;v4")
        endif()
    endforeach()
endif()

# Builds for finding errors need their kernels soon; but what trains is slow without inlining.
set(adjoint_kernel_optimisation -O3)
if(CMAKE_BUILD_TYPE STREQUAL Debug OR ADJOINT_SANITIZE)
    set(adjoint_kernel_optimisation -O2)
endif()

# Adds one object library for each level and tells the file that chooses which levels there are.
macro(adjoint_add_kernels)
    set(adjoint_kernel_objects "")
    set(list_of_levels "")
    foreach(level IN LISTS adjoint_isa_levels)
        set(kernels adjoint_kernels_${level})
        add_library(${kernels} OBJECT ${adjoint_kernel_sources})
        adjoint_library_flags(${kernels})
        adjoint_use_dependencies(${kernels})
        target_compile_definitions(${kernels} PRIVATE ADJOINT_ISA=${level})
        target_compile_options(${kernels} PRIVATE ${adjoint_isa_flags_${level}} ${adjoint_kernel_optimisation})
        list(APPEND adjoint_kernel_objects $<TARGET_OBJECTS:${kernels}>)
        string(APPEND list_of_levels " ADJOINT_LEVEL(${level})")
    endforeach()
    set_property(SOURCE ${PROJECT_SOURCE_DIR}/cpu/levels.cpp APPEND PROPERTY
                 COMPILE_DEFINITIONS "ADJOINT_CPU_LEVELS=${list_of_levels}")
endmacro()
