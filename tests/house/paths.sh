#!/bin/sh
# Every path that a page names in backticks exists: of what looks like one, in a folder of the tree. A program stands for its source,
# a pattern for the files it fits.
set -eu
cd "$1"
bad=0
for page in CONTRIBUTING.md README.md docs/design.md docs/onnx.md docs/tour.md docs/benchmarks.md python_free_examples/README.md; do
    [ -f "$page" ] || { echo "$page: is not there"; bad=1; continue; }
    # Blocks of code are left out; a line may name several paths; no path holds a space.
    # shellcheck disable=SC2013
    for path in $(awk '
        /^```/ { code = !code }
        !code {
            while (match($0, /`[^`]*`/)) {
                name = substr($0, RSTART + 1, RLENGTH - 2)
                $0 = substr($0, RSTART + RLENGTH)
                if (name ~ /^[A-Za-z0-9_.*\/-]+$/ && (name ~ /\// || name ~ /\.(h|cpp|cu|md|sh)$/)) print name
            }
        }' "$page" | sort -u); do
        case $path in
            /* | .* | build/* | pictures/* | data/mnist) continue ;;
        esac
        found=0
        for file in $path "$path.cpp"; do
            if [ -e "$file" ]; then found=1; fi
        done
        # A name alone is that of a file or folder inside of one that the page has named.
        case $path in
            */?*) ;;
            *) [ -z "$(find . -name "${path%/}" -not -path './build*' -print)" ] || found=1 ;;
        esac
        [ $found = 1 ] || { echo "$page: \`$path\` is not there"; bad=1; }
    done
done
exit $bad
