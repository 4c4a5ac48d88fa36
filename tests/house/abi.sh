#!/bin/sh
# scripts/abi finds a library that breaks its users under an unchanged SONAME, and lets one pass that only adds.
# usage: abi.sh SOURCE_FOLDER COMPILER      77, with the reason, without abidiff
set -eu
command -v abidiff >/dev/null || { echo "skipped: there is no abidiff (package abigail-tools)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# usage: library FOLDER COMPILER TEXT NUMBER
library() {
    mkdir -p "$work/$1"
    printf '%s\n' "$3" >"$work/$1/x.cpp"
    "$2" -g -shared -fPIC "-Wl,-soname,libadjoint.so.$4" "$work/$1/x.cpp" -o "$work/$1/libadjoint.so"
}
library before "$2" 'int one(int x) { return x; } int two(int x) { return x; }' 0
library more "$2" 'int one(int x) { return x; } int two(int x) { return x; } int three() { return 3; }' 0
library less "$2" 'int one(int x) { return x; }' 0
library raised "$2" 'int one(int x) { return x; }' 1
try() { sh "$1/scripts/abi" "$work/before/libadjoint.so" "$work/$2" >"$work/said" 2>&1; }
try "$1" more || { echo "one that only adds is refused:"; cat "$work/said"; exit 1; }
try "$1" raised || { echo "one with another number is refused:"; cat "$work/said"; exit 1; }
if try "$1" less; then
    echo "one without a function passes:"
    cat "$work/said"
    exit 1
fi
grep -q 'raise adjoint_abi' "$work/said"
