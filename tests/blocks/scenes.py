"""Small pictures and tables of objects for the tests of blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image, VideoMetadata

CLASSES = ("bolt", "nut", "washer")


def picture(height: int = 60, width: int = 80, *, seed: int = 0, grey: bool = False) -> Image:
    """Noise that nobody may write into."""
    shape = (height, width) if grey else (height, width, 3)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    pixels.setflags(write=False)
    return Image.from_array(pixels)


def frame(number: int, *, video: str = "cam", fps: float | None = 10.0, live: bool = False, size: int = 300) -> Image:
    """A black frame of a video: of a file, or of a camera that takes one picture a second."""
    metadata = VideoMetadata(
        video_identifier=video,
        frame_number=number,
        frame_timestamp=datetime(2026, 1, 1) + timedelta(seconds=number),
        fps=fps,
        comes_from_video_file=not live,
    )
    return Image.from_array(np.zeros((size, size, 3), dtype=np.uint8), video=metadata)


def table(
    image: Image,
    boxes: Sequence[Sequence[float]],
    *,
    names: Sequence[str] | None = None,
    confidence: Sequence[float] | None = None,
    with_masks: bool = True,
    tracker_id: Sequence[int] | None = None,
) -> Detections:
    """One object per box; its mask is the lower left triangle of the box, so that mask and box differ."""
    names = names or [CLASSES[index % len(CLASSES)] for index in range(len(boxes))]
    found = detections.build(
        boxes,
        ancestry=image.ancestry,
        class_id=[CLASSES.index(name) for name in names],
        class_names=names,
        confidence=confidence or [0.9 - 0.1 * (index % 8) for index in range(len(boxes))],
        mask=masks.from_windows([_triangle(box) for box in boxes], image.ancestry.size) if with_masks else None,
        prediction_type="instance-segmentation" if with_masks else "object-detection",
        tracker_id=tracker_id,
    )
    found.xyxy.setflags(write=False)
    return found


def _triangle(box: Sequence[float]) -> masks.Window:
    x1, y1, x2, y2 = (round(edge) for edge in box)
    return np.tri(y2 - y1, x2 - x1, dtype=bool), x1, y1


def dense(found: Detections, index: int) -> NDArray[np.bool_]:
    """The mask of one object as a whole image."""
    assert found.mask is not None
    return np.asarray(found.mask[index], dtype=bool)


def crowd(image: Image, count: int = 40, *, seed: int = 1, **options: Any) -> Detections:
    """Many overlapping objects of all sizes."""
    random = np.random.default_rng(seed)
    corners = random.uniform(0, [image.width - 6, image.height - 6], (count, 2))
    sizes = random.uniform(4, 30, (count, 2))
    far = np.minimum(corners + sizes, [image.width, image.height])
    return table(image, np.hstack([corners, far]).tolist(), **options)


def tables(image: Image) -> dict[str, Detections]:
    """Tables of every awkward sort, by name; those with rows are tracked."""
    beyond = [(-8, -5, 20, 30), (60, 40, 200, 300), (-500, -500, -400, -450), (900, 900, 950, 999), (5, 5, 5, 5)]
    return {
        "empty": detections.empty(image.ancestry, masks=True),
        "empty, no masks": detections.empty(image.ancestry, prediction_type="object-detection"),
        "one": table(image, [(10, 10, 30, 40)], tracker_id=[7]),
        "crowd": crowd(image, tracker_id=range(40)),
        "boxes only": crowd(image, 5, with_masks=False, tracker_id=range(5)),
        "beyond every edge": table(image, beyond, tracker_id=range(5)),
    }
