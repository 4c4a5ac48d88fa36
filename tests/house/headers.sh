#!/bin/sh
# Each installed header compiles alone, and reaches no header of a library that its user need not have.
# usage: headers.sh COMPILER INCLUDE_FOLDER
set -eu
export compiler="$1" include="$2"
count=$(find "$include/adjoint" -name '*.h' | wc -l)
[ "$count" -gt 0 ] || { echo "no headers under $include"; exit 1; }

# shellcheck disable=SC2016
find "$include/adjoint" -name '*.h' | sort | xargs -P 2 -n 1 sh -c '
    case $1 in *gtest*) foreign="/(fmt|nlohmann|protozero|oneapi|CL)/|/zlib.h" ;;
               *) foreign="/(fmt|nlohmann|protozero|oneapi|CL|gtest)/|/zlib.h" ;; esac
    used=$("$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -x c++ -I "$include" -fsyntax-only -H -include "$1" \
           /dev/null 2>&1) || { printf "%s does not compile alone:\n%s\n" "$1" "$used"; exit 1; }
    if printf "%s\n" "$used" | grep -E "^\.+ .*($foreign)"; then
        printf "%s reaches the headers above\n" "$1"; exit 1
    fi' one
echo "$count headers compile alone"

# What every user's file reads of ours: lines after the preprocessor, and not the contract of a device.
own=$("$compiler" -std=c++20 -x c++ -I "$include" -E "$include/adjoint/adjoint.h" |
    awk '/^# [0-9]+ "/ { ours = $3 ~ /\/adjoint\//; seen[$3] = 1 } !/^#/ && NF && ours { n++ }
         END { for (f in seen) if (f ~ /contract\/(backend|calls|loop)\.h/) print "reached: " f; print n }')
[ "$own" -le 5500 ] 2>/dev/null || { printf 'adjoint.h brings more than 5500 lines, or the contract:\n%s\n' "$own"; exit 1; }
echo "adjoint.h brings $own lines of ours"

# A program without exceptions is told so, by one sentence of ours.
said=$("$compiler" -std=c++20 -fno-exceptions -x c++ -I "$include" -fsyntax-only -include "$include/adjoint/adjoint.h" /dev/null 2>&1) &&
    { echo "adjoint.h compiles under -fno-exceptions"; exit 1; }
printf '%s\n' "$said" | grep -q 'error.*compile without -fno-exceptions' ||
    { printf 'what is said of -fno-exceptions is not of ours:\n%s\n' "$said" | head -5; exit 1; }
echo "-fno-exceptions is refused"
