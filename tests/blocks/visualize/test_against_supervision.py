"""Pictures equal those that supervision's annotators draw, from dense masks where ours are compact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from supervision import (
    BackgroundOverlayAnnotator,
    BoxAnnotator,
    Color,
    ColorAnnotator,
    ColorLookup,
    HaloAnnotator,
    LabelAnnotator,
    MaskAnnotator,
    PixelateAnnotator,
    PolygonAnnotator,
    Position,
)
from supervision.annotators.base import BaseAnnotator

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, picture, table
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image

BY_CLASS = ColorLookup.CLASS
CASES: list[tuple[str, dict[str, Any], BaseAnnotator]] = [
    *(
        ("mask", {"opacity": share}, MaskAnnotator(opacity=share, color_lookup=BY_CLASS))
        for share in (0.0, 0.3, 0.5, 0.65, 1.0)
    ),
    *(
        ("polygon", {"thickness": width}, PolygonAnnotator(thickness=width, color_lookup=BY_CLASS))
        for width in (1, 2, 5)
    ),
    *(
        (
            "halo",
            {"look": "Shade", "opacity": share, "kernel_size": size},
            HaloAnnotator(opacity=share, kernel_size=size, color_lookup=BY_CLASS),
        )
        for share, size in ((0.8, 40), (0.35, 7), (1.0, 12), (0.5, 1))
    ),
    *(
        ("bounding_box", {"thickness": width}, BoxAnnotator(thickness=width, color_lookup=BY_CLASS))
        for width in (1, 2, 5)
    ),
    *(("color", {"opacity": share}, ColorAnnotator(opacity=share, color_lookup=BY_CLASS)) for share in (0.5, 0.9)),
    ("pixelate", {"pixel_size": 9}, PixelateAnnotator(9)),
    *(
        (
            "background_color",
            {"color": "#0A64C8", "opacity": share},
            BackgroundOverlayAnnotator(Color.from_hex("#0A64C8"), opacity=share),
        )
        for share in (0.3, 0.5, 1.0)
    ),
]


def shapes(image: Image) -> Detections:
    """Return masks of every awkward shape: with holes, in parts, single pixels, of the whole image, equal, empty."""
    random = np.random.default_rng(4)
    ring = np.ones((25, 31), dtype=bool)
    ring[5:20, 8:22] = False
    whole = np.ones(image.ancestry.size, dtype=bool)
    point = np.ones((1, 1), dtype=bool)
    windows = [
        (whole, 0, 0),
        (ring, 3, 4),
        (ring, 20, 9),
        (ring, image.width - 31, image.height - 25),
        (random.random((30, 40)) < 0.4, 25, 20),
        (point, image.width - 1, image.height - 1),
        (point, 0, 0),
        (np.ones((1, 50), dtype=bool), 10, 30),
        (np.ones((40, 1), dtype=bool), 40, 2),
        (np.zeros((3, 3), dtype=bool), 5, 5),
    ]
    boxes = [(x, y, x + pixels.shape[1], y + pixels.shape[0]) for pixels, x, y in windows]
    return detections.replace(table(image, boxes), mask=masks.from_windows(windows, image.ancestry.size))


SCENES: dict[str, tuple[Image, Detections]] = {
    "crowd": (picture(), crowd(picture(), 25)),
    "sparse": (picture(190, 260), table(picture(190, 260), [(100, 90, 130, 118), (240, 180, 255, 188)])),
    "shapes": (picture(64, 93), shapes(picture(64, 93))),
}


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(("name", "fields", "annotator"), CASES, ids=[f"{name} {fields}" for name, fields, _ in CASES])
def test_the_picture_is_the_same(
    run: BlockRunner, scene: str, name: str, fields: dict[str, Any], annotator: BaseAnnotator
) -> None:
    image, objects = SCENES[scene]
    drawn = run(f"core/{name}_visualization@v1", image=image, predictions=objects, **fields)["image"].pixels
    dense = detections.replace(objects, mask=np.asarray(objects.mask))
    np.testing.assert_array_equal(drawn, annotator.annotate(image.pixels.copy(), dense))


TEXTS = (
    "nut 0.87",
    "",
    "two\nlines",
    "above\n\nbelow",
    "\n",
    "gjpqy|",
    "ä€",
    " ",
    "a long line that leaves the picture",
)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(
    ("place", "scale", "thickness", "padding", "radius"),
    [(place, 1.0, 1, 10, 0) for place in Position.list() if place != "CENTER_OF_MASS"]
    + [("CENTER_OF_MASS", 0.5, 2, 3, 6), ("TOP_LEFT", 0.4, 1, 0, 100), ("BOTTOM_CENTER", 2.0, 4, 7, 2)],
)
def test_labels_are_the_same(
    run: BlockRunner, scene: str, place: str, scale: float, thickness: int, padding: int, radius: int
) -> None:
    image, objects = SCENES[scene]
    texts = [TEXTS[index % len(TEXTS)] for index in range(len(objects))]
    drawn = run(
        "core/label_visualization@v1",
        image=image,
        predictions=detections.with_column(objects, "note", texts),
        text="note",
        text_position=place,
        text_color="#0A64C8",
        text_scale=scale,
        text_thickness=thickness,
        text_padding=padding,
        border_radius=radius,
    )["image"].pixels
    annotator = LabelAnnotator(
        color_lookup=BY_CLASS,
        text_color=Color.from_hex("#0A64C8"),
        text_scale=scale,
        text_thickness=thickness,
        text_padding=padding,
        text_position=Position[place],
        border_radius=radius,
    )
    dense = detections.replace(objects, mask=np.asarray(objects.mask))
    np.testing.assert_array_equal(drawn, annotator.annotate(image.pixels.copy(), dense, texts))
