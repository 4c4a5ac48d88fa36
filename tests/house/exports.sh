#!/bin/sh
# A shared build exports the names of adjoint and nothing of the libraries behind it. Instances of standard templates
# are let through: the compiler exports them from every C++ library, and they carry adjoint's or standard types only.
set -eu
nm=$1
library=$2
"$nm" -DC --defined-only "$library" | awk '
{
    symbol = $0
    sub(/^[0-9a-f]* +[A-Za-z] /, "", symbol)
    foreign = symbol ~ /(^|[^A-Za-z_])(fmt|nlohmann|protozero|dnnl|oneapi)(::|_|$)/
    if (!foreign && symbol ~ /adjoint::/) { ours++; next }
    if (!foreign && symbol ~ /(^|[ (])std::|__gnu_cxx::|^operator (new|delete)/) next
    if (symbol ~ /^typeinfo (name )?for [a-z ]+\(/) next  # functions of numbers
    if (symbol ~ /^(_init|_fini|__bss_start|_edata|_end)$/) next
    print "exported: " symbol
    bad = 1
}
END {
    if (!ours) { print "nothing of adjoint is exported"; bad = 1 }
    exit bad
}'
if "$nm" -DC --undefined-only "$library" | grep -E 'fmt::|nlohmann|protozero|testing::'; then
    echo "the lines above are needed from elsewhere"
    exit 1
fi
