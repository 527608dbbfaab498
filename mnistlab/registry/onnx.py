"""A version as an ONNX file, with its permutation and its normalisation inside the graph, so that nobody can forget them.

The graph takes ``image``, uint8 (N, 28, 28) as drawn, ink bright, and gives ``logits`` and ``probabilities``, float32 (N, C).
What else belongs to a version, its classes and the limits of its sets and refusals, is in the metadata. Before the bytes are
handed out, ONNX Runtime reads the version's stored images with them.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.common.constants import PIXELS, SIDE
from mnistlab.common.errors import CheckpointError, LabError
from mnistlab.registry.checkpoint import PROBE_TOLERANCE, Checkpoint

if TYPE_CHECKING:
    import onnx

OPSET = 17  # of ONNX 1.12 (2022): old enough for every runtime in use, and it has all that is needed


def export_onnx(checkpoint: Checkpoint) -> bytes:
    """The bytes of an ONNX file that reads as the version does.

    Raises
    ------
    LabError : the package onnx or onnxruntime is not installed.
    CheckpointError : the file gives other logits for the version's stored images than are stored.
    """
    try:
        import onnx
    except ImportError:
        raise _missing("onnx") from None
    model = onnx.helper.make_model(
        _graph(checkpoint),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=8,  # that of ONNX 1.12
        producer_name="mnistlab",
        doc_string=checkpoint.manifest.summary(),
    )
    onnx.helper.set_model_props(model, _metadata(checkpoint))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    images, logits = checkpoint.manifest.probe.decoded()
    distance = float(np.abs(run_onnx(content, images)[0] - logits).max())
    if not distance <= PROBE_TOLERANCE:
        raise CheckpointError(f"the ONNX file gives other logits than the version, off by {distance:.3g}", code="probe")
    return content


def run_onnx(content: bytes, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logits and probabilities, float32 (N, C) each, that ONNX Runtime gives for uint8 images (N, 28, 28).

    Raises
    ------
    LabError : the package onnxruntime is not installed.
    """
    logits, probabilities = (
        _runtime()
        .InferenceSession(content, providers=["CPUExecutionProvider"])
        .run(["logits", "probabilities"], {"image": images})
    )
    return logits, probabilities


def _runtime() -> Any:
    # From 1.29 on it reports its use to its makers, from Linux too, unless told before its import. What is read here is
    # nobody else's business.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError:
        raise _missing("onnxruntime") from None
    return onnxruntime


def _graph(checkpoint: Checkpoint) -> onnx.GraphProto:
    from onnx import TensorProto, helper, numpy_helper

    constants: dict[str, NDArray[Any]] = {
        "permutation": checkpoint.permutation.order,
        "pixels": np.array([-1, PIXELS]),
        "picture": np.array([-1, 1, SIDE, SIDE]),
        "white": np.array(255, np.float32),
        "mean": np.array(checkpoint.normalisation.mean, np.float32),
        "std": np.array(checkpoint.normalisation.std, np.float32),
        **checkpoint.weights,
    }
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Reshape", ["pixels"], {}),
        ("Gather", ["permutation"], {"axis": 1}),
        ("Cast", [], {"to": TensorProto.FLOAT}),
        ("Div", ["white"], {}),
        ("Sub", ["mean"], {}),
        ("Div", ["std"], {}),
        ("Reshape", ["picture"], {}),
        *_layers(checkpoint),
    ]
    nodes, value = [], "image"
    for number, (kind, inputs, attributes) in enumerate(steps):
        following = "logits" if number == len(steps) - 1 else f"step {number}"
        nodes.append(helper.make_node(kind, [value, *inputs], [following], **attributes))
        value = following
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
    classes = checkpoint.arguments["output_size"]
    return helper.make_graph(
        nodes,
        f"mnistlab {checkpoint.manifest.version}",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIDE, SIDE])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", classes])
            for name in ("logits", "probabilities")
        ],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in constants.items()],
    )


def _layers(checkpoint: Checkpoint) -> list[tuple[str, list[str], dict[str, Any]]]:
    """Kind, weights and attributes of each layer, with what stands between them."""
    steps: list[tuple[str, list[str], dict[str, Any]]] = []
    flat = False
    for name, weight in checkpoint.weights.items():
        if not name.endswith("weight"):
            continue
        inputs = [name, name.replace("weight", "bias")]
        if weight.ndim == 4:
            steps += [
                ("Conv", inputs, {}),
                ("MaxPool", [], {"kernel_shape": [2, 2], "strides": [2, 2]}),
                ("Relu", [], {}),
            ]
            continue
        steps += [] if flat else [("Flatten", [], {"axis": 1})]
        flat = True
        steps += [("Gemm", inputs, {"transB": 1}), ("Relu", [], {})]
    return steps[:-1]  # the last layer is not rectified


def _metadata(checkpoint: Checkpoint) -> dict[str, str]:
    manifest, calibration = checkpoint.manifest, checkpoint.calibration
    limits = None
    if calibration:
        limits = {
            "n": calibration.n,
            "nonconformity": {f"{level:g}": most for level, most in calibration.thresholds.items()},
            "confidence": calibration.confidence,
        }
    return {
        "version": manifest.version,
        "classes": json.dumps([str(digit) for digit in range(checkpoint.arguments["output_size"])]),
        "thresholds": json.dumps(limits),
        "permutation_sha256": manifest.permutation.sha256,
        "weights_sha256": manifest.weights_sha256,
        "metrics": json.dumps({name: str(metric) for name, metric in manifest.metrics.items()}),
    }


def _missing(package: str) -> LabError:
    return LabError(f"the package {package} is not installed; pip install 'mnistlab[onnx]' brings it", code="missing")
