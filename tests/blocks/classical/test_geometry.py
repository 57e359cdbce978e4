"""Sizes, turns, lenses; and where objects found afterwards are."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image

PREPARE, STRAIGHTEN, LENS = "core/image_preprocessing@v1", "core/auto_rotate_on_edges@v1", "core/camera_calibration@v1"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(40, 30, (30, 40)), (40, None, (30, 40)), (None, 120, (120, 160)), (50, 20, (20, 50)), (None, None, (60, 80))],
)
def test_a_missing_side_keeps_the_proportions(run: BlockRunner, width: Any, height: Any, expected: Any) -> None:
    result = run(PREPARE, image=picture(), task_type="resize", width=width, height=height)["image"]
    assert result.pixels.shape[:2] == result.ancestry.size == expected


def test_an_image_too_large_to_make_is_refused(run: BlockRunner) -> None:
    thin = Image.from_array(np.zeros((400, 2), dtype=np.uint8))
    with pytest.raises(BlockError, match="20000 x 4000000 pixels"):
        run(PREPARE, image=thin, task_type="resize", width=20000, height=None)


def test_the_ecosystem_s_size_is_640_square(run: BlockRunner) -> None:
    assert run(PREPARE, image=picture(), task_type="resize")["image"].ancestry.size == (640, 640)


def test_objects_found_on_a_resized_image_are_found_in_the_input(run: BlockRunner) -> None:
    image = picture()
    large = run(PREPARE, image=image, task_type="resize", width=160, height=120)["image"]
    found = detections.to_root(table(large, [(20, 20, 60, 80)]))
    np.testing.assert_array_equal(found.xyxy, [[10, 10, 30, 40]])
    assert detections.image_size(found) == (60, 80)
    assert found.mask is not None
    assert found.mask.shape == (1, 60, 80)
    crop = large.crop(40, 40, 80, 80, id="crop")
    assert crop is not None
    np.testing.assert_array_equal(detections.to_root(table(crop, [(0, 0, 20, 20)])).xyxy, [[20, 20, 30, 30]])


@pytest.mark.parametrize(
    "fields",
    [
        {"task_type": "resize", "width": 30, "height": 30},
        {"task_type": "rotate", "rotation_degrees": 30},
        {"task_type": "flip"},
    ],
)
def test_objects_found_on_a_turned_image_stay_in_its_own_coordinates(run: BlockRunner, fields: dict[str, Any]) -> None:
    outer = picture(100, 100).crop(10, 20, 90, 80, id="crop")
    assert outer is not None
    turned = run(PREPARE, image=outer, **fields)["image"]
    found = table(turned, [(1, 2, 11, 12)])
    np.testing.assert_array_equal(detections.to_root(found).xyxy, [[1, 2, 11, 12]])
    assert detections.image_size(detections.to_root(found)) == turned.ancestry.size


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3), (360, 0), (0, 0)])
def test_right_angles_are_counter_clockwise(run: BlockRunner, degrees: int, turns: int) -> None:
    image = picture()
    result = run(PREPARE, image=image, task_type="rotate", rotation_degrees=degrees)["image"].pixels
    expected = np.rot90(image.pixels, turns)
    assert result.shape == expected.shape
    middle = np.s_[5:-5, 5:-5]
    best = min(
        np.abs(np.roll(result, (dy, dx), (0, 1))[middle].astype(int) - expected[middle]).mean()
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
    )
    assert best < 1, "but for a shift of a pixel at most"


def test_nothing_is_cut_off_by_a_turn(run: BlockRunner) -> None:
    white = Image.from_array(np.full((60, 80), 255, dtype=np.uint8))
    result = run(PREPARE, image=white, task_type="rotate", rotation_degrees=30)["image"].pixels
    assert abs(int((result > 127).sum()) - 60 * 80) < 150
    assert not result[0, 0]


@pytest.mark.parametrize(("kind", "axes"), [("vertical", 0), ("horizontal", 1), ("both", (0, 1))])
def test_flips(run: BlockRunner, kind: str, axes: Any) -> None:
    image = picture()
    result = run(PREPARE, image=image, task_type="flip", flip_type=kind)["image"].pixels
    np.testing.assert_array_equal(result, np.flip(image.pixels, axes))


def bars(degrees: float) -> Image:
    """Upright bars, turned counter-clockwise."""
    pixels = np.full((400, 400), 220, dtype=np.uint8)
    for x in range(0, 400, 40):
        pixels[:, x : x + 12] = 30
    turn = cv2.getRotationMatrix2D((200, 200), degrees, 1.0)
    return Image.from_array(
        np.asarray(cv2.warpAffine(pixels, turn, (400, 400)), dtype=np.uint8)[100:300, 100:300].copy()
    )


@pytest.mark.parametrize("degrees", [-35, -12, 3, 20])
@pytest.mark.parametrize(("target", "quarter"), [("vertical", 0), ("horizontal", 90), ("either", 0)])
def test_edges_are_straightened(run: BlockRunner, degrees: float, target: str, quarter: float) -> None:
    result = run(STRAIGHTEN, image=bars(degrees), target_orientation=target)
    off = (result["angle"] + degrees - quarter) % 180
    assert min(off, 180 - off) < 1
    size = result["image"].ancestry.size
    assert min(size) > 200


def test_an_image_stays_as_it_is_without_a_reason_to_turn_it(run: BlockRunner) -> None:
    straight, tilted = bars(0), bars(20)
    flat = Image.from_array(np.full((50, 50, 3), 90, dtype=np.uint8))
    for image, fields in (
        (straight, {}),
        (flat, {}),
        (tilted, {"max_correction_degrees": 10.0}),
        (tilted, {"skip_below_degrees": 30.0}),
    ):
        result = run(STRAIGHTEN, image=image, **fields)
        assert result["image"] is image
        assert result["angle"] == 0


LENS_OFF = {"fx": 60.0, "fy": 60.0, "cx": 39.5, "cy": 29.5, "k1": 0.0, "k2": 0.0, "k3": 0.0, "p1": 0.0, "p2": 0.0}


@pytest.mark.parametrize("fisheye", [False, None])
def test_a_lens_that_bends_nothing_changes_nothing(run: BlockRunner, fisheye: bool | None) -> None:
    image = picture()
    result = run(LENS, image=image, use_fisheye_model=fisheye, **LENS_OFF)["calibrated_image"]
    assert np.abs(result.pixels.astype(int) - image.pixels)[1:-1, 1:-1].max() <= 2


@pytest.mark.parametrize("fisheye", [False, True])
def test_a_lens_is_straightened(run: BlockRunner, fisheye: bool) -> None:
    image = picture()
    fields = LENS_OFF | {"k1": -0.3, "k2": None}
    result = run(LENS, image=image, use_fisheye_model=fisheye, **fields)["calibrated_image"]
    assert result.ancestry == image.ancestry
    assert (result.pixels != image.pixels).mean() > 0.5


def test_a_lens_without_a_focal_length_is_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="focal lengths"):
        run(LENS, image=picture(), **(LENS_OFF | {"fx": None}))
