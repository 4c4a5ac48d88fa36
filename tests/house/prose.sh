#!/bin/sh
# The form of comments: their width, no last line of a word or two, one kind of ruler, and in the library's headers each of
# the parts shapes: dtypes: errors: source: state: at the beginning of a line.
set -eu
cd "$1"
list=$(find adjoint.h onnx.h core cpu cuda autograd nn optim data distributed train onnx playground python_free_examples bench tests -type f \
            \( -name '*.h' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.cu' \))
[ -n "$list" ] || { echo "no source files under $1"; exit 1; }

# shellcheck disable=SC2086
awk '
function report(what) { print FILENAME ":" FNR ": " what ": " $0; bad = 1 }
FNR == 1 {
    before = ""
    header = FILENAME ~ /\.(h|cuh)$/ && FILENAME !~ /^(python_free_examples|bench|tests)\//
}
/^ *\/\/\/?( |$)/ {
    match($0, /^ *\/\/\/?/)
    mark = substr($0, 1, RLENGTH)
    text = substr($0, RLENGTH + 2)
    if (length($0) > 110) report("a comment of more than 110 columns")
    if (text ~ /^[-=*~_#+]+$/ && length(text) > 3) {
        if (text !~ /^-+$/ || length(text) != 77) report("a ruler is 77 times -")
        text = ""
    }
    part = text ~ /^(shapes|dtypes|errors|source|state)[^.:]*:/
    if (header) {
        rest = text
        sub(/^(shapes|dtypes|errors|source|state)[^.:]*:/, "", rest)
        if (rest ~ /(^|[^A-Za-z_:`])([Ss]hapes|[Dd][Tt]ypes|[Ee]rrors|[Ss]ource|[Ss]tate)( \([^)]*\))?:( |$)/)
            report("a part has a line of its own, which begins with it in small letters")
    }
    # An orphan continues a line of text above it; examples and formulas are indented.
    words = split(text, unused, " ")
    if (mark == before && above != "" && above !~ /^ / && text != "" && text !~ /^ / && !part &&
        (words <= 2 && length(text) < 24 || length(text) < 12) &&
        (length(mark " " above) >= 70 || above !~ /[.:;]$/))
        report("the rest of a paragraph is too short for a line of its own")
    before = mark
    above = text
    next
}
{ before = "" }
END { exit bad }' $list
