#!/bin/sh
# Each installed header compiles alone, and reaches no header of a library that its user need not have.
# usage: headers.sh COMPILER INCLUDE_FOLDER
set -eu
export compiler="$1" include="$2"
count=$(find "$include/adjoint" -name '*.h' | wc -l)
[ "$count" -gt 0 ] || { echo "no headers under $include"; exit 1; }

flags="-std=c++20 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror"
work=$(mktemp -d)
export flags work
trap 'rm -rf "$work"' EXIT

# What most headers reach is read once. One that reaches it by its own includes sees no more of it when it is there from the start,
# and those it reaches before have their turn as well. Prints each header with the largest that it reaches.
bases="nn/module.h core/tensor/tensor.h"
with_bases() {
    find "$include/adjoint" -name '*.h' | sort | xargs grep -H '' | awk -v include="$include/adjoint/" -v bases="$bases" '
        {
            split(substr($0, length(include) + 1), part, ":"); header = part[1]; headers[header] = 1
            if (match($0, /:#include <adjoint\/[^>]+>/)) users[substr($0, RSTART + 19, RLENGTH - 20), header] = 1
        }
        function reach(header, base,   pair, one) {
            for (pair in users) {
                split(pair, one, SUBSEP)
                if (one[1] != header || one[2] in base_of) continue
                base_of[one[2]] = base
                reach(one[2], base)
            }
        }
        END {
            count = split(bases, all, " ")
            for (i = 1; i <= count; ++i) reach(all[i], all[i])
            for (header in headers) print header, (header in base_of ? base_of[header] : "none")
        }'
}
for base in $bases; do
    mkdir -p "$work/$(dirname "$base")"
    printf '#include <adjoint/%s>\n' "$base" >"$work/$base"
    # shellcheck disable=SC2086
    "$compiler" $flags -I "$include" -x c++-header "$work/$base" -o "$work/$base.gch"
done

# shellcheck disable=SC2016
with_bases | sort | xargs -P 2 -n 2 sh -c '
    case $1 in *gtest*) foreign="/(fmt|nlohmann|protozero|oneapi|CL)/|/zlib.h" ;;
               *) foreign="/(fmt|nlohmann|protozero|oneapi|CL|gtest)/|/zlib.h" ;; esac
    header=$include/adjoint/$1
    before=
    [ "$2" = none ] || before="-include $work/$2"
    used=$("$compiler" $flags -x c++ -I "$include" -fsyntax-only -H $before -include "$header" /dev/null 2>&1) ||
        { printf "%s does not compile alone:\n%s\n" "$header" "$used"; exit 1; }
    if printf "%s\n" "$used" | grep -E "^\.+ .*($foreign)"; then
        printf "%s reaches the headers above\n" "$header"; exit 1
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
