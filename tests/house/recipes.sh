#!/bin/sh
# Holds the recipes of CONTRIBUTING.md to the tree: where one names an example ("Example: `a`, `b`."), the files in which one of
# these words stands are those that begin the items of its list, none more and none less.
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$work/recipes"

awk -v recipes="$work/recipes" '
/^## / { example = 0 }
/^###? / { name = $0; sub(/^#+ /, "", name); example = 0 }
/^Example: / {
    example = 1
    line = $0
    while (match(line, /`[^`]*`/)) {
        print name "\tword\t" substr(line, RSTART + 1, RLENGTH - 2) > recipes
        line = substr(line, RSTART + RLENGTH)
    }
}
example && /^- `[^`]*`: / { split($0, part, "`"); print name "\tfile\t" part[2] > recipes }
' CONTRIBUTING.md

bad=0
checked=0
cut -f 1 "$work/recipes" | uniq >"$work/names"
while read -r name; do
    awk -F '\t' -v name="$name" '$1 == name && $2 == "word" { print $3 }' "$work/recipes" >"$work/words"
    awk -F '\t' -v name="$name" '$1 == name && $2 == "file" { print $3 }' "$work/recipes" | sort >"$work/named"
    grep -rlwF --exclude-dir=onnx -f "$work/words" adjoint.h core cpu cuda autograd nn optim data distributed train tests scripts docs/operators.md |
        sort >"$work/found"
    if ! diff "$work/named" "$work/found" >"$work/difference"; then
        echo "CONTRIBUTING.md, $name ($(paste -sd ' ' "$work/words")): < is named and has none of the words, > is not named"
        grep '^[<>]' "$work/difference"
        bad=1
    fi
    checked=$((checked + 1))
done <"$work/names"
[ "$checked" -ge 5 ] || { echo "CONTRIBUTING.md: $checked recipes with an example, expected at least 5"; bad=1; }
exit $bad
