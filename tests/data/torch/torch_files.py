"""PyTorch's files read by the library, and the library's by PyTorch. Exit status 77 without PyTorch.

    torch_files.py PROGRAM FOLDER
"""

import collections
import os
import subprocess
import sys

try:
    import numpy as np
    import torch
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

PROGRAM, FOLDER = sys.argv[1:]


def path(name):
    return os.path.join(FOLDER, name)


def flat(value, prefix=""):
    """The tensors of nested dictionaries and lists, by the names that the library gives them."""
    if isinstance(value, torch.Tensor):
        return {prefix: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    found = {}
    for key, inner in items:
        found.update(flat(inner, f"{prefix}.{key}" if prefix else str(key)))
    return found


def expect_read(name, value):
    torch.save(value, path(name))
    subprocess.run([PROGRAM, "read", path(name), path("read.npz")], check=True)
    expected = flat(value)
    with np.load(path("read.npz")) as arrays:
        assert sorted(arrays.files) == sorted(expected), (name, arrays.files, list(expected))
        for key, tensor in expected.items():
            tensor = tensor.detach()
            wide = {torch.bfloat16: torch.float32, torch.int16: torch.int32, torch.int8: torch.int32}
            wanted = tensor.to(wide.get(tensor.dtype, tensor.dtype)).numpy()
            assert arrays[key].dtype == wanted.dtype and np.array_equal(arrays[key], wanted), (name, key)


def expect_refused(name, value, words):
    torch.save(value, path(name))
    result = subprocess.run([PROGRAM, "read", path(name), path("none.npz")], capture_output=True, text=True)
    assert result.returncode == 1 and all(word in result.stderr for word in words), (name, result)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(0)
    base = torch.randn(4, 6)
    types = "float32 float64 float16 bfloat16 int64 int32 int16 int8 uint8 bool".split()
    expect_read("types.pt", {name: (torch.arange(6) - 2).to(getattr(torch, name)) for name in types})
    expect_read(
        "views.pt",
        collections.OrderedDict(
            whole=base, transposed=base.t(), row=base[2], step=base[:, 1::2], expanded=base[:, :1].expand(4, 3),
            number=torch.tensor(2.5), empty=torch.zeros(0, 3), parameter=torch.nn.Parameter(base[1])),
    )
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3),
        torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True))
    expect_read("model.pt", model.state_dict())
    optimizer = torch.optim.Adam(model[:4].parameters())
    model[:4](torch.randn(5, 1, 4, 4)).sum().backward()
    optimizer.step()
    expect_read("checkpoint.pt", {
        "epoch": 3, "loss": 0.5, "name": "net", "best": None, "history": [0.5, 0.25],
        "model": model.state_dict(), "optimizer": optimizer.state_dict()})
    expect_refused("whole.pt", model, ["instruction", "nothing is executed"])
    expect_refused("other.pt", {"w": np.float64(3)}, ["numpy"])

    arrays = {"w": np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32), "n": np.arange(5),
              "flags": np.array([True, False]), "zero": np.array(2.0), "none": np.zeros((0, 2))}
    np.savez(path("write.npz"), **arrays)
    subprocess.run([PROGRAM, "write", path("write.npz"), path("written.pt")], check=True)
    state = torch.load(path("written.pt"), weights_only=True)
    assert list(state) == [*arrays, "again"]
    for name, array in arrays.items():
        assert np.array_equal(state[name].numpy(), array) and state[name].numpy().dtype == array.dtype, name
    assert state["again"].data_ptr() == state["w"].data_ptr()
    print("PyTorch", torch.__version__, "and the library read each other's files")


main()
