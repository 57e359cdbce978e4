"""A model as files for use elsewhere: the whole graph, with the masks of all queries, and how to feed and read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blocks.instance_segmentation.loading import network
from blocks.instance_segmentation.network import Network
from blocks.instance_segmentation.preprocess import DEVIATION, MEAN
from blocks.instance_segmentation.ways import PACKAGES, installed
from workflow_engine.api import Contract, ModelError

OUTPUTS = ("logits", "boxes", "masks")


def export(
    folder: Path, contract: Contract, *, form: str, resolution: int | None, target: Path, name: str
) -> tuple[Path, ...]:
    """Write the model in ``folder`` as ``form`` (``onnx`` or ``openvino``) into the folder ``target``.

    Returns:
        What was written: the graph, its weights where they are apart, and what to feed and read, as JSON.

    Raises:
        ModelError: If the form is unknown, its packages are not installed, or the resolution does not suit the model.
        OSError: If the disk refuses.
    """
    if form not in FORMS:
        raise ModelError("model_export", f"There is no form {form!r}.", hint=f"Known are {', '.join(FORMS)}.")
    if installed(form) is None:
        message = f"Exporting to {form} needs the package {PACKAGES[form]}, which is not installed."
        raise ModelError("model_export", message, hint="pip install 'segflow[onnx]'" if form == "onnx" else "")
    built = network(folder, contract, device="cpu", resolution=resolution)
    target.mkdir(parents=True, exist_ok=True)
    files = FORMS[form](built, target / name)
    description = files[0].with_name(f"{files[0].name}.json")  # not the other form's
    content = _description(built, contract, files[0].name)
    description.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return (*files, description)


def _onnx(built: Network, stem: Path) -> tuple[Path, ...]:
    from blocks.instance_segmentation.backends.graphs import Whole, example_pixels
    from blocks.instance_segmentation.backends.onnx import exported

    file = stem.with_name(f"{stem.name}.onnx")
    file.write_bytes(exported(Whole(built), example_pixels(built), inputs=("pixels",), outputs=OUTPUTS))
    return (file,)


def _openvino(built: Network, stem: Path) -> tuple[Path, ...]:
    import openvino

    from blocks.instance_segmentation.backends.graphs import Whole, example_pixels
    from blocks.instance_segmentation.backends.openvino import converted

    model = converted(Whole(built), example_pixels(built))
    model.inputs[0].set_names({"pixels"})
    for output, name in zip(model.outputs, OUTPUTS, strict=True):
        output.set_names({name})
    file = stem.with_name(f"{stem.name}.xml")
    openvino.save_model(model, file, compress_to_fp16=False)
    return file, stem.with_name(f"{stem.name}.bin")


FORMS: dict[str, Callable[[Network, Path], tuple[Path, ...]]] = {"onnx": _onnx, "openvino": _openvino}


def _description(built: Network, contract: Contract, graph: str) -> dict[str, Any]:
    resize = "bilinear, corners not aligned, without antialias" if contract.resize == "bilinear" else contract.resize
    return {
        "graph": graph,
        "input": {
            "name": "pixels",
            "shape": [1, 3, built.side, built.side],
            "type": "float32",
            "colours": "red, green, blue",
            "resize": f"to {built.side} by {built.side}, not keeping the aspect ratio; {resize}",
            "scale": "divide 8-bit values by 255, subtract mean, divide by deviation",
            "mean": [round(float(value), 3) for value in MEAN],
            "deviation": [round(float(value), 3) for value in DEVIATION],
        },
        "outputs": {
            "logits": "(1, queries, classes): a score is its sigmoid; the best pairs are the objects",
            "boxes": "(1, queries, 4): centre x, centre y, width, height, as fractions of the image",
            "masks": "(1, queries, m, m): logits; resize to the image like the input, and take what is above 0",
        },
        "confidence": contract.default_confidence,
        "classes": {str(number): name for number, name in contract.classes.items()},
        "license": contract.license,
        "sha256_of_weights": contract.sha256,
    }
