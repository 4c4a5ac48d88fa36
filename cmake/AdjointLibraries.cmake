# Imported targets for libraries without a CMake package that can be relied on. Installed beside adjointConfig.cmake:
# who links the static library looks them up in the same way as the build did.

# oneDNN. Debian's own package file demands the OpenCL headers, which libdnnl-dev only recommends.
function(adjoint_find_onednn)
    find_path(ADJOINT_ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
    find_library(ADJOINT_ONEDNN_LIBRARY dnnl)
    mark_as_advanced(ADJOINT_ONEDNN_INCLUDE_DIR ADJOINT_ONEDNN_LIBRARY)
    if(ADJOINT_ONEDNN_INCLUDE_DIR AND ADJOINT_ONEDNN_LIBRARY AND NOT TARGET adjoint::onednn)
        add_library(adjoint::onednn UNKNOWN IMPORTED GLOBAL)
        set_target_properties(adjoint::onednn PROPERTIES
            IMPORTED_LOCATION ${ADJOINT_ONEDNN_LIBRARY}
            INTERFACE_INCLUDE_DIRECTORIES ${ADJOINT_ONEDNN_INCLUDE_DIR}
            INTERFACE_LINK_LIBRARIES gomp)  # to tell it to use one thread
    endif()
endfunction()

function(adjoint_find_openblas)
    find_path(ADJOINT_OPENBLAS_INCLUDE_DIR cblas.h PATH_SUFFIXES openblas openblas-pthread)
    find_library(ADJOINT_OPENBLAS_LIBRARY openblas)
    mark_as_advanced(ADJOINT_OPENBLAS_INCLUDE_DIR ADJOINT_OPENBLAS_LIBRARY)
    if(ADJOINT_OPENBLAS_INCLUDE_DIR AND ADJOINT_OPENBLAS_LIBRARY AND NOT TARGET adjoint::openblas)
        add_library(adjoint::openblas UNKNOWN IMPORTED GLOBAL)
        set_target_properties(adjoint::openblas PROPERTIES
            IMPORTED_LOCATION ${ADJOINT_OPENBLAS_LIBRARY}
            INTERFACE_INCLUDE_DIRECTORIES ${ADJOINT_OPENBLAS_INCLUDE_DIR})
    endif()
endfunction()
