"""Graphs that rfdetr writes, and the folder in which inference-models wants its weights."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from benchmarks import materials
from benchmarks.setting import Setting

EXPORT = Path(__file__).parents[1] / "sides" / "export_rfdetr.py"
SUFFIX = {"onnx": ".onnx", "openvino": ".xml"}


def exported(setting: Setting, size: str, form: str) -> Path:
    """Return rfdetr's own graph, ``onnx`` or ``openvino``, in float32."""
    folder = setting.work / f"export-{size}-{form}"
    if not list(folder.glob(f"*{SUFFIX[form]}")):
        command = [str(setting.rfdetr), str(EXPORT), size, str(materials.checkpoint(setting.work, size)), form]
        log = setting.work / f"export-{size}-{form}.log"
        with log.open("w") as file:
            environment = {**os.environ, **setting.environment()}
            subprocess.run([*command, str(folder)], check=True, stdout=file, stderr=file, env=environment)
    (graph,) = folder.glob(f"*{SUFFIX[form]}")
    return graph


def package(setting: Setting, size: str) -> Path:
    """Return a model package for inference-models: the same weights for torch, rfdetr's graph for ONNX Runtime."""
    folder = setting.work / f"package-{size}"
    folder.mkdir(exist_ok=True)
    side = materials.RESOLUTION[size]
    config = {
        "network_input": {
            "training_input_size": {"height": side, "width": side},
            "dynamic_spatial_size_supported": False,
            "color_mode": "rgb",
            "resize_mode": "stretch",
            "input_channels": 3,
            "scaling_factor": 255,
            "normalization": [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]],
        },
        "forward_pass": {"static_batch_size": 1},
    }
    (folder / "inference_config.json").write_text(json.dumps(config))
    (folder / "model_type.json").write_text(json.dumps({"model_type": f"rfdetr-seg-{size}"}))
    (folder / "class_names.txt").write_text("\n".join(f"class {number}" for number in range(91)))
    _linked(folder / "weights.pth", materials.checkpoint(setting.work, size))
    _linked(folder / "weights.onnx", exported(setting, size, "onnx"))
    return folder


def _linked(link: Path, target: Path) -> None:
    if not link.exists():
        link.symlink_to(target.resolve())
