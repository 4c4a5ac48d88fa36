#!/bin/sh
# Runs oracle.py on the program in an environment that has ONNX Runtime.
# usage: oracle.sh PROGRAM FOLDER
set -eu
here=$(dirname "$0")
python=$(sh "$here/python_environment.sh" "$2/python") || exit $?
mkdir -p "$2/models"
exec "$python" "$here/oracle.py" "$1" "$2/models"
