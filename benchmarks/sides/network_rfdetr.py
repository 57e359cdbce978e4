"""rfdetr's network alone, in torch as ``inference()`` leaves it, or its exported graph in ONNX Runtime or OpenVINO."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from answers import save_network
from host import Job


def prepare(*, form: str, weights: str, pixels: str, size: str) -> Job:
    """Load a checkpoint (``torch``) or an exported graph (``onnx``, ``openvino``)."""
    batch = np.load(pixels)
    forward = {"torch": _torch, "onnx": _onnx, "openvino": _openvino}[form](weights, size)

    def run() -> Any:
        return forward(batch)

    def save(answer: Any, path: str) -> None:
        boxes, logits, masks = (np.asarray(array)[0] for array in answer)
        save_network(path, logits=logits, boxes=boxes, masks=masks)

    run()
    return Job(run, save)


Forward = Callable[[Any], Any]


def _torch(checkpoint: str, size: str) -> Forward:
    import torch
    from with_rfdetr import load

    network = load(size, checkpoint, optimised=True).model.inference_model

    def forward(batch: Any) -> Any:
        with torch.inference_mode():
            return network(torch.from_numpy(batch))

    return forward


def _onnx(graph: str, size: str) -> Forward:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    names = [output.name for output in session.get_outputs()]
    order = _in_order(names)
    return lambda batch: session.run([names[i] for i in order], {name: batch})


def _openvino(graph: str, size: str) -> Forward:
    import openvino

    compiled = openvino.Core().compile_model(
        graph, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    )
    request = compiled.create_infer_request()
    order = range(3)

    def forward(batch: Any) -> Any:
        found = request.infer([batch], share_inputs=True)
        return [found[i] for i in order]

    return forward


def _in_order(names: list[str]) -> list[int]:
    """Return where boxes, logits and masks are among the outputs of a graph."""
    return [next(i for i, name in enumerate(names) if word in name) for word in ("dets", "labels", "masks")]
