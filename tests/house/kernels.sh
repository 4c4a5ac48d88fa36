#!/bin/sh
# Kernels compiled for a high instruction set level must not lend their code to the rest of the program. A weak symbol
# is one copy among equals: the linker keeps any of them, and an AVX-512 copy of std::vector::push_back ends a program on
# a processor without it. So no kernel object may define one.
#
# Allowed is DW.ref.__gxx_personality_v0: a pointer, the same bytes in every object, no code.
set -eu
nm=$1
objects=$2

xargs "$nm" -C --defined-only -A < "$objects" | awk '
{ symbols++ }
/ [WVuwv] / && !/ V DW\.ref\.__gxx_personality_v0$/ {
    sub(/^.*\.dir\//, "")
    print "weak: " $0
    bad = 1
}
END {
    print symbols + 0 " symbols defined by the kernels"
    exit bad || !symbols
}'
