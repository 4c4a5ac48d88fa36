#!/bin/sh
# Compiles, links and runs main.cpp by hand.
# usage: compile.sh OUTPUT LIBRARY_FOLDER COMPILER FLAGS...      @FILE.pc among the flags stands for pkg-config's answer
set -eu
output=$1 folder=$2
shift 2
for flag; do
    shift
    case $flag in
    @*)
        # shellcheck disable=SC2046
        set -- "$@" $(PKG_CONFIG_PATH=$(dirname "${flag#@}") pkg-config --cflags --libs "$(basename "${flag#@}" .pc)")
        ;;
    *) set -- "$@" "$flag" ;;
    esac
done
printf '%s ' "$@"
echo
"$@" -o "$output"
LD_LIBRARY_PATH=$folder "$output"
