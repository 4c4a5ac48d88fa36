#!/bin/sh
# scripts/package on an unoptimised build. usage: debian.sh SOURCE BUILD COMPILER      77, with the reason, without its tools
set -eu
for tool in dpkg-deb dpkg-shlibdeps lintian; do
    command -v "$tool" >/dev/null || {
        echo "skipped: there is no $tool (packages dpkg-dev and lintian)"
        exit 77
    }
done
CMAKE_ARGS="-GNinja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O0 -DADJOINT_KERNEL_OPTIMISATION=-O0 \
-DADJOINT_CPU_LEVELS=native -DCMAKE_CXX_COMPILER=$3"
export CMAKE_ARGS
sh "$1/scripts/package" "$2" "${ADJOINT_CLEAN_ROOT:-none}"
