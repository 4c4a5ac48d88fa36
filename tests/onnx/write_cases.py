"""Writes the single-operator conformance cases of the installed onnx package: FOLDER/node/test_abs/model.onnx and its tensors.

usage: write_cases.py FOLDER
"""

import pathlib
import sys
import warnings

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases


def serialized(value, info):
    """A tensor as bytes; None for sequences and optional values, whose models are refused before anything is read."""
    if hasattr(value, "SerializeToString"):
        return value.SerializeToString()
    if info.type.WhichOneof("value") != "tensor_type":
        return None
    return numpy_helper.from_array(value, info.name).SerializeToString()


def main():
    folder = pathlib.Path(sys.argv[1])
    warnings.simplefilter("ignore")
    cases = collect_testcases(None)
    for case in cases:
        where = folder / "node" / case.name
        where.mkdir(parents=True, exist_ok=True)
        (where / "model.onnx").write_bytes(case.model.SerializeToString())
        for i, (inputs, outputs) in enumerate(case.data_sets):
            data = where / f"test_data_set_{i}"
            data.mkdir(exist_ok=True)
            graph = case.model.graph
            for kind, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
                for j, (value, info) in enumerate(zip(values, infos)):
                    content = serialized(value, info)
                    if content is not None:
                        (data / f"{kind}_{j}.pb").write_bytes(content)
    print(f"{len(cases)} cases of onnx {onnx.__version__}")


main()
