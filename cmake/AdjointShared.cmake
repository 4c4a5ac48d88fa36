# Where the libraries are static each is there once more as a shared one, of the same objects: it is looked at for what it exports,
# and the many small programs of this tree share it instead of having the kernels in each.

# usage: adjoint_also_shared(LIBRARY OBJECTS..); links for it are given to LIBRARY_exports
function(adjoint_also_shared library)
    add_library(${library}_exports SHARED ${ARGN})
    set_target_properties(${library}_exports PROPERTIES
        OUTPUT_NAME ${library} LINKER_LANGUAGE CXX LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/shared)
    # What one takes from another has to be exported there.
    target_link_options(${library}_exports PRIVATE -Wl,--no-undefined)
endfunction()

if(PROJECT_IS_TOP_LEVEL AND NOT BUILD_SHARED_LIBS AND NOT ADJOINT_SANITIZE AND NOT EMSCRIPTEN)
    adjoint_also_shared(adjoint ${adjoint_objects})
    target_link_libraries(adjoint_exports PRIVATE ${adjoint_link_libraries} ${adjoint_cuda_libraries})
    target_compile_features(adjoint_exports INTERFACE cxx_std_20)
    target_include_directories(adjoint_exports INTERFACE ${adjoint_include_view} ${adjoint_include_generated})
    adjoint_also_shared(adjoint_distributed ${adjoint_distributed_objects})
    target_link_libraries(adjoint_distributed_exports PUBLIC adjoint_exports)
    if(ADJOINT_WITH_MPI)
        target_link_libraries(adjoint_distributed_exports PRIVATE MPI::MPI_CXX)
    endif()
    if(ADJOINT_WITH_ONNX)
        adjoint_also_shared(adjoint_onnx ${adjoint_onnx_objects})
        target_link_libraries(adjoint_onnx_exports PUBLIC adjoint_exports)
    endif()
endif()

# Gives a program the libraries `adjoint`, `adjoint_onnx` or `adjoint_distributed`, shared.
function(adjoint_share target)
    foreach(library IN LISTS ARGN)
        if(TARGET ${library}_exports)
            string(APPEND library _exports)
        endif()
        target_link_libraries(${target} PRIVATE ${library})
    endforeach()
endfunction()
