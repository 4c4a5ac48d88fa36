#!/bin/sh
# Ranks that fail: the program ends, and says why. Who waits too long is killed and is a failure.
# usage: scenes.sh MPIRUN PROGRAM
set -eu
here=$(dirname "$0")
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# scene NAME OUTCOME TEXT...: the outcome is 0 or not, every text is in the output.
scene() {
    name=$1
    outcome=$2
    shift 2
    code=0
    timeout 120 sh "$here/start.sh" "$mpirun" 2 "$program" "$name" >"$output" 2>&1 || code=$?
    if [ "$code" = 124 ] || { [ "$outcome" = 0 ] && [ "$code" != 0 ]; } ||
        { [ "$outcome" != 0 ] && [ "$code" = 0 ]; }; then
        echo "$name: ended with $code"
        cat "$output"
        exit 1
    fi
    for text in "$@"; do
        grep -qF -- "$text" "$output" || {
            echo "$name: nothing about: $text"
            cat "$output"
            exit 1
        }
    done
}

mpirun=$1
program=$2
scene sum 0 "mean 1.5"
scene differ 1 "calls all_reduce (sum) of f32 (2,)" "calls all_reduce (sum) of f32 (3,)"
scene throw 1 "no more paper"
scene leave 1 "barrier: rank 0 on " "waits for rank 1 on " "has left the group"
scene hang 1 "nothing comes from rank 1 on "
# MPI itself waits for all: who never comes to it is no rank that a group could name.
scene absent 1 "said before" "mpi_group: rank 0 of 2 on " "has waited 5 s in MPI_Init" "ends with status 1"
# One that has ended before is noticed by mpirun or by the other's watchdog, whoever is first.
scene gone 1
scene late 0 "rank 1 on " "has left its group and waits for rank 0 on "
