#!/bin/sh
# A training whose ranks are killed (kill -9) again and again goes on from its checkpoint and has the weights of one that
# nobody disturbed, and of one process; two ranks that go on where four have stopped end as well.
# usage: killed.sh MPIRUN PROGRAM [KILLS=5]
set -eu
here=$(dirname "$0")
mpirun=$1
program=$2
kills=${3:-5}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# fit RANKS CHECKPOINT [RANK MILLISECONDS]: prints the weights, if it comes so far. Who waits too long has failed.
fit() {
    ranks=$1
    path=$2
    shift 2
    code=0
    timeout 120 sh "$here/start.sh" "$mpirun" "$ranks" "$program" fit "$path" 4 "$@" >"$folder/out" 2>"$folder/err" || code=$?
    if [ "$code" = 124 ] || { [ "$code" != 0 ] && [ $# = 0 ]; }; then
        echo "a training of $ranks ranks ended with $code" >&2
        cat "$folder/out" "$folder/err" >&2
        exit 1
    fi
    sed -n 's/^weights //p' "$folder/out"
}

one=$(fit 1 "$folder/one")
four=$(fit 4 "$folder/four")
[ "$one" = "$four" ] || { echo "one process has the weights $one, four ranks $four"; exit 1; }

done=0
times=0
while [ "$times" -lt "$kills" ]; do
    rm -f "$folder/killed"
    weights=
    # Later each time, so that it gets on; and once it is through, from the beginning again.
    try=0
    while [ -z "$weights" ] && [ "$times" -lt "$kills" ]; do
        weights=$(fit 4 "$folder/killed" $((try % 4)) $((try * 7 % 40 + try)))
        try=$((try + 1))
        [ -n "$weights" ] || times=$((times + 1))
    done
    [ -n "$weights" ] || weights=$(fit 4 "$folder/killed")
    [ "$weights" = "$four" ] || { echo "after $try starts the weights are $weights, undisturbed $four"; exit 1; }
    done=$((done + 1))
    [ "$try" -gt 1 ] || times=$((times + 1))
done
echo "$times kills, $done trainings, all with the weights of the undisturbed one"
