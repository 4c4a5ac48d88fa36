#!/bin/sh
# scripts/setup on a Fedora that has nothing yet: it installs, under Fedora's names alone.
# usage: setup.sh SOURCE_FOLDER
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf '#!/bin/sh\nexit 1\n' >"$folder/rpm"
printf '#!/bin/sh\necho "$@" >>"%s/asked"\n' "$folder" >"$folder/dnf"
printf '#!/bin/sh\nexec "$@"\n' >"$folder/sudo"
chmod +x "$folder/rpm" "$folder/dnf" "$folder/sudo"
for purpose in build test fuzz format; do PATH=$folder:$PATH sh "$1/scripts/setup" "$purpose" >/dev/null; done
[ "$(grep -c '^install -y -q gcc-c++ cmake ninja-build fmt-devel ' "$folder/asked")" -eq 4 ] || {
    echo "not installed under Fedora's names:"
    cat "$folder/asked"
    exit 1
}
if tr ' ' '\n' <"$folder/asked" | grep -E -e '-dev$|^g\+\+$|^pkg-config$'; then
    echo "Debian's names, asked of Fedora"
    exit 1
fi
