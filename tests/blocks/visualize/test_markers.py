"""Circles, corners, dots, ellipses, triangles: where they are, and in which colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, dense, picture, table
from workflow_engine.vision import detections

NUT = (64, 64, 255)
BOX = (30, 20, 50, 40)
MARKERS = ["circle", "corner", "dot", "ellipse", "triangle"]


def drawn(run: BlockRunner, name: str, **fields: Any) -> NDArray[np.bool_]:
    """Which pixels of the image have the colour of a nut."""
    image = picture()
    objects = fields.pop("objects", None) or table(image, [BOX], names=["nut"])
    pixels = run(f"core/{name}_visualization@v1", image=image, predictions=objects, **fields)["image"].pixels
    marked: NDArray[np.bool_] = (pixels == NUT).all(axis=2)
    assert marked.any()
    black = (pixels == 0).all(axis=2)
    np.testing.assert_array_equal(pixels[~marked & ~black], image.pixels[~marked & ~black])
    return marked


def extent(marked: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(marked)
    return int(xs.min()), int(ys.min()), int(xs.max()), int(ys.max())


def test_a_circle_goes_through_the_corners_of_the_box(run: BlockRunner) -> None:
    assert extent(drawn(run, "circle", thickness=1)) == (26, 16, 54, 44)
    assert drawn(run, "circle", thickness=5).sum() > 3 * drawn(run, "circle", thickness=1).sum()


def test_corners_have_arms_of_their_length(run: BlockRunner) -> None:
    marked = drawn(run, "corner", thickness=1, corner_length=4)
    assert extent(marked) == (30, 20, 50, 40)
    assert np.flatnonzero(marked[20]).tolist() == [30, 31, 32, 33, 34, 46, 47, 48, 49, 50]
    assert np.flatnonzero(marked[:, 30]).tolist() == [20, 21, 22, 23, 24, 36, 37, 38, 39, 40]


@pytest.mark.parametrize(
    ("position", "center"),
    [
        ("TOP_LEFT", (30, 20)),
        ("TOP_CENTER", (40, 20)),
        ("TOP_RIGHT", (50, 20)),
        ("CENTER_LEFT", (30, 30)),
        ("CENTER", (40, 30)),
        ("CENTER_RIGHT", (50, 30)),
        ("BOTTOM_LEFT", (30, 40)),
        ("BOTTOM_CENTER", (40, 40)),
        ("BOTTOM_RIGHT", (50, 40)),
    ],
)
def test_a_dot_or_the_tip_of_a_triangle_is_at_its_position(
    run: BlockRunner, position: str, center: tuple[int, int]
) -> None:
    x, y = center
    assert extent(drawn(run, "dot", position=position, radius=3)) == (x - 3, y - 3, x + 3, y + 3)
    assert extent(drawn(run, "triangle", position=position, base=8, height=6)) == (x - 4, y - 6, x + 4, y)


def test_the_centre_of_mass_is_that_of_the_mask_or_the_middle_of_the_box(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [BOX], names=["nut"])
    ys, xs = np.nonzero(dense(objects, 0))
    fields = {"position": "CENTER_OF_MASS", "radius": 0}
    assert extent(drawn(run, "dot", **fields))[:2] == (int(xs.mean() + 0.5), int(ys.mean() + 0.5))
    boxes_only = table(image, [BOX], names=["nut"], with_masks=False)
    assert extent(drawn(run, "dot", objects=boxes_only, **fields))[:2] == (40, 30)


@pytest.mark.parametrize("name", ["dot", "triangle"])
def test_an_outline_is_black(run: BlockRunner, name: str) -> None:
    image = picture()
    fields = {"image": image, "predictions": table(image, [BOX])}
    pixels = run(f"core/{name}_visualization@v1", outline_thickness=1, **fields)["image"].pixels
    assert (pixels == 0).all(axis=2).sum() > 8


def test_an_ellipse_lies_around_the_foot_of_the_box(run: BlockRunner) -> None:
    x1, y1, x2, y2 = extent(drawn(run, "ellipse", thickness=1, start_angle=0, end_angle=360))
    assert (x1, x2) == (20, 60)
    assert (y1, y2) == (33, 47)
    half = extent(drawn(run, "ellipse", thickness=1, start_angle=0, end_angle=180))
    assert half[1] == 40, "angles are clockwise, so half a turn is the lower half"


@pytest.mark.parametrize("name", MARKERS)
def test_every_object_of_a_crowd_has_the_colour_of_its_track(run: BlockRunner, name: str) -> None:
    image = picture()
    objects = crowd(image, 6, tracker_id=[5, 6, 7, 8, 9, -1])
    fields = {"image": image, "predictions": objects, "color_axis": "TRACK"}
    pixels = run(f"core/{name}_visualization@v1", **fields)["image"].pixels
    assert (pixels == (128, 128, 128)).all(axis=2).any(), "no track yet is grey"


@pytest.mark.parametrize("name", [*MARKERS, "crop"])
@pytest.mark.parametrize("grey", [False, True])
def test_no_objects_no_marks(run: BlockRunner, name: str, grey: bool) -> None:
    image = picture(grey=grey)
    none = detections.empty(image.ancestry)
    pixels = run(f"core/{name}_visualization@v1", image=image, predictions=none)["image"].pixels
    expected = np.dstack([image.pixels] * 3) if grey else image.pixels
    np.testing.assert_array_equal(pixels, expected)
