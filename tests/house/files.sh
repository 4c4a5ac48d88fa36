#!/bin/sh
# No file that nobody would want to read: at most 500 lines, nothing left for later, and a first comment in each header.
set -eu
cd "$1"
list=$(find . -type d \( -name .git -o -name build -o -name 'build-*' -o -name bundle \) -prune -o -type f \
            \( -name '*.h' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.cu' \) -print)
[ -n "$list" ] || { echo "no source files under $1"; exit 1; }

# shellcheck disable=SC2086
awk '
FNR == 1 && FILENAME ~ /\.(h|cuh)$/ && $0 !~ /^\/\// { print FILENAME ": the first line says what the header is for"; bad = 1 }
FNR == 501 { print FILENAME ": longer than 500 lines"; bad = 1 }
/(^|[^A-Za-z_])(TODO|FIXME|XXX)($|[^A-Za-z_])/ { print FILENAME ":" FNR ": " $0; bad = 1 }
END { exit bad }' $list
