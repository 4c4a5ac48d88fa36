# The folders under the names they have once installed: <adjoint/core/tensor/tensor.h>, in the source tree too.
set(adjoint_include_view ${CMAKE_CURRENT_BINARY_DIR}/include)
set(adjoint_include_private ${CMAKE_CURRENT_BINARY_DIR}/include-private)
set(adjoint_include_generated ${CMAKE_CURRENT_BINARY_DIR}/include-generated)
set(adjoint_public_folders core autograd nn optim data distributed train)

function(adjoint_link_view view)
    file(MAKE_DIRECTORY ${view}/adjoint)
    foreach(entry IN LISTS ARGN)
        file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${entry} ${view}/adjoint/${entry} SYMBOLIC)
    endforeach()
endfunction()

adjoint_link_view(${adjoint_include_view} ${adjoint_public_folders} adjoint.h onnx onnx.h)
adjoint_link_view(${adjoint_include_private} cpu cuda playground)

configure_file(${CMAKE_CURRENT_LIST_DIR}/version.h.in ${adjoint_include_generated}/adjoint/core/base/version.h @ONLY)
