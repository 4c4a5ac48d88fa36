#!/bin/sh
# Every kernel of cuda/ can be started on every card with blocks of the size that it says, and keeps its values in registers.
# The compiler's own report is read: registers x threads fit into a multiprocessor's file, and there is no stack frame above 16
# and no spill above 32 bytes (by less it makes room for another block, each card in its own way), except for what
# resources.txt beside this names with a reason. A kernel without __launch_bounds__ is an error.
# usage: resources.sh SOURCE_FOLDER NVCC CARD LIST INCLUDE_FOLDERS...
#   The cards stand in ADJOINT_CUDA_RESOURCES: "75 80 90". LIST, if it exists, names files of PTX for CARD, of tests/ptx: these are
#   for the cards from that on, so that the kernels are not compiled once more. For others they are, for the oldest.
set -eu
source=$(cd "$1" && pwd) nvcc=$2 first=$3 list=$4
shift 4
[ -n "${ADJOINT_CUDA_RESOURCES:-}" ] || { echo "skipped: ADJOINT_CUDA_RESOURCES names no cards (\"75 80 86 89 90 100 120\")"; exit 77; }
export source nvcc
export includes=''
for folder; do includes="$includes -I$folder"; done
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT

older='' newer=''
for card in $ADJOINT_CUDA_RESOURCES; do
    if [ -f "$(head -n 1 "$list" 2>/dev/null)" ] && [ "$card" -ge "$first" ]; then newer="$newer $card"; else older="$older $card"; fi
done
export older newer
# shellcheck disable=SC2016
[ -z "$older" ] || find "$source/cuda" -name '*.cu' | sort | xargs -P "$(nproc)" -I FILE sh -c '
    name=$(basename FILE .cu)
    $nvcc -std=c++20 -fmad=false -arch=compute_75 -Wno-deprecated-gpu-targets -ptx $includes FILE -o "$work/$name.old.ptx" || exit 255'
# shellcheck disable=SC2016
[ -z "$newer" ] || grep -v '/planted_kernels' "$list" | xargs -I FILE sh -c 'ln -s FILE "$work/$(basename FILE)"'
# shellcheck disable=SC2016
find "$work" -name '*.ptx' | sort | xargs -P "$(nproc)" -I FILE sh -c '
    case FILE in *.old.ptx) cards=$older ;; *) cards=$newer ;; esac
    for card in $cards; do
        "$(dirname "$nvcc")/ptxas" -v -arch="sm_$card" FILE -o /dev/null 2>"FILE.$card.report" || exit 255
    done'

cat "$work"/*.ptx >"$work/all.ptx"
cat "$work"/*.report >"$work/all.report"
awk -v registers=65536 -v exceptions="$source/tests/house/resources.txt" '
    BEGIN {
        while ((getline line <exceptions) > 0)
            if (line !~ /^(#|$)/) { split(line, part, /: */); reasons[part[1]] = part[2] }
    }
    function excused(what, kernel, card,   at) {
        for (at in reasons) {
            split(at, words, " ")
            if (words[1] == what && kernel ~ words[2]) { used[at] = 1; return 1 }
        }
        return 0
    }
    function complain(text) { print text; bad = 1 }
    FILENAME ~ /all\.ptx$/ {
        if (match($0, /\.entry [A-Za-z0-9_$]+/)) { kernel = substr($0, RSTART + 7, RLENGTH - 7); threads[kernel] = 0 }
        if (match($0, /^\.maxntid [0-9]+/)) threads[kernel] = substr($0, RSTART + 9, RLENGTH - 9) + 0
        next
    }
    /Compiling entry function/ { split($0, quoted, "\047"); kernel = quoted[2]; card = quoted[4]; ++seen }
    /Function properties for/ { owner = $NF }
    /bytes stack frame/ {
        if ($1 > 16 && !excused("stack", owner)) complain(card ": a stack frame of " $1 " bytes: " owner)
        if ($5 + $9 > 32 && !excused("spill", owner)) complain(card ": spills " $5 + $9 " bytes: " owner)
    }
    /Used [0-9]+ registers/ {
        match($0, /Used [0-9]+/)
        each = int((substr($0, RSTART + 5, RLENGTH - 5) + 7) / 8) * 8
        if (!threads[kernel]) complain(card ": no __launch_bounds__: " kernel)
        else if (each * threads[kernel] > registers)
            complain(card ": " each " registers in blocks of " threads[kernel] ": " kernel)
    }
    END {
        for (at in reasons) if (!used[at]) complain("resources.txt excuses what is not there: " at)
        print seen " kernels read"
        exit bad || !seen
    }' "$work/all.ptx" "$work/all.report"
