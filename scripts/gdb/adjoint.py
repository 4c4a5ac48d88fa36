# How gdb shows values of adjoint: a Tensor by shape, type and device, with its first elements, also in a core dump.
# gdb finds it by itself beside an installed shared library; otherwise: (gdb) source PREFIX/share/adjoint/gdb/adjoint.py
import struct

import gdb
import gdb.printing

SHOWN = 8  # elements

# In the order of the enumerator: name, size, how Python unpacks it.
DTYPES = [
    ("f16", 2, "e"), ("bf16", 2, None), ("f32", 4, "f"), ("f64", 8, "d"),
    ("u8", 1, "B"), ("i32", 4, "i"), ("i64", 8, "q"), ("bool", 1, "?"),
]


def sizes_of(shape):
    return [int(shape["sizes_"][i]) for i in range(int(shape["rank_"]))]


def shape_text(sizes):
    return "(" + ", ".join(str(size) for size in sizes) + ")"


def device_text(device):
    kind = int(device["type"])
    if kind == 0:
        return "cpu"
    return "%s:%d" % ("cuda" if kind == 1 else "device kind %d" % kind, int(device["index"]))


def element(place, dtype):
    name, size, code = DTYPES[dtype]
    raw = bytes(gdb.selected_inferior().read_memory(place, size))
    if code is None:  # the upper half of a float
        return struct.unpack("<f", b"\0\0" + raw)[0]
    return struct.unpack("<" + code, raw)[0]


def number_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "%.6g" % value if isinstance(value, float) else str(value)


def places(sizes, strides, count):
    """The first `count` places of a tensor, in elements from its first."""
    index = [0] * len(sizes)
    for _ in range(count):
        yield sum(i * step for i, step in zip(index, strides))
        for d in reversed(range(len(sizes))):
            index[d] += 1
            if index[d] < sizes[d]:
                break
            index[d] = 0


def tensor_text(impl):
    sizes = sizes_of(impl["shape"])
    dtype = int(impl["dtype"])
    storage = impl["storage"]["object_"]
    device = storage.dereference()["device_"] if int(storage) else None
    text = "%s%s on %s" % (DTYPES[dtype][0], shape_text(sizes), device_text(device) if device is not None else "nothing")
    if bool(impl["requires_grad"]):
        text += ", requires_grad"
    if device is None or int(device["type"]) != 0:
        return text  # the memory of another device is not read
    numel = int(impl["numel"])
    first = int(impl["data"])
    try:
        values = [number_text(element(first + place * DTYPES[dtype][1], dtype))
                  for place in places(sizes, sizes_of(impl["strides"]), min(numel, SHOWN))]
    except gdb.MemoryError:
        return text + ": its memory cannot be read"
    return "%s: [%s%s]" % (text, ", ".join(values), ", ..." if numel > SHOWN else "")


class TensorPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        # What is derived from it, a Parameter for instance, holds the same.
        impl = self.value["impl_"]["object_"]
        return "undefined tensor" if not int(impl) else tensor_text(impl.dereference())


class ShapePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return shape_text(sizes_of(self.value))


class DevicePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return device_text(self.value)


printers = gdb.printing.RegexpCollectionPrettyPrinter("adjoint")
printers.add_printer("Tensor", "^adjoint::Tensor$", TensorPrinter)
printers.add_printer("Parameter", "^adjoint::nn::ModuleTensor$", TensorPrinter)
printers.add_printer("Shape", "^adjoint::Shape$", ShapePrinter)
printers.add_printer("Device", "^adjoint::Device$", DevicePrinter)
gdb.printing.register_pretty_printer(None, printers, replace=True)
