#!/bin/sh
# Starts ranks on this machine, more than it has cores if need be, and as root where that is who runs.
# usage: start.sh MPIRUN RANKS PROGRAM [ARGUMENT...]
set -eu
mpirun=$1
ranks=$2
shift 2
options=
case $("$mpirun" --version 2>&1) in
    *"Open MPI"* | *OpenRTE* | *PRRTE*) options="--oversubscribe --allow-run-as-root --bind-to none" ;;
esac
# shellcheck disable=SC2086
exec "$mpirun" $options -n "$ranks" "$@"
