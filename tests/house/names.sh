#!/bin/sh
# Names of the library that the prose of the pages has in backticks exist. Of a span that is one name: `ns::Name`, `Name::member`,
# `call()` and `CamelCase` are words of the headers, those of a namespace words of the headers of its folder; `snake_case` is a word of
# any source or the name of a program. Comments do not count. Blocks of code are left out (they are compiled), and what stands in the
# first column of a table of the pages for those who come from elsewhere.
# usage: names.sh SOURCE [PAGE..]
set -eu
cd "$1"
shift
folders="core cpu cuda autograd nn optim data onnx train distributed"
words() { sed 's|//.*||' "$@" | grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u; }
{
    for folder in $folders; do
        # shellcheck disable=SC2046
        words $(find "$folder" -name '*.h' -o -name '*.cuh') | sed "s|^|$folder |"
    done
    # shellcheck disable=SC2046
    words adjoint.h onnx.h $(find $folders playground bench python_free_examples tests/fuzz cmake scripts CMakeLists.txt -type f \
        ! -name '*.md' ! -name '*.svg' ! -path '*/.*') | sed 's|^|any |'
    find bench python_free_examples -name '*.cpp' | sed 's|.*/|any |; s|\.cpp$||'
} | awk '
# The folders whose headers have what stands behind this name.
function folder_of(name) {
    if (name == "nn" || name == "optim" || name == "data" || name == "train" || name == "onnx" || name == "distributed") return name
    if (name == "picture") return "train"
    return ""
}
function in_headers(word, folder) {
    if (folder != "") return (folder, word) in known
    return word in header
}
function is_there(name, parts, count, i, folder) {
    if (name ~ /^(std|nlohmann_json)::/ || name == "main()") return 1
    sub(/\(\)$/, "", name)
    count = split(name, parts, "::")
    for (i = 1; i <= count; i++) {
        if (parts[i] == "adjoint" && i == 1) continue
        if (!in_headers(parts[i], i > 1 ? folder_of(parts[i - 1]) : "")) return 0
    }
    return 1
}
FNR == NR { known[$1, $2] = 1; if ($1 != "any") header[$2] = 1; next }
FNR == 1 { code = 0 }
/^```/ { code = !code; next }
code { next }
{
    line = $0
    if (FILENAME ~ /from-[a-z]+\.md$/) sub(/^\| [^|]*\|/, "", line)
    while (match(line, /`[^`]+`/)) {
        span = substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, RSTART + RLENGTH)
        if (span !~ /^[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)*(\(\))?$/) continue
        if (span ~ /::/ || span ~ /\(\)$/ || span ~ /^[A-Z][a-z0-9]+[A-Z]/) there = is_there(span)
        else if (span ~ /[a-z]_[a-z]/) there = ("any", span) in known
        else there = 1
        if (!there) { printf "%s:%d: there is no `%s` in the library\n", FILENAME, FNR, span; bad = 1 }
    }
}
END { exit bad }' - "${@:-/dev/null}" $([ $# -gt 0 ] || find README.md CONTRIBUTING.md docs python_free_examples -name '*.md' \
    ! -path docs/errors.md ! -path '*/course/*')
