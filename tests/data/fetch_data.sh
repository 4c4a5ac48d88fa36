#!/bin/sh
# scripts/fetch_data without a network: what it lists and refuses, what it says where nothing answers, and that it takes no
# file whose sum is another. usage: fetch_data.sh SOURCE_DIRECTORY WORK_DIRECTORY
set -eu
fetch=$1/scripts/fetch_data
work=$2
rm -rf "$work"
mkdir -p "$work/mirror"
command -v curl >/dev/null || {
    echo "curl is missing"
    exit 77
}

# expect STATUS TEXT COMMAND..: the status, and the text somewhere in what is printed.
expect() {
    status=0
    wanted=$1
    text=$2
    shift 2
    said=$("$@" 2>&1) || status=$?
    [ "$status" -eq "$wanted" ] || { echo "$*: status $status, expected $wanted: $said"; exit 1; }
    case $said in *"$text"*) ;; *) echo "$*: no '$text' in: $said"; exit 1 ;; esac
}

expect 0 "iris           150 flowers, four measures, three species, in data/tabular" "$fetch" --list
for name in mnist fashion-mnist cifar10 cifar100 iris boston cats; do expect 0 "$name " "$fetch" --list; done
expect 2 "no set is called 'imagenet'; there are: mnist fashion-mnist" "$fetch" imagenet
expect 2 "no set is called 'imagenet'" "$fetch" --to "$work/none" iris imagenet
expect 2 "usage:" "$fetch"
expect 2 "--verbose is no option" "$fetch" --verbose
expect 2 "--to needs a value" "$fetch" --to
[ ! -d "$work/none" ] || { echo "a set was fetched beside an unknown one"; exit 1; }

# Nothing answers: what to save as what.
for name in cifar10 cifar100 iris boston cats fashion-mnist; do
    expect 1 "no source of $name answers" "$fetch" --to "$work/data" --from "file://$work/nowhere" $name
done
expect 1 "save https://archive.ics.uci.edu/ml/machine-learning-databases/iris/iris.data as $work/data/tabular/iris.csv" \
    "$fetch" --to "$work/data" --from "file://$work/nowhere" iris
expect 1 "then say 'scripts/fetch_data iris' again" "$fetch" --to "$work/data" --from "file://$work/nowhere" iris

# Content of another sum is not taken, from a source or by hand.
echo "1,2,3,4,Iris-setosa" >"$work/mirror/iris.data"
expect 1 "SHA-256" "$fetch" --to "$work/data" --from "file://$work/mirror" iris
[ ! -e "$work/data/tabular/iris.csv" ] || { echo "a file of another sum was taken"; exit 1; }
[ -z "$(ls "$work/data")" ] || { echo "left behind: $(ls "$work/data")"; exit 1; }
mkdir -p "$work/data/tabular"
cp "$work/mirror/iris.data" "$work/data/tabular/iris.csv"
expect 1 "$work/data/tabular/iris.csv is not the file of that name" \
    "$fetch" --to "$work/data" --from "file://$work/nowhere" iris

# For a program that names its data there is nothing to do.
for arguments in "--data /x" "--epochs 3 --data=/x" "--help" "-h"; do
    expect 0 "" env ADJOINT_DATA= "$fetch" --for "$arguments" mnist
    [ -z "$said" ] || { echo "--for '$arguments' said: $said"; exit 1; }
done
expect 0 "" env ADJOINT_DATA=/x "$fetch" --for "" mnist
# Nor where Fashion-MNIST is asked for and installed; a download of MNIST is not tried then.
if [ -d /usr/share/datasets/fashion-mnist ]; then
    for arguments in "--dataset fashion" "--epochs 3 --dataset=fashion"; do
        expect 0 "" env ADJOINT_DATA= "$fetch" --for "$arguments" mnist
        [ -z "$said" ] || { echo "--for '$arguments' said: $said"; exit 1; }
    done
fi

# What is here is fetched from here, and the second time found.
package=/usr/share/datasets/fashion-mnist
if [ -d $package ]; then
    expect 0 "fashion-mnist is in $work/data/fashion-mnist, checksums verified" \
        "$fetch" --to "$work/data" --from "file://$package" fashion-mnist
    expect 0 "checksums verified" "$fetch" --to "$work/data" --from "file://$work/nowhere" fashion-mnist
fi
tables=${ADJOINT_DATA:-}/../tabular
if [ -n "${ADJOINT_DATA:-}" ] && [ -f "$tables/iris.csv" ]; then
    # As its publisher has it: with empty lines at the end.
    { cat "$tables/iris.csv"; printf '\r\n\r\n'; } >"$work/mirror/iris.data"
    expect 0 "iris is in $work/data/tabular, checksums verified" \
        "$fetch" --to "$work/data" --from "file://$work/mirror" iris
fi
