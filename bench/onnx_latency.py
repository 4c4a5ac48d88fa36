"""Latency of one sample: `onnx_run`, `onnx_run --eager` and ONNX Runtime on the same file, in turns.

usage: PYTHONPATH=tests/onnx python bench/onnx_latency.py ONNX_RUN FOLDER [THREADS [ROUNDS [MODEL ...]]]

Each round runs all three for every model, and the medians of the rounds are printed in milliseconds, with the ratio of the
first to ONNX Runtime's. A Python with onnx and onnxruntime is the one that tests/onnx/python_environment.sh prints.
"""

import re
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto

from graph_builder import Builder


def image_model(b, x, channels, size, classes):
    x = b.op("Flatten", b.op("GlobalAveragePool", x))
    x = b.op("Gemm", x, b.weight(classes, channels), b.weight(classes, scale=0.1), transB=1)
    return b.model([("image", TensorProto.FLOAT, ["N", 3, size, size])],
                   [(x, TensorProto.FLOAT, ["N", classes])], 13)


def digits_cnn():
    """The convolutional network of the MNIST example."""
    b = Builder(1)
    x = b.op("MaxPool", b.op("Relu", b.conv("image", 1, 16)), kernel_shape=[2, 2], strides=[2, 2])
    x = b.op("MaxPool", b.op("Relu", b.conv(x, 16, 32)), kernel_shape=[2, 2], strides=[2, 2])
    x = b.op("Relu", b.op("Gemm", b.op("Flatten", x), b.weight(128, 1568), b.weight(128, scale=0.1), transB=1))
    x = b.op("Gemm", x, b.weight(10, 128), b.weight(10, scale=0.1), transB=1)
    model = b.model([("image", TensorProto.FLOAT, ["N", 1, 28, 28])], [(x, TensorProto.FLOAT, ["N", 10])], 13)
    return model, (1, 1, 28, 28)


def resnet18():
    b = Builder(2)
    x = b.op("Relu", b.batch_norm(b.conv("image", 3, 64, 7, 2), 64))
    x = b.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for width, first in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for stride in (first, 1):
            y = b.op("Relu", b.batch_norm(b.conv(x, channels, width, 3, stride), width))
            y = b.batch_norm(b.conv(y, width, width), width)
            if stride != 1 or width != channels:
                x = b.batch_norm(b.conv(x, channels, width, 1, stride), width)
            x, channels = b.op("Relu", b.op("Add", y, x)), width
    return image_model(b, x, channels, 224, 1000), (1, 3, 224, 224)


def mobilenet():
    b = Builder(3)

    def relu6(x):
        return b.op("Clip", x, b.value(np.float32(0)), b.value(np.float32(6)))

    x, channels = relu6(b.batch_norm(b.conv("image", 3, 32, 3, 2), 32)), 32
    for grow, width, times, first in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                      (6, 160, 3, 2), (6, 320, 1, 1)):
        for stride in [first] + [1] * (times - 1):
            inner = grow * channels
            y = relu6(b.batch_norm(b.conv(x, channels, inner, 1), inner)) if grow > 1 else x
            y = relu6(b.batch_norm(b.conv(y, inner, inner, 3, stride, inner), inner))
            y = b.batch_norm(b.conv(y, inner, width, 1), width)
            x, channels = (b.op("Add", x, y) if stride == 1 and width == channels else y), width
    x = relu6(b.batch_norm(b.conv(x, channels, 1280, 1), 1280))
    return image_model(b, x, 1280, 224, 1000), (1, 3, 224, 224)


def runtime_median(path, feed, threads, repeat):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    output = session.run(None, feed)[0]
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        session.run(None, feed)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times), output


def ours(program, path, folder, threads, repeat, *options):
    command = [program, path, f"{folder}/in.npz", f"{folder}/out.npz", "--threads", str(threads), "--repeat", str(repeat)]
    printed = subprocess.run(command + list(options), check=True, capture_output=True, text=True).stdout
    return float(re.search(r"median of \d+ runs: ([0-9.]+) ms", printed).group(1)), np.load(f"{folder}/out.npz")["out_0"]


def main():
    program, folder = sys.argv[1:3]
    threads, rounds = (int(n) for n in (sys.argv[3:5] + ["1", "5"][len(sys.argv[3:5]):]))
    makers = {"digits_cnn": (digits_cnn, 1000), "resnet18": (resnet18, 20), "mobilenet": (mobilenet, 30)}
    print(f"{threads} threads, median of {rounds} rounds, milliseconds for one sample")
    print(f"{'model':12}{'compiled':>10}{'eager':>10}{'ONNX Runtime':>14}{'compiled / ONNX Runtime':>25}")
    for name in sys.argv[5:] or makers:
        make, repeat = makers[name]
        model, shape = make()
        path = f"{folder}/{name}.onnx"
        onnx.save(model, path)
        feed = {"image": np.random.default_rng(1).standard_normal(shape).astype(np.float32)}
        np.savez(f"{folder}/in.npz", **feed)
        times = []
        for _ in range(rounds):
            compiled, y = ours(program, path, folder, threads, repeat)
            eager, _ = ours(program, path, folder, threads, repeat, "--eager")
            theirs, expected = runtime_median(path, feed, threads, repeat)
            assert np.allclose(y, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max()), name
            times.append((compiled, eager, theirs))
        compiled, eager, theirs = (statistics.median(column) for column in zip(*times))
        print(f"{name:12}{compiled:10.3f}{eager:10.3f}{theirs:14.3f}{compiled / theirs:25.2f}", flush=True)


main()
