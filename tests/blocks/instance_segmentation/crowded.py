"""A program that takes 300 objects of a 12-megapixel picture from logits to JSON, and prints what memory that took.

Its argument is how rough the masks are: noise on their maps, in cells of distance from a disc's edge. The output is one
line of JSON: how many objects were found, what share of the picture they cover, how many bytes of JSON were written,
and by how many bytes the memory of this process grew at its highest.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import Facts, Looked
from blocks.instance_segmentation.block import instance_segmentation
from blocks.instance_segmentation.model import RfDetrSeg
from blocks.visualize.outlines import mask_visualization
from workflow_engine.api import Contract, Image, RunContext, masks, serialise
from workflow_engine.settings import load

HEIGHT, WIDTH = 3000, 4000
OBJECTS = 300
SIDE = 768  # the largest model's

COLORING: dict[str, Any] = {
    "color_palette": "DEFAULT",
    "palette_size": 10,
    "custom_colors": [],
    "color_axis": "CLASS",
}


class Crowd:
    """Stands in for a network: sees as many discs as the largest model has queries, some small and some very large."""

    facts = Facts(side=SIDE, outputs=2, nbytes=0)
    batch = 1

    def __init__(self, roughness: float) -> None:
        self._roughness = roughness

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        """Return one sure object per query, whose mask map is its own."""
        logits = np.tile(np.array([6.0, -6.0], dtype=np.float32), (1, OBJECTS, 1))
        boxes = np.full((1, OBJECTS, 4), 0.5, dtype=np.float32)
        return Looked(
            logits,
            boxes,
            np.eye(OBJECTS, OBJECTS + 1, dtype=np.float32)[None],
            np.zeros((1, 1, 1, 1), dtype=np.float32),
        )

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return discs with rough edges."""
        random = np.random.default_rng(0)
        y, x = np.mgrid[: SIDE // 4, : SIDE // 4].astype(np.float32)
        maps = np.empty((1, OBJECTS, *x.shape), dtype=np.float32)
        for plane, radius in zip(maps[0], np.geomspace(2, 60, OBJECTS), strict=True):
            center = random.uniform(0, SIDE // 4, 2)
            plane[...] = radius - np.hypot(x - center[0], y - center[1]) + random.normal(0, self._roughness, x.shape)
        return maps

    def save(self, folder: Path) -> None:
        """Keep nothing."""


def run(height: int, width: int, roughness: float) -> tuple[int, float, int]:
    """Return how many objects were found, the share of the picture that they cover, and the bytes of JSON written."""
    contract = Contract(family="rf-detr-seg", classes={0: "disc"}, id_space="index", resolution=SIDE)
    model = RfDetrSeg(Crowd(roughness), contract)
    context = RunContext(settings=load({}), models=SimpleNamespace(get=lambda *_, **__: model))
    rows = np.linspace(0, 255, height * 3, dtype=np.uint8).reshape(height, 1, 3)
    image = Image.from_array(np.repeat(rows, width, axis=1))
    (found,) = instance_segmentation(
        [image],
        model_id="crowd",
        confidence=0.5,
        class_filter=None,
        max_detections=OBJECTS,
        resolution=None,
        device="cpu",
        precision="float32",
        context=context,
    )
    table = found["predictions"]
    drawn = mask_visualization(image, table, opacity=0.5, **COLORING)["image"]
    written = 0
    for kind, value in (
        ("instance_segmentation_prediction", table),
        ("rle_instance_segmentation_prediction", table),
        ("image", drawn),
    ):
        written += len(json.dumps(serialise(value, [kind], coordinates="parent")))
    return len(table), float(masks.area(table.mask).sum()) / (height * width), written


def memory(name: str) -> int:
    """Return a size in bytes from what Linux says of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    roughness = float(sys.argv[1])
    run(30, 40, roughness)  # loads what is loaded at first use
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # lets VmHWM, the highest so far, begin anew
    objects, cover, written = run(HEIGHT, WIDTH, roughness)
    print(json.dumps({"objects": objects, "cover": cover, "written": written, "grown": memory("VmHWM") - before}))
