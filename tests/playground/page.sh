#!/bin/sh
# Drives the page in a browser: learning, frames, languages, keys, narrow windows, and no message on the console.
# usage: page.sh SOURCE_FOLDER [FOLDER FOR SCREENSHOTS]
set -eu
cd "$1"
skip() {
    echo "the page was not tried: $1"
    exit 77
}
for tool in chromium python3; do
    command -v $tool >/dev/null || skip "there is no $tool (scripts/setup playground)"
done
page=build/wasm/playground/playground.html
[ -f $page ] || skip "it is not built (scripts/playground build)"
newer=$(find core cpu autograd nn optim data playground -newer $page -type f -print | head -n 1)
[ -z "$newer" ] || skip "it is older than $newer (scripts/playground build)"
exec python3 tests/playground/browse.py $page "${2:-}"
