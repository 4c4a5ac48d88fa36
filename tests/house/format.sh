#!/bin/sh
# Every source file is as clang-format leaves it. Its versions disagree in details: only the one of Debian 12 is asked.
set -eu
cd "$1"
tool=
for name in clang-format-14 clang-format; do
    if command -v $name >/dev/null && $name --version | grep -q 'version 14\.'; then
        tool=$name
        break
    fi
done
[ -n "$tool" ] || {
    echo "clang-format 14 was not found (scripts/setup format)"
    exit 77
}
find adjoint.h onnx.h core cpu cuda autograd nn optim data distributed train onnx playground python_free_examples bench tests \
    \( -name '*.h' -o -name '*.cuh' -o -name '*.cpp' -o -name '*.cu' \) -exec $tool --dry-run -Werror {} +
