"""ONNX files with the inputs and outputs of YuNet and SFace: small enough to be written by the tests.

They have learnt nothing. OpenCV's own classes run them, as they would run the real ones.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SEARCHED, ALIGNED, LENGTH, STRIDE = 256, 112, 128, 32
POINTS = ((90.0, 95.0), (150.0, 100.0), (120.0, 130.0), (95.0, 160.0), (145.0, 165.0))
BOX = (56.0, 56.0, 128.0, 128.0)
WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def write_networks(folder: Path, *, points: tuple[tuple[float, float], ...] | None = POINTS) -> list[Path]:
    """Write both files; return their paths."""
    folder.mkdir(exist_ok=True)
    paths = [folder / "yunet.onnx", folder / "sface.onnx"]
    for path, content in zip(paths, (yunet(points), sface()), strict=True):
        path.write_bytes(content)
    return paths


def yunet(
    points: tuple[tuple[float, float], ...] | None = POINTS,
    *,
    box: tuple[float, float, float, float] = BOX,
    widths: Mapping[str, int] | None = None,
    without: str | None = None,
) -> bytes:
    """Return a detector that sees one face with these points in every picture, or none.

    `widths` has outputs with another number of numbers, `without` is left out.
    """
    values = {
        f"{name}_{stride}": np.zeros((1, (SEARCHED // stride) ** 2, width), np.float32)
        for stride in (8, 16, STRIDE)
        for name, width in WIDTHS.items()
    }
    if points is not None:
        x, y, width, height = box
        middle = np.array([x + width / 2, y + height / 2])
        column, row = (middle // STRIDE).astype(int).tolist()
        place, origin = row * SEARCHED // STRIDE + column, np.array([column, row]) * STRIDE
        values["cls_32"][0, place] = values["obj_32"][0, place] = 1
        sides = np.log(np.array([width, height]) / STRIDE)
        values["bbox_32"][0, place] = np.concatenate([(middle - origin) / STRIDE, sides])
        values["kps_32"][0, place] = ((np.array(points) - origin) / STRIDE).ravel()
    for name, width in (widths or {}).items():
        values[name] = np.resize(values[name], (*values[name].shape[:2], width))
    values.pop(without or "", None)
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], keepdims=1),
        helper.make_node("Mul", ["mean", "nothing"], ["zeros"]),
        helper.make_node("Flatten", ["zeros"], ["zero"]),
        *(helper.make_node("Add", [f"{name}_held", "zero"], [name]) for name in values),
    ]
    held = {f"{name}_held": value for name, value in values.items()} | {"nothing": np.zeros(1, np.float32)}
    return _model(nodes, held, ("input", SEARCHED), {name: value.shape for name, value in values.items()})


def sface(length: int = LENGTH, *, seed: int = 1, times: float = 1.0) -> bytes:
    """Return a network that describes the 64 squares of a picture by numbers drawn at random."""
    weights = (times * np.random.default_rng(seed).normal(size=(8 * 8 * 3, length))).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["data"], ["squares"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["squares"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["fc1"]),
    ]
    return _model(nodes, {"weights": weights}, ("data", ALIGNED), {"fc1": (1, length)})


def _model(
    nodes: list[onnx.NodeProto],
    held: Mapping[str, NDArray[np.float32]],
    taken: tuple[str, int],
    given: Mapping[str, tuple[int, ...]],
) -> bytes:
    name, side = taken
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(one, TensorProto.FLOAT, list(shape)) for one, shape in given.items()],
        [numpy_helper.from_array(value, one) for one, value in held.items()],
    )
    opsets = [helper.make_opsetid("", 11)]
    content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    return content
