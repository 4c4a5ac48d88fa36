#!/bin/sh
# Holds each page PAGE.ko.md to its PAGE.md: the same code but for its comments, the same files linked (or their
# translations), the same numbers of headings and table rows, and a link to each other.
set -eu
cd "$1"
digest() {
    awk '
    /^```/ { code = !code; print; next }
    code { sub(/[ \t]*(\/\/|#[^i]).*/, ""); print; next }
    /^#/ { print "heading" }
    /^\|/ { print "row" }
    {
        while (match($0, /\]\([^)]*\)/)) {
            link = substr($0, RSTART + 2, RLENGTH - 3)
            sub(/\.ko\.md/, ".md", link)
            if (link !~ /README/) print "link " link
            $0 = substr($0, RSTART + RLENGTH)
        }
    }' "$1"
}
bad=0
pages=$(git ls-files '*.ko.md' 2>/dev/null || true)
[ -n "$pages" ] || pages=$(find . -name '*.ko.md' -not -path './build*')
for korean in $pages; do
    english=${korean%.ko.md}.md
    one=$(digest "$english")
    other=$(digest "$korean")
    if [ "$one" != "$other" ]; then
        echo "$korean differs from $english in more than its language"
        bad=1
    fi
    grep -q "($(basename "$korean"))" "$english" && grep -q "($(basename "$english"))" "$korean" || {
        echo "$english and $korean do not link to each other"
        bad=1
    }
done
exit $bad
