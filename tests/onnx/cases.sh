#!/bin/sh
# Runs the single-operator conformance cases of PyPI's onnx, which are newer than Debian's: how many pass and are refused, by reason;
# none may fail.
# usage: cases.sh TEST_ONNX FOLDER
set -eu
here=$(dirname "$0")
python=$(sh "$here/python_environment.sh" "$2/python") || exit $?
rm -rf "$2/cases"
"$python" "$here/write_cases.py" "$2/cases"
ADJOINT_ONNX_CASES="$2/cases" "$1" --gtest_brief=1 --gtest_filter='Page.ListsTheConformanceCasesAndNoneFails'
rm -rf "$2/cases"
