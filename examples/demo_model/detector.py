"""Runs the demo model on one picture the way RF-DETR-Seg is to be run, with nothing but `transformers`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from .batches import normalised

if TYPE_CHECKING:
    from transformers import RfDetrForInstanceSegmentation


@dataclass(frozen=True, slots=True)
class Detections:
    """What the model found in one picture, best first.

    Attributes:
        scores: (detections,) float32 in [0, 1].
        class_ids: (detections,) int64.
        boxes: (detections, 4) float32, x_min, y_min, x_max, y_max in pixels, clamped to the picture.
        masks: (detections, height, width) bool.
    """

    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    masks: NDArray[np.bool_]


def load_detector(folder: Path) -> RfDetrForInstanceSegmentation:
    """Load a model that `export.py` has written, ready for inference."""
    from transformers import RfDetrForInstanceSegmentation

    model: RfDetrForInstanceSegmentation = RfDetrForInstanceSegmentation.from_pretrained(folder)
    model.train(mode=False)
    return model


def side_of(model: RfDetrForInstanceSegmentation) -> int:
    """Side in pixels of the square that a model was trained for last, as its configuration says."""
    backbone: Any = model.config.backbone_config
    return int(backbone.image_size)


def network_input(picture: NDArray[np.uint8], side: int) -> torch.Tensor:
    """A blue-green-red picture of any size as (1, 3, side, side): resized without antialias, then normalised."""
    rgb = picture[..., ::-1].astype(np.float32) / 255.0
    resized = cv2.resize(rgb, (side, side), interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(normalised(np.asarray(resized, dtype=np.float32)))[None]


def corners(boxes: torch.Tensor, *, height: int, width: int) -> NDArray[np.float32]:
    """Relative centre boxes to corner boxes in pixels, clamped to the picture."""
    centre, extent = boxes[:, :2], boxes[:, 2:]
    size = torch.tensor([width, height])
    low, high = (centre - extent / 2) * size, (centre + extent / 2) * size
    clamped = torch.cat([low.clamp(torch.zeros(2), size), high.clamp(torch.zeros(2), size)], dim=1)
    return np.asarray(clamped.numpy(), dtype=np.float32)


@torch.inference_mode()
def detect(model: RfDetrForInstanceSegmentation, picture: NDArray[np.uint8], *, threshold: float = 0.0) -> Detections:
    """Find the fasteners in a blue-green-red picture whose score is above `threshold`."""
    height, width = picture.shape[:2]
    output = model(pixel_values=network_input(picture, side_of(model)))
    scores = output.logits[0].sigmoid()
    queries, classes = scores.shape
    best, order = scores.flatten().sort(descending=True, stable=True)
    best, order = best[:queries], order[:queries]
    kept = (best > threshold) & (order % classes < classes - 1)
    best, order = best[kept], order[kept]
    query = order // classes
    logits = output.pred_masks[0, query][:, None]
    enlarged = functional.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)
    return Detections(
        scores=best.numpy(),
        class_ids=(order % classes).numpy(),
        boxes=corners(output.pred_boxes[0, query], height=height, width=width),
        masks=(enlarged[:, 0] > 0).numpy(),
    )
