#!/bin/sh
# Prints the path of a Python that has onnx and onnxruntime: of a virtual environment that is made in FOLDER from PyPI, once.
# Exit status 77, with the reason, where that is impossible. ADJOINT_ONNX_PYTHON names a Python that has them already.
# usage: python_environment.sh FOLDER
set -eu
folder=$1
if [ -n "${ADJOINT_ONNX_PYTHON:-}" ]; then
    echo "$ADJOINT_ONNX_PYTHON"
    exit 0
fi
if [ ! -x "$folder/ready/bin/python" ]; then
    command -v python3 >/dev/null || { echo "skipped: there is no python3" >&2; exit 77; }
    rm -rf "$folder/ready" "$folder/made"
    mkdir -p "$folder"
    python3 -m venv "$folder/made" >"$folder/log" 2>&1 ||
        { echo "skipped: python3 -m venv does not work (python3-venv)" >&2; exit 77; }
    "$folder/made/bin/python" -m pip install --quiet --disable-pip-version-check 'onnx>=1.17,<2' 'onnxruntime>=1.20,<2' 'numpy<3' \
        >>"$folder/log" 2>&1 || { echo "skipped: PyPI did not give onnx and onnxruntime, see $folder/log" >&2; exit 77; }
    # A folder that is there is complete; the environment's own paths stay those of its making.
    ln -s made "$folder/ready"
fi
echo "$folder/ready/bin/python"
