# The library `adjoint::distributed`: the engine of MPI, apart from the other library, which has groups and knows no MPI.
# Without MPI it says so when it is asked for a group.
set(ADJOINT_WITH_MPI OFF)
set(adjoint_mpi_state "off (ADJOINT_MPI=${ADJOINT_MPI})")
if(ADJOINT_MPI STREQUAL AUTO OR ADJOINT_MPI)
    set(MPI_CXX_SKIP_MPICXX ON)
    find_package(MPI QUIET COMPONENTS CXX)
    if(MPI_CXX_FOUND)
        set(ADJOINT_WITH_MPI ON)
        set(adjoint_mpi_state on)
    elseif(NOT ADJOINT_MPI STREQUAL AUTO)
        message(FATAL_ERROR "ADJOINT_MPI is ${ADJOINT_MPI}, but no MPI was found; "
                            "on Debian or Ubuntu: apt install libopenmpi-dev")
    else()
        set(adjoint_mpi_state "off (no MPI)")
    endif()
endif()

if(ADJOINT_WITH_MPI)
    add_library(adjoint_distributed_parts OBJECT distributed/mpi/mpi.cpp distributed/mpi/started.cpp)
    # Their headers and flags; the flags of a user's link are no business of the library's objects.
    target_link_libraries(adjoint_distributed_parts PRIVATE MPI::MPI_CXX)
else()
    add_library(adjoint_distributed_parts OBJECT distributed/mpi/no_mpi.cpp distributed/mpi/started.cpp)
endif()
adjoint_library_flags(adjoint_distributed_parts)
adjoint_use_dependencies(adjoint_distributed_parts)
# The other library does not export its copy of fmt.
target_compile_definitions(adjoint_distributed_parts PRIVATE FMT_HEADER_ONLY=1)

set(adjoint_distributed_objects $<TARGET_OBJECTS:adjoint_distributed_parts>)
add_library(adjoint_distributed ${adjoint_distributed_objects})
add_library(adjoint::distributed ALIAS adjoint_distributed)
target_link_libraries(adjoint_distributed PUBLIC adjoint)
if(ADJOINT_WITH_MPI)
    target_link_libraries(adjoint_distributed PRIVATE MPI::MPI_CXX)
endif()
set_target_properties(adjoint_distributed PROPERTIES
    LINKER_LANGUAGE CXX
    POSITION_INDEPENDENT_CODE ON
    EXPORT_NAME distributed
    VERSION ${PROJECT_VERSION}
    SOVERSION ${adjoint_abi})
