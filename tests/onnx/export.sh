#!/bin/sh
# Writes models by the program and runs check_models.py on them, in an environment that has ONNX Runtime.
# usage: export.sh PROGRAM FOLDER
set -eu
here=$(dirname "$0")
python=$(sh "$here/python_environment.sh" "$2/python") || exit $?
# Two thousand files that are each brought to the disk take a minute; in memory they take a second.
work=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/adjoint-export-XXXXXX")
trap 'rm -rf "$work"' EXIT
"$1" "$work"
"$python" "$here/check_models.py" "$work"
