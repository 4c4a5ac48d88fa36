#!/bin/sh
# Every call of the CUDA runtime has somebody who looks at its outcome: check_cuda, forget, or a cudaError_t. An error that
# nobody takes is kept by the runtime and blamed on the next launch.
# usage: outcomes.sh SOURCE_FOLDER
set -eu
cd "$1"
found=$(grep -nE '(^|[^[:alnum:]_:])cuda[A-Z][[:alnum:]]*\(' cuda/*/*.cpp cuda/*/*.cu cuda/*/*.h |
    grep -vE ':[0-9]+: *//' |
    grep -vE 'cuda(GetLastError|PeekAtLastError|GetErrorName|GetErrorString)\(' |
    grep -vE 'cuda(TriggerProgrammaticLaunchCompletion|GridDependencySynchronize)\(' |
    grep -vE '(check_cuda|forget)\(|cudaError_t error = |[^[:alnum:]_]error = cuda' || true)
unread=$(grep -nE 'cudaGetLastError\(' cuda/*/*.cpp cuda/*/*.cu cuda/*/*.h | grep -v '^cuda/runtime/error\.' || true)
[ -z "$found$unread" ] && exit 0
echo "calls of the CUDA runtime whose outcome nobody takes (check_cuda or forget does):"
printf '%s\n' "$found" "$unread"
exit 1
