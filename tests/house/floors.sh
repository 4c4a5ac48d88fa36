#!/bin/sh
# Holds the #include lines to the floors of docs/design.md: train -> distributed; distributed, onnx -> nn, optim, data -> autograd -> core <- cpu, cuda,
# and inside core to tensor, capture -> memory -> contract -> base. No header includes itself by way of others.
set -eu
cd "$1"
list=$(find adjoint.h onnx.h core cpu cuda autograd nn optim data distributed train onnx playground python_free_examples bench -type f \
            \( -name '*.h' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.cu' \))
[ -n "$list" ] || { echo "no source files under $1"; exit 1; }

# Private are the headers that are not installed; those of onnx/ stand there without their folder.
not_installed=$(sed -n 's/.*PATTERN "\([^"]*\)" EXCLUDE.*/\1/p' cmake/AdjointInstall.cmake | sed 's|^format/|onnx/format/|')

# shellcheck disable=SC2086
awk -v not_installed_list="$(echo $not_installed)" '
function complain(what) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, what
    bad = 1
}
BEGIN {
    split(not_installed_list, names, " ")
    for (i in names) not_installed[names[i]]
    may["core"] = " core "
    may["cpu"] = " core cpu "
    may["cuda"] = " core cuda "
    may["autograd"] = " core autograd "
    may["data"] = " core data "
    may["optim"] = " core autograd optim "
    may["nn"] = " core autograd data nn "
    below["base"] = " base "
    below["contract"] = " base contract "
    below["memory"] = " base contract memory "
    below["tensor"] = " base contract memory tensor "
    below["capture"] = " base contract memory capture "
    below["cuda"] = " base contract cuda "
    may["distributed"] = " core autograd data optim nn distributed "
    may["train"] = " core autograd data optim nn distributed train "
    may["onnx"] = " core autograd data nn onnx "
    may["playground"] = " core autograd data optim nn playground "
}
FNR == 1 {
    split(FILENAME, path, "/")
    folder = path[1]
    library = folder in may
    private = FILENAME !~ /\.h$/ || FILENAME in not_installed || folder ~ /^(cpu|cuda|playground)$/ || !library
    matchers = FILENAME ~ /gtest/
}
/^[ \t]*#[ \t]*include[ \t]*"/ && library { complain("spell it <adjoint/...>") }
match($0, /^[ \t]*#[ \t]*include[ \t]*</) {
    name = substr($0, RLENGTH + 1)
    sub(/>.*/, "", name)
    if (name ~ /^adjoint\//) {
        split(name, part, "/")
        to = part[2]
        if (library && index(may[folder], " " to " ") == 0) complain(folder "/ may not include " to "/")
        if (to == "cuda" && folder != "cuda") complain("cuda/ is private")
        if (to == "cpu" && folder !~ /^(cpu|bench)$/) complain("cpu/ is private to itself and its benchmarks")
        if (to == "core" && folder == "core" && index(below[path[2]], " " part[3] " ") == 0)
            complain("core/" path[2] "/ may not include core/" part[3] "/")
        if (name == "adjoint/core/base/format.h" && !private) complain("core/base/format.h in a public header")
    } else if (!private && name ~ /^(fmt|nlohmann|protozero|oneapi|dnnl|cblas|zlib|CLI|cuda|cublas|cudnn)/) {
        complain("a dependency in a public header")
    } else if (!private && !matchers && name ~ /^gtest/) {
        complain("GoogleTest in a public header")
    }
}
END { exit bad }' $list

# shellcheck disable=SC2086
circle=$(awk '
FILENAME ~ /\.(h|cuh)$/ && match($0, /^[ \t]*#[ \t]*include[ \t]*<adjoint\//) {
    name = substr($0, RLENGTH + 1)
    sub(/>.*/, "", name)
    print FILENAME, name
}' $list | tsort 2>&1 >/dev/null) || { printf 'headers that include each other:\n%s\n' "$circle"; exit 1; }
