"""The network alone: one normalised picture in, classes, boxes and low-resolution masks of all queries out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks import materials
from benchmarks.agreement import same_network
from benchmarks.cases.exports import exported
from benchmarks.cases.prediction import agreeing
from benchmarks.report import Table, compared
from benchmarks.setting import BACKENDS, OURS, Setting
from benchmarks.timing import alternate, series
from benchmarks.worker import Contestant

PRODUCTS = "as many operations, as one matrix product"
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def measure(setting: Setting) -> Iterator[Table]:
    """Compare on nano."""
    pixels = _pixels(setting, "nano")
    contestants = [*_ours(setting, "nano", pixels), *_theirs(setting, "nano", pixels)]
    with setting.workers([*contestants, _products(setting, "nano")]) as workers:
        networks = {one.name: workers[one.name] for one in contestants}
        agreed, notes = agreeing(setting, networks, reference="rfdetr, torch, inference()", same=same_network)
        agreed[PRODUCTS] = workers[PRODUCTS]
        notes.append(f"The network has {workers[PRODUCTS].facts['operations'] / 1e9:.1f} thousand million operations.")
        taken = alternate({name: worker.run for name, worker in agreed.items()}, rounds=setting.rounds, rehearsals=2)
    yield compared("Network only, nano", series(taken, setting.clock), to=contestants[0].name, notes=notes)


def _pixels(setting: Setting, size: str) -> Path:
    """Return the file of one picture as the network reads it, float32 (1, 3, side, side)."""
    side = materials.RESOLUTION[size]
    file = setting.work / f"normalised-{side}.npy"
    photo = np.load(materials.picture(setting.work, 480, 640))
    resized = cv2.resize(photo, (side, side), interpolation=cv2.INTER_LINEAR)[:, :, ::-1].astype(np.float32) / 255
    normal = (resized - MEAN) / DEVIATION
    np.save(file, np.ascontiguousarray(normal.transpose(2, 0, 1)[None], dtype=np.float32))
    return file


def _products(setting: Setting, size: str) -> Contestant:
    """Return who does as many operations as the network has in the quickest way there is: no network is faster."""
    return Contestant(
        name=PRODUCTS,
        python=OURS,
        side="products",
        arguments={"model_id": materials.kept_model(setting.home, setting.work, size)},
        environment=setting.environment(SEGFLOW_BACKEND="torch"),
    )


def _ours(setting: Setting, size: str, pixels: Path) -> list[Contestant]:
    arguments = {"model_id": materials.kept_model(setting.home, setting.work, size), "pixels": str(pixels)}
    return [
        Contestant(
            name=f"segflow, {backend}",
            python=OURS,
            side="network_segflow",
            arguments=arguments,
            environment=setting.environment(SEGFLOW_BACKEND=backend),
        )
        for backend in BACKENDS
    ]


def _theirs(setting: Setting, size: str, pixels: Path) -> list[Contestant]:
    weights = {
        "torch": materials.checkpoint(setting.work, size),
        "onnx": exported(setting, size, "onnx"),
        "openvino": exported(setting, size, "openvino"),
    }
    names = {
        "torch": "rfdetr, torch, inference()",
        "onnx": "rfdetr's graph, ONNX Runtime",
        "openvino": "rfdetr's graph, OpenVINO",
    }
    return [
        Contestant(
            name=names[form],
            python=setting.rfdetr,
            side="network_rfdetr",
            arguments={"form": form, "weights": str(file), "pixels": str(pixels), "size": size},
            environment=setting.environment(),
        )
        for form, file in weights.items()
    ]
