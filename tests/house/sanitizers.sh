#!/bin/sh
# Whichever compiler builds it, the library knows whether a sanitizer watches, and asks core/base/sanitizer.h alone.
# usage: sanitizers.sh SOURCE_FOLDER COMPILER..; those that are not there are left out
set -eu
cd "$1"
shift
for compiler in "$@" clang++; do
    if ! command -v "$compiler" >/dev/null; then
        echo "without $compiler, which is not here"
        continue
    fi
    for watching in "" address thread; do
        printf '#include "core/base/sanitizer.h"\nstatic_assert(ADJOINT_ADDRESS_SANITIZER == %d && ADJOINT_THREAD_SANITIZER == %d);\n' \
            $([ "$watching" = address ] && echo 1 || echo 0) $([ "$watching" = thread ] && echo 1 || echo 0) |
            "$compiler" -std=c++20 -fsyntax-only ${watching:+-fsanitize=$watching} -x c++ -I. - ||
            { echo "$compiler -fsanitize=$watching: the header says otherwise"; exit 1; }
    done
done
if grep -rn '__SANITIZE_\|_sanitizer)' --include=*.h --include=*.cpp --include=*.cu . | grep -v '^./\(build\|core/base/sanitizer.h\)'; then
    echo "asks for a sanitizer by itself"
    exit 1
fi
