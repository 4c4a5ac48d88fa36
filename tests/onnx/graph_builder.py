"""ONNX graphs, made node by node."""

import numpy as np
import onnx
from onnx import helper, numpy_helper


class Builder:
    """A graph in the making; each method adds a node and gives the name of its result."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []
        self.count = 0

    def name(self, kind):
        self.count += 1
        return f"{kind}_{self.count}"

    def value(self, array, name=None):
        name = name or self.name("value")
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape, scale=None):
        fan = int(np.prod(shape[1:])) or 1
        array = self.random.standard_normal(shape) * (scale or np.sqrt(2 / fan))
        return self.value(array.astype(np.float32), self.name("weight"))

    def op(self, kind, *inputs, outputs=1, **attributes):
        names = [self.name(kind.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def conv(self, x, channels_in, channels_out, kernel=3, stride=1, group=1):
        w = self.weight(channels_out, channels_in // group, kernel, kernel)
        return self.op("Conv", x, w, kernel_shape=[kernel, kernel], strides=[stride, stride], group=group,
                       pads=[kernel // 2] * 4)

    def batch_norm(self, x, channels):
        draw = self.random
        values = [1 + 0.1 * draw.standard_normal(channels), 0.1 * draw.standard_normal(channels),
                  0.1 * draw.standard_normal(channels), 1 + 0.2 * draw.random(channels)]
        return self.op("BatchNormalization", x, *[self.value(v.astype(np.float32)) for v in values])

    def model(self, inputs, outputs, opset):
        graph = helper.make_graph(
            self.nodes, "made", [helper.make_tensor_value_info(*i) for i in inputs],
            [helper.make_tensor_value_info(*o) for o in outputs], self.initializers)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(made)
        return made
