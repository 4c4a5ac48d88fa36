"""Checks the models of write_models.cpp: onnx.checker in full, and ONNX Runtime's outputs against ours.

    check_models.py FOLDER
"""

import glob
import os
import sys

import numpy as np
import onnx
import onnxruntime

# Where ONNX Runtime itself gives something else, and why.
OTHERWISE = {
    "op_argmax_all_nan": "passes over NaN, which is the largest here",
    "op_argmin_all_nan": "passes over NaN, which is the smallest here",
    "op_max_pool2d_with_indices_special": "passes over NaN in a window",
    "op_cross_entropy_no_samples_mean": "takes no scores of no samples",
    "op_cross_entropy_no_samples_none": "takes no scores of no samples",
    "op_cross_entropy_no_samples_sum": "takes no scores of no samples",
}

# What ONNX Runtime lacks a kernel for is no fault of a file; the checker has looked at it all the same.
NO_KERNEL = "NOT_IMPLEMENTED"


def arrays(path, kind):
    with np.load(path) as archive:
        count = sum(name.startswith(kind) for name in archive.files)
        return [archive[f"{kind}{i}"] for i in range(count)]


def compare(name, ours, theirs):
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{name}: {ours.dtype}{ours.shape} here, {theirs.dtype}{theirs.shape} there"
    if not np.issubdtype(ours.dtype, np.floating):
        return None if np.array_equal(ours, theirs) else f"{name}: integers differ"
    finite = ours[np.isfinite(ours)]
    scale = max(1.0, float(np.abs(finite).max())) if finite.size else 1.0
    # Types of 16 bits round in other places.
    tolerance = {"net_type_f16": 2e-3, "net_type_bf16": 2e-2}.get(name, 1e-5)
    if not np.allclose(ours, theirs, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
        return f"{name}: differ by {np.nanmax(np.abs(ours - theirs)):.3g} where the largest is {scale:.3g}"
    if name.startswith("net_") and "16" not in name and ours.ndim == 2 and not np.array_equal(ours.argmax(1), theirs.argmax(1)):
        return f"{name}: other classes"
    return None


def check(path, name):
    """The faults of a model, and whether ONNX Runtime lacks one of its kernels."""
    onnx.checker.check_model(path, full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if NO_KERNEL in str(error):
            return [], f"{name}: {str(error).splitlines()[0]}"
        raise
    faults = []
    runs = sorted(glob.glob(glob.escape(path[: -len(".onnx")]) + "_[0-9].npz"))
    if not runs:
        return [f"{name}: no arrays"], None
    for run in runs:
        feed = {i.name: a for i, a in zip(session.get_inputs(), arrays(run, "in_"))}
        for ours, theirs in zip(arrays(run, "out_"), session.run(None, feed), strict=True):
            fault = compare(name, ours, np.asarray(theirs))
            if fault:
                faults.append(fault)
    return faults, None


def main():
    folder = sys.argv[1]
    faults, without_kernel, otherwise = [], [], 0
    paths = sorted(glob.glob(folder + "/*.onnx"))
    for path in paths:
        name = os.path.basename(path)[: -len(".onnx")]
        found, missing = [], None
        try:
            found, missing = check(path, name)
        except Exception as error:  # every fault is told, not the first alone
            found = [f"{name}: {type(error).__name__}: {str(error)[:300]}"]
        if name in OTHERWISE:
            otherwise += 1
            print(f"otherwise: {name}: ONNX Runtime {OTHERWISE[name]}")
            found = [] if found else [f"{name}: agrees, though it is said not to"]
        faults += found
        if missing:
            without_kernel.append(missing)
    for line in without_kernel:
        print("no kernel:", line)
    for line in faults:
        print("FAULT:", line)
    print(
        f"{len(paths)} models, {len(without_kernel)} without a kernel in ONNX Runtime, "
        f"{otherwise} otherwise there, {len(faults)} faults"
    )
    return 1 if faults or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
