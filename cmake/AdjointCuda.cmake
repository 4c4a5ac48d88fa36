# Whether the CUDA backend is built, and how its sources are compiled.
file(GLOB adjoint_cuda_sources CONFIGURE_DEPENDS cuda/*/*.cu cuda/*/*.cpp)
set(ADJOINT_WITH_CUDA OFF)
set(adjoint_cuda_state "off")
set(adjoint_cuda_libraries "")

if(NOT ADJOINT_CUDA STREQUAL AUTO AND NOT ADJOINT_CUDA)
    set(adjoint_cuda_state "off (ADJOINT_CUDA=${ADJOINT_CUDA})")
    return()
endif()

if(NOT adjoint_cuda_sources)
    set(adjoint_cuda_state "off (nothing under cuda/)")
    return()
endif()

# The toolkit's installer puts nvcc where PATH does not lead.
if(NOT DEFINED ENV{CUDACXX} AND NOT DEFINED CMAKE_CUDA_COMPILER)
    find_program(ADJOINT_NVCC nvcc HINTS /usr/local/cuda/bin)
    mark_as_advanced(ADJOINT_NVCC)
    if(ADJOINT_NVCC)
        set(ENV{CUDACXX} ${ADJOINT_NVCC})
    endif()
endif()
# An older one is not tried, lest its compiler end the configuration.
include(${CMAKE_CURRENT_LIST_DIR}/AdjointCudaChoice.cmake)
set(nvcc "$ENV{CUDACXX}")
if(CMAKE_CUDA_COMPILER)
    set(nvcc ${CMAKE_CUDA_COMPILER})
endif()
if(EXISTS "${nvcc}")
    adjoint_nvcc_version(version ${nvcc})
    if(version AND version VERSION_LESS adjoint_oldest_cuda)
        set(adjoint_cuda_state "off (CUDA ${version} is older than ${adjoint_oldest_cuda})")
        if(NOT ADJOINT_CUDA STREQUAL AUTO)
            message(FATAL_ERROR "CUDA ${version} is older than ${adjoint_oldest_cuda}, the oldest that is served: ${nvcc}")
        endif()
        return()
    endif()
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
    set(adjoint_cuda_state "off (no nvcc)")
    if(NOT ADJOINT_CUDA STREQUAL AUTO)
        message(FATAL_ERROR "ADJOINT_CUDA is ${ADJOINT_CUDA}, but nvcc was not found; put it on PATH or set CUDACXX")
    endif()
    return()
endif()

# What may run here. A release names its own list.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    adjoint_default_architectures(adjoint_cards ${CMAKE_CUDA_COMPILER})
    set(CMAKE_CUDA_ARCHITECTURES "${adjoint_cards}" CACHE STRING "CUDA architectures to compile for")
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

# Of cuBLASLt and cuDNN the headers are enough: the libraries are opened when they are first used.
find_file(ADJOINT_CUBLASLT_HEADER cublasLt.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_path(ADJOINT_CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ENV CUDNN_PATH PATH_SUFFIXES include)
mark_as_advanced(ADJOINT_CUBLASLT_HEADER ADJOINT_CUDNN_INCLUDE_DIR)
if(NOT ADJOINT_CUBLASLT_HEADER)
    set(adjoint_cuda_state "off (the toolkit has no cublasLt.h)")
    if(NOT ADJOINT_CUDA STREQUAL AUTO)
        message(FATAL_ERROR "ADJOINT_CUDA is ${ADJOINT_CUDA}, but the toolkit has no cublasLt.h; install libcublas-dev")
    endif()
    return()
endif()
set(with_cudnn "/(dnn|dnn_handle|dnn_recurrent|cudnn_table)\\.cpp$")
if(ADJOINT_CUDNN_INCLUDE_DIR)
    set(adjoint_cudnn_state "cuDNN")
    set(on_cudnn ${adjoint_cuda_sources})
    list(FILTER on_cudnn INCLUDE REGEX "${with_cudnn}")
    set_property(SOURCE ${on_cudnn} APPEND PROPERTY INCLUDE_DIRECTORIES ${ADJOINT_CUDNN_INCLUDE_DIR})
    list(FILTER adjoint_cuda_sources EXCLUDE REGEX "/no_dnn\\.cpp$")
else()
    set(adjoint_cudnn_state "no cuDNN headers")
    list(FILTER adjoint_cuda_sources EXCLUDE REGEX "${with_cudnn}")
endif()

set(ADJOINT_WITH_CUDA ON)
string(REPLACE ";" " " adjoint_cuda_architectures "${CMAKE_CUDA_ARCHITECTURES}")
set(adjoint_cuda_state
    "on (${CMAKE_CUDA_COMPILER_VERSION}, ${adjoint_cuda_architectures}, ${adjoint_cudnn_state})")
# So that a program can say on which cards it runs.
set_property(SOURCE ${PROJECT_SOURCE_DIR}/cuda/runtime/architectures.cpp APPEND PROPERTY
             COMPILE_DEFINITIONS "ADJOINT_CUDA_ARCHITECTURES=\"${adjoint_cuda_architectures}\"")
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
# The static runtime is named below, as a library: a user of the installed library need not enable the language.
set(CMAKE_CUDA_RUNTIME_LIBRARY None)
set(adjoint_cuda_libraries CUDA::cudart_static)

# A static library takes the runtime into itself: whoever links it needs no toolkit, and what it then still needs is there
# on every machine.
function(adjoint_take_in_cudart target)
    get_target_property(cudart CUDA::cudart_static IMPORTED_LOCATION)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
        COMMAND ${CMAKE_COMMAND} -D AR=${CMAKE_AR} -D FROM=${cudart} -D INTO=$<TARGET_FILE:${target}>
                -D WORK=${CMAKE_CURRENT_BINARY_DIR}/cudart -P ${PROJECT_SOURCE_DIR}/cmake/merge_archive.cmake)
    target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS} rt)
endfunction()
