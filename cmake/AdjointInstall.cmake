# `cmake --install`: the library, its public headers, the CMake package, the pkg-config files and gdb's printers; programs where
# they are built. Components: `runtime` is what a program needs to run, `tools` the programs, `dev` all else.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dev)
set(adjoint_library_components LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev ARCHIVE COMPONENT dev)
set(adjoint_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/adjoint)

install(TARGETS adjoint EXPORT adjointTargets ${adjoint_library_components})
install(EXPORT adjointTargets NAMESPACE adjoint:: DESTINATION ${adjoint_package_dir})

# Some headers are private, as are cpu/ and cuda/.
foreach(folder IN LISTS adjoint_public_folders)
    install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/adjoint/${folder}
            FILES_MATCHING PATTERN "*.h"
            PATTERN "autograd/backward/frontier.h" EXCLUDE
            PATTERN "core/base/absent_kind.h" EXCLUDE
            PATTERN "core/base/build.h" EXCLUDE
            PATTERN "core/base/concern.h" EXCLUDE
            PATTERN "core/base/counted.h" EXCLUDE
            PATTERN "core/base/format.h" EXCLUDE
            PATTERN "core/base/signals.h" EXCLUDE
            PATTERN "distributed/group/agreement.h" EXCLUDE
            PATTERN "distributed/group/watchdog.h" EXCLUDE
            PATTERN "distributed/group/wire.h" EXCLUDE
            PATTERN "distributed/group/group_state.h" EXCLUDE
            PATTERN "distributed/group/collectives.h" EXCLUDE
            PATTERN "distributed/parallel/absent.h" EXCLUDE
            PATTERN "distributed/parallel/buckets.h" EXCLUDE
            PATTERN "distributed/parallel/left_over.h" EXCLUDE
            PATTERN "distributed/parallel/gathering.h" EXCLUDE
            PATTERN "distributed/parallel/sharding.h" EXCLUDE
            PATTERN "distributed/parallel/texts.h" EXCLUDE
            PATTERN "optim/partition.h" EXCLUDE
            PATTERN "core/contract/absent_device.h" EXCLUDE
            PATTERN "core/contract/cuda_start.h" EXCLUDE
            PATTERN "core/contract/profiled_backend.h" EXCLUDE
            PATTERN "core/contract/span_session.h" EXCLUDE
            PATTERN "core/contract/work.h" EXCLUDE
            PATTERN "core/cuda/nccl_link.h" EXCLUDE
            PATTERN "core/capture/recorded_step.h" EXCLUDE
            PATTERN "core/memory/recorder.h" EXCLUDE
            PATTERN "core/memory/storage_limit.h" EXCLUDE
            PATTERN "core/tensor/loops.h" EXCLUDE
            PATTERN "core/tensor/weighted_draw.h" EXCLUDE)
endforeach()
install(FILES adjoint.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/adjoint)
if(ADJOINT_WITH_ONNX)
    install(TARGETS adjoint_onnx EXPORT adjointTargets ${adjoint_library_components})
    install(DIRECTORY onnx/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/adjoint/onnx
            FILES_MATCHING PATTERN "format/external_files.h" EXCLUDE
            PATTERN "format/fields.h" EXCLUDE
            PATTERN "format/guess.h" EXCLUDE
            PATTERN "format/*.h" PATTERN "import/network.h" PATTERN "import/unsupported.h"
            PATTERN "export/export.h")
    install(FILES onnx.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/adjoint)
endif()
install(TARGETS adjoint_distributed EXPORT adjointTargets ${adjoint_library_components})
install(FILES ${adjoint_include_generated}/adjoint/core/base/version.h
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/adjoint/core/base)

# A static library leaves its own dependencies to whoever links it.
set(adjoint_config_dependencies "")
set(adjoint_pc_libs "")
set(adjoint_distributed_pc_libs "")
if(NOT BUILD_SHARED_LIBS)
    set(adjoint_config_dependencies "find_dependency(Threads)\nfind_dependency(ZLIB)\n")
    if(ADJOINT_WITH_MPI)
        # Not demanded: who links adjoint::adjoint alone needs none.
        string(APPEND adjoint_config_dependencies "find_package(MPI QUIET COMPONENTS CXX)\n")
        list(JOIN MPI_CXX_LIBRARIES " " mpi_libraries)
        string(APPEND adjoint_distributed_pc_libs " ${mpi_libraries}")
    endif()
    string(APPEND adjoint_pc_libs " -lz ${CMAKE_THREAD_LIBS_INIT}")
    foreach(kind IN LISTS adjoint_image_kinds)
        string(APPEND adjoint_config_dependencies "find_dependency(${kind})\n")
        string(TOLOWER ${kind} library)
        string(APPEND adjoint_pc_libs " -l${library}")
    endforeach()
    if(NOT ADJOINT_BLAS STREQUAL OWN)
        string(APPEND adjoint_config_dependencies
               "include(\"\${CMAKE_CURRENT_LIST_DIR}/AdjointLibraries.cmake\")\nadjoint_find_${adjoint_blas}()\n")
        string(APPEND adjoint_pc_libs " ${ADJOINT_${ADJOINT_BLAS}_LIBRARY}")
    endif()
    if(ADJOINT_WITH_CUDA)
        string(APPEND adjoint_pc_libs " -ldl -lrt")
    endif()
endif()

configure_package_config_file(cmake/adjointConfig.cmake.in adjointConfig.cmake
    INSTALL_DESTINATION ${adjoint_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/adjointConfigVersion.cmake COMPATIBILITY SameMinorVersion)
# The prefix is found from where the .pc file lies, so that the tree can be installed anywhere and moved.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE adjoint_pc_prefix)
set(pc_files adjoint adjoint-distributed)
if(ADJOINT_WITH_ONNX)
    list(APPEND pc_files adjoint-onnx)
endif()
foreach(file IN LISTS pc_files)
    configure_file(cmake/${file}.pc.in ${file}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${file}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/adjointConfig.cmake ${PROJECT_BINARY_DIR}/adjointConfigVersion.cmake
              cmake/AdjointLibraries.cmake
        DESTINATION ${adjoint_package_dir})

# gdb finds the printers of a library in the system's folders by itself; else it asks for leave to read what lies beside one.
install(FILES scripts/gdb/adjoint.py DESTINATION ${CMAKE_INSTALL_DATADIR}/adjoint/gdb)
if(BUILD_SHARED_LIBS)
    set(printers_folder ${CMAKE_INSTALL_LIBDIR})
    if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
        set(printers_folder ${CMAKE_INSTALL_DATADIR}/gdb/auto-load${CMAKE_INSTALL_FULL_LIBDIR})
    endif()
    install(FILES scripts/gdb/adjoint.py DESTINATION ${printers_folder} RENAME libadjoint.so.${PROJECT_VERSION}-gdb.py)
endif()

# The names that they have in the tree are others' in /usr/bin.
foreach(program mnist info)
    if(TARGET ${program})
        install(PROGRAMS $<TARGET_FILE:${program}> DESTINATION ${CMAKE_INSTALL_BINDIR} RENAME adjoint-${program}
                COMPONENT tools OPTIONAL)
        # CMake changes that of installed targets, but cannot rename these.
        install(CODE "set(program \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/adjoint-${program}\")
if(EXISTS \"\${program}\")
    file(RPATH_REMOVE FILE \"\${program}\")
    if(CMAKE_INSTALL_DO_STRIP)
        execute_process(COMMAND \"${CMAKE_STRIP}\" \"\${program}\" COMMAND_ERROR_IS_FATAL ANY)
    endif()
endif()" COMPONENT tools)
    endif()
endforeach()
