#!/bin/sh
# gdb shows tensors by the installed pretty-printers.
# usage: gdb.sh SOURCE PROGRAM LIBRARY_FOLDER PRINTERS COMPILER FLAGS...      77, with the reason, where it cannot be tried
set -eu
source=$1 program=$2 libraries=$3 printers=$4
shift 4
command -v gdb >/dev/null || { echo "skipped: there is no gdb (package gdb)"; exit 77; }
gdb -batch -nx -ex 'python print(1)' 2>/dev/null | grep -qx 1 || { echo "skipped: this gdb has no Python"; exit 77; }
# shellcheck disable=SC2046
"$@" -std=c++20 -g -O0 "$source" -o "$program" $(PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config --cflags --libs adjoint)

set --
for name in values turned half flags one nothing weight shape; do set -- "$@" -ex "print $name"; done
LD_LIBRARY_PATH=$libraries gdb -batch -nx -iex 'set auto-load no' -ex "source $printers" -ex 'set confirm off' -ex 'set width 0' \
    -ex 'break stop_here' -ex run -ex up "$@" "$program" >"$program.said" 2>&1 || true
if grep -q "ptrace: Operation not permitted\|Cannot create process" "$program.said"; then
    echo "skipped: gdb may not trace a program here: $(grep -m 1 "ptrace\|Cannot create" "$program.said")"
    exit 77
fi
sed -n 's/^\$[0-9]* = //p' "$program.said" >"$program.shown"
cat >"$program.wanted" <<'END'
f32(3) on cpu, requires_grad: [1.5, -2, 0.25]
i64(4, 3) on cpu: [0, 4, 8, 1, 5, 9, 2, 6, ...]
bf16(2) on cpu: [0.5, 3]
bool(3) on cpu: [true, false, true]
f32() on cpu: [7]
undefined tensor
f32(1, 2) on cpu, requires_grad: [W, W]
(2, 3)
END
# The weights are whatever the generator gives.
sed -i 's/requires_grad: \[[-0-9.e]*, [-0-9.e]*\]$/requires_grad: [W, W]/' "$program.shown"
diff "$program.wanted" "$program.shown" || { tail -n 20 "$program.said"; exit 1; }
echo "gdb shows what was wanted"
