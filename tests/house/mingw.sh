#!/bin/sh
# Programs on adjoint compile for Windows by MinGW: the headers ask for nothing of Linux's. The library itself does not (README.md), so
# nothing is linked. Skipped where there is no such compiler (package g++-mingw-w64-x86-64-posix).
# usage: mingw.sh SOURCE INCLUDE_FOLDER..
set -eu
source=$1
shift
compiler=x86_64-w64-mingw32-g++-posix
command -v $compiler >/dev/null || { echo "there is no $compiler"; exit 77; }
for include; do
    shift
    set -- "$@" -I "$include"
done
$compiler -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Werror "$@" -fsyntax-only "$source/tests/package/main.cpp" \
    "$source/tests/package/distributed.cpp"
echo "the headers compile for Windows"
