# A port for an overlay: vcpkg install adjoint --overlay-ports=packaging/vcpkg. It builds the tree that it lies in.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS features
    FEATURES
        cuda ADJOINT_CUDA
        images ADJOINT_IMAGES
        mpi ADJOINT_MPI
        onnx ADJOINT_ONNX)
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS ${features} -DADJOINT_TESTS=OFF -DADJOINT_EXAMPLES=OFF -DADJOINT_BENCH=OFF -DADJOINT_INSTALL=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/adjoint)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
