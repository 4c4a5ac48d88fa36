#!/bin/sh
# The host's side of cuda/ compiles against the headers of other toolkits than the one that is installed. Each folder of
# ADJOINT_CUDA_HEADERS (a list with colons) has those of one: of the runtime, its crt/, cublasLt.h, nvtx3/; cudnn.h if
# convolutions are to be looked at. The wheels nvidia-cuda-runtime-cu12, -cuda-nvcc-cu12, -cublas-cu12 and -nvtx-cu12 of a
# version (12.0 is the oldest that is served) have all of them.
# usage: cuda_headers.sh SOURCE_FOLDER COMPILER INCLUDE_FOLDERS...
set -eu
source=$(cd "$1" && pwd) compiler=$2
shift 2
[ -n "${ADJOINT_CUDA_HEADERS:-}" ] || { echo "skipped: ADJOINT_CUDA_HEADERS names no other toolkit's headers"; exit 77; }
for folder; do
    shift
    set -- "$@" "-I$folder"
done
unit=$(mktemp -d)
trap 'rm -rf "$unit"' EXIT
IFS=:
for headers in $ADJOINT_CUDA_HEADERS; do
    unset IFS
    without='/no_dnn\.cpp$'
    [ -e "$headers/cudnn.h" ] || without='/(dnn|dnn_handle|dnn_recurrent|cudnn_table)\.cpp$'
    for part in runtime libraries; do
        find "$source/cuda/$part" -name '*.cpp' | grep -vE "$without" | sort | sed 's/.*/#include "&"/' >"$unit/$part.cpp"
        echo "cuda/$part against $headers"
        "$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Wno-subobject-linkage -Werror -DFMT_HEADER_ONLY=1 '-DADJOINT_CUDA_ARCHITECTURES="90"' \
            "$@" -isystem "$headers" "$unit/$part.cpp"
    done
done
