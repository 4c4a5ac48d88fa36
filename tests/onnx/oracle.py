"""Models of the shapes that people have, made here and run by ONNX Runtime and by onnx_run.

usage: oracle.py PROGRAM FOLDER
"""

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from graph_builder import Builder


def resnet():
    b = Builder(1)
    x = b.op("Relu", b.batch_norm(b.conv("image", 3, 16, 7, 2), 16))
    x = b.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 16
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        y = b.op("Relu", b.batch_norm(b.conv(x, channels, width, 3, stride), width))
        y = b.batch_norm(b.conv(y, width, width), width)
        if stride != 1 or width != channels:
            x = b.batch_norm(b.conv(x, channels, width, 1, stride), width)
        x, channels = b.op("Relu", b.op("Add", y, x)), width
    x = b.op("Flatten", b.op("GlobalAveragePool", x))
    x = b.op("Gemm", x, b.weight(10, channels), b.weight(10, scale=0.1), transB=1)
    return b.model([("image", TensorProto.FLOAT, ["N", 3, 64, 64])], [(x, TensorProto.FLOAT, ["N", 10])], 13), [
        {"image": b.random.standard_normal((n, 3, 64, 64)).astype(np.float32)} for n in (1, 3)]


def mobilenet():
    b = Builder(2)

    def relu6(x):
        return b.op("Clip", x, b.value(np.float32(0)), b.value(np.float32(6)))

    x, channels = relu6(b.batch_norm(b.conv("image", 3, 16, 3, 2), 16)), 16
    for width, stride in ((16, 1), (24, 2), (24, 1), (32, 2)):
        y = relu6(b.batch_norm(b.conv(x, channels, 4 * channels, 1), 4 * channels))
        y = relu6(b.batch_norm(b.conv(y, 4 * channels, 4 * channels, 3, stride, 4 * channels), 4 * channels))
        y = b.batch_norm(b.conv(y, 4 * channels, width, 1), width)
        x, channels = (b.op("Add", x, y) if stride == 1 and width == channels else y), width
    x = b.op("HardSwish", x)
    x = b.op("ReduceMean", x, axes=[2, 3], keepdims=0)
    x = b.op("Softmax", b.op("MatMul", x, b.weight(channels, 10)))
    return b.model([("image", TensorProto.FLOAT, ["N", 3, "H", "W"])], [(x, TensorProto.FLOAT, ["N", 10])], 14), [
        {"image": b.random.standard_normal((n, 3, h, 48)).astype(np.float32)} for n, h in ((1, 48), (2, 40))]


def encoder():
    """A small BERT: embeddings, attention with sizes computed from the input's, a mask, layer norms by hand."""
    b, width, heads, words = Builder(3), 32, 4, 50
    ids = b.value(np.arange(16, dtype=np.int64))

    def layer_norm(x):
        mean = b.op("ReduceMean", x, axes=[-1])
        centred = b.op("Sub", x, mean)
        var = b.op("ReduceMean", b.op("Pow", centred, b.value(np.float32(2))), axes=[-1])
        scale = b.op("Sqrt", b.op("Add", var, b.value(np.float32(1e-5))))
        return b.op("Add", b.op("Mul", b.op("Div", centred, scale), b.weight(width, scale=1.0)),
                    b.weight(width, scale=0.1))

    def linear(x, inner, outer):
        return b.op("Add", b.op("MatMul", x, b.weight(inner, outer, scale=0.2)), b.weight(outer, scale=0.1))

    shape = b.op("Shape", "tokens")
    batch, length = (b.op("Gather", shape, b.value(np.int64(i))) for i in (0, 1))
    batch, length = (b.op("Unsqueeze", s, b.value(np.array([0], np.int64))) for s in (batch, length))
    positions = b.op("Slice", ids, b.value(np.array([0], np.int64)), length)
    x = b.op("Add", b.op("Gather", b.weight(words, width, scale=1.0), "tokens"),
             b.op("Gather", b.weight(16, width, scale=1.0), positions))
    x = layer_norm(x)
    mask = b.op("Cast", "mask", to=TensorProto.FLOAT)
    mask = b.op("Mul", b.op("Sub", b.value(np.float32(1)), mask), b.value(np.float32(-1e4)))
    mask = b.op("Unsqueeze", mask, b.value(np.array([1, 2], np.int64)))
    split = b.op("Concat", batch, length, b.value(np.array([heads, width // heads], np.int64)), axis=0)
    joined = b.op("Concat", batch, length, b.value(np.array([width], np.int64)), axis=0)
    for _ in range(2):
        query, key, value = (b.op("Reshape", linear(x, width, width), split) for _ in range(3))
        query = b.op("Transpose", query, perm=[0, 2, 1, 3])
        value = b.op("Transpose", value, perm=[0, 2, 1, 3])
        scores = b.op("MatMul", query, b.op("Transpose", key, perm=[0, 2, 3, 1]))
        scores = b.op("Add", b.op("Div", scores, b.value(np.float32(np.sqrt(width / heads)))), mask)
        y = b.op("Transpose", b.op("MatMul", b.op("Softmax", scores, axis=-1), value), perm=[0, 2, 1, 3])
        x = layer_norm(b.op("Add", x, linear(b.op("Reshape", y, joined), width, width)))
        y = linear(x, width, 64)
        half = b.op("Mul", y, b.value(np.float32(0.5)))
        y = b.op("Mul", half, b.op("Add", b.op("Erf", b.op("Div", y, b.value(np.float32(np.sqrt(2))))),
                                   b.value(np.float32(1))))
        x = layer_norm(b.op("Add", x, linear(y, 64, width)))
    x = b.op("Tanh", linear(b.op("Gather", x, b.value(np.int64(0)), axis=1), width, 7))
    inputs = [(name, TensorProto.INT64, ["N", "L"]) for name in ("tokens", "mask")]
    feeds = []
    for n, length in ((1, 9), (3, 12)):
        lengths = b.random.integers(4, length + 1, n)
        feeds.append({"tokens": b.random.integers(0, words, (n, length)),
                      "mask": (np.arange(length)[None] < lengths[:, None]).astype(np.int64)})
    return b.model(inputs, [(x, TensorProto.FLOAT, ["N", 7])], 13), feeds


def tagger():
    """Word by word: an LSTM in both directions and a GRU, over sequences of several lengths."""
    b, hidden, width = Builder(4), 12, 20
    x = b.op("Transpose", b.op("Gather", b.weight(30, width, scale=1.0), "words"), perm=[1, 0, 2])
    lengths = b.op("Cast", "lengths", to=TensorProto.INT32)

    def recurrent(kind, x, width, gates, directions, **more):
        rows = gates * hidden
        weights = [b.weight(directions, rows, width, scale=0.3), b.weight(directions, rows, hidden, scale=0.3),
                   b.weight(directions, 2 * rows, scale=0.1)]
        y, _ = b.op(kind, x, *weights, lengths, outputs=2, hidden_size=hidden,
                    direction="bidirectional" if directions == 2 else "forward", **more)
        y = b.op("Transpose", y, perm=[0, 2, 1, 3])
        return b.op("Reshape", y, b.value(np.array([0, 0, -1], np.int64)))

    x = recurrent("LSTM", x, width, 4, 2)
    x = recurrent("GRU", x, 2 * hidden, 3, 1, linear_before_reset=1)
    x = b.op("MatMul", b.op("Transpose", x, perm=[1, 0, 2]), b.weight(hidden, 5))
    x = b.op("LogSoftmax", x, axis=-1)
    feeds = [{"words": b.random.integers(0, 30, (n, 11)), "lengths": b.random.integers(3, 12, n)} for n in (1, 4)]
    inputs = [("words", TensorProto.INT64, ["N", "L"]), ("lengths", TensorProto.INT64, ["N"])]
    return b.model(inputs, [(x, TensorProto.FLOAT, ["N", "L", 5])], 14), feeds


def quantised():
    """A convolution and a product between QuantizeLinear and DequantizeLinear, weights in int8."""
    b = Builder(5)

    def fake(x, scale, zero=np.uint8(128)):
        pair = b.value(np.float32(scale)), b.value(zero)
        return b.op("DequantizeLinear", b.op("QuantizeLinear", x, *pair), *pair)

    def weight(*shape):
        scale = b.value((0.01 + 0.01 * b.random.random(shape[0])).astype(np.float32))
        zero = b.value(np.zeros(shape[0], np.int8))
        numbers = b.value(b.random.integers(-127, 128, shape).astype(np.int8))
        return b.op("DequantizeLinear", numbers, scale, zero, axis=0)

    x = b.op("Conv", fake("image", 0.02), weight(8, 3, 3, 3), b.weight(8, scale=0.1), pads=[1, 1, 1, 1])
    x = fake(b.op("Relu", x), 0.05, np.uint8(0))
    x = b.op("Gemm", b.op("Flatten", x), weight(10, 8 * 64), transB=1)
    return b.model([("image", TensorProto.FLOAT, ["N", 3, 8, 8])], [(x, TensorProto.FLOAT, ["N", 10])], 13), [
        {"image": b.random.standard_normal((n, 3, 8, 8)).astype(np.float32)} for n in (1, 2)]


def main():
    program, folder = sys.argv[1:]
    failed = 0
    for make in (resnet, mobilenet, encoder, tagger, quantised):
        model, feeds = make()
        path = f"{folder}/{make.__name__}.onnx"
        onnx.save(model, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for feed in feeds:
            expected = session.run(None, feed)
            np.savez(f"{folder}/in.npz", **feed)
            subprocess.run([program, path, f"{folder}/in.npz", f"{folder}/out.npz"], check=True)
            ours = np.load(f"{folder}/out.npz")
            for i, theirs in enumerate(expected):
                own = ours[f"out_{i}"]
                # Quantised values next to a boundary may fall to either side.
                bound = (0.01 if make is quantised else 1e-5) * max(1, np.abs(theirs).max())
                error = np.abs(own - theirs).max()
                same = own.shape == theirs.shape and error <= bound
                same = same and (make is quantised or (own.argmax(-1) == theirs.argmax(-1)).all())
                print(f"{make.__name__} {own.shape}: error {error:.2g}, bound {bound:.2g}")
                failed += not same
    sys.exit(1 if failed else 0)


main()
