"""Measures a model on rendered pictures that it has never seen: mask and box AP as COCO defines them.

Run as `python -m examples.demo_model.evaluate FOLDER --record`: the figures go to `figures.json` beside the model.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from .detector import Detections, detect, load_detector
from .renderer import CLASS_NAMES, Scene, SceneSpec, render_scene

if TYPE_CHECKING:
    from pycocotools.cocoeval import COCOeval
    from transformers import RfDetrForInstanceSegmentation

FIRST_SEED = 1_000_000
"""Training pictures have seeds from 0; these never meet them."""

SIZE = (480, 640)
FIGURES = "figures.json"

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Findings:
    """Ground truth and detections of many pictures in the form of COCO."""

    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)

    def add(self, scene: Scene, found: Detections) -> None:
        """Add one picture: what lies in it and what was found."""
        number = len(self.images) + 1
        height, width = scene.picture.shape[:2]
        self.images.append({"id": number, "height": height, "width": width})
        for item in scene.objects:
            low_high = np.array(item.box)
            annotation = coco_entry(number, item.class_id, low_high, item.mask)
            area = int(item.mask.sum())
            self.annotations.append({**annotation, "id": len(self.annotations) + 1, "area": area, "iscrowd": 0})
        for score, class_id, box, mask in zip(found.scores, found.class_ids, found.boxes, found.masks, strict=True):
            self.results.append({**coco_entry(number, int(class_id), box, mask), "score": float(score)})


def coco_entry(image: int, class_id: int, box: NDArray[Any], mask: NDArray[np.bool_]) -> dict[str, Any]:
    """One object as COCO writes it: categories from 1, the box as x, y, width, height, the mask run-length coded."""
    from pycocotools import mask as coding

    x_min, y_min, x_max, y_max = (float(value) for value in box)
    return {
        "image_id": image,
        "category_id": class_id + 1,
        "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
        "segmentation": coding.encode(np.asfortranarray(mask.astype(np.uint8))),
    }


def measured(findings: Findings, kind: str) -> COCOeval:
    """Run the evaluation of COCO for "segm" or "bbox", silently."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO()
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASS_NAMES, start=1)]
    truth.dataset = {
        "info": {},
        "images": findings.images,
        "annotations": findings.annotations,
        "categories": categories,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        # A box among the results would let COCO take its area instead of the mask's.
        results = [
            {key: value for key, value in row.items() if kind == "bbox" or key != "bbox"} for row in findings.results
        ]
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def figures(findings: Findings) -> Figures:
    """AP50:95 and AP50 of masks and boxes over all classes, and the mask AP50:95 of every class, in [0, 1]."""
    masks, boxes = measured(findings, "segm"), measured(findings, "bbox")
    precision = masks.eval["precision"][:, :, :, 0, -1]
    per_class = {f"mask_ap_{name}": float(precision[:, :, index].mean()) for index, name in enumerate(CLASS_NAMES)}
    overall = {
        "mask_ap": float(masks.stats[0]),
        "mask_ap50": float(masks.stats[1]),
        "box_ap": float(boxes.stats[0]),
        "box_ap50": float(boxes.stats[1]),
    }
    return {name: round(value, 4) for name, value in (overall | per_class).items()}


def unseen_scenes(pictures: int, *, size: tuple[int, int] = SIZE) -> Iterable[Scene]:
    """The pictures to measure on, as a user would send them, of `size` (height, width)."""
    for seed in range(FIRST_SEED, FIRST_SEED + pictures):
        yield render_scene(SceneSpec(seed=seed, size=size))


def evaluate(model: RfDetrForInstanceSegmentation, *, pictures: int) -> Figures:
    """Measure a model on `pictures` unseen pictures."""
    findings = Findings()
    for scene in unseen_scenes(pictures):
        findings.add(scene, detect(model, scene.picture))
    return figures(findings)


def record(folder: Path, measured_figures: Figures, *, pictures: int) -> None:
    """Keep the figures beside the model."""
    content = {"pictures": pictures, "height": SIZE[0], "width": SIZE[1], **measured_figures}
    (folder / FIGURES).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Evaluate from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="folder that export.py has written")
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--record", action="store_true", help="write the figures to figures.json beside the model")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    result = evaluate(load_detector(arguments.model), pictures=arguments.pictures)
    for name, value in result.items():
        print(f"{name:18} {value:.4f}")
    if arguments.record:
        record(arguments.model, result, pictures=arguments.pictures)


if __name__ == "__main__":
    main()
