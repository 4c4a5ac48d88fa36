#!/bin/sh
# Holds docs/operators.md to the headers it is written from.
set -eu
if ! "$1/scripts/operators" "$1" | diff -u "$1/docs/operators.md" -; then
    echo "docs/operators.md is out of date: scripts/operators > docs/operators.md"
    exit 1
fi
