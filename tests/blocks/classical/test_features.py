"""Points that are found again."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.vision.image import Image

SIFT, COMPARE = "core/sift@v1", "core/sift_comparison@v1"
FLAT = Image.from_array(np.full((60, 60, 3), 80, dtype=np.uint8))


def textured(seed: int = 0) -> Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 30, 3), dtype=np.uint8)
    return Image.from_array(np.asarray(cv2.resize(coarse, (240, 192), interpolation=cv2.INTER_CUBIC), dtype=np.uint8))


def turned(image: Image) -> Image:
    return Image.from_array(np.ascontiguousarray(np.rot90(image.pixels)), id="turned")


def test_points_have_descriptors_and_are_drawn(run: BlockRunner) -> None:
    image = textured()
    before = image.pixels.copy()
    result = run(SIFT, image=image)
    assert len(result["keypoints"]) == len(result["descriptors"]) > 50
    assert result["descriptors"].shape[1] == 128
    assert result["keypoints"][0].keys() == {"pt", "size", "angle", "response", "octave", "class_id"}
    x, y = result["keypoints"][0]["pt"]
    assert 0 <= x < 240
    assert 0 <= y < 192
    np.testing.assert_array_equal(image.pixels, before)
    assert (result["image"].pixels == (0, 255, 0)).all(axis=2).any()


def test_a_flat_image_has_no_points(run: BlockRunner) -> None:
    result = run(SIFT, image=FLAT)
    assert (result["keypoints"], result["descriptors"]) == ([], None)


@pytest.mark.parametrize("matcher", ["FlannBasedMatcher", "BFMatcher"])
def test_a_turned_picture_is_recognised_and_another_is_not(run: BlockRunner, matcher: str) -> None:
    image = textured()
    same = run(COMPARE, input_1=image, input_2=turned(image), matcher=matcher, good_matches_threshold=30)
    other = run(COMPARE, input_1=image, input_2=textured(7), matcher=matcher, good_matches_threshold=30)
    assert same["images_match"] is True
    assert other["images_match"] is False
    assert same["good_matches_count"] > 10 * max(other["good_matches_count"], 1)
    assert same["visualization_1"] is same["visualization_matches"] is None


def test_descriptors_do_as_well_as_pictures(run: BlockRunner) -> None:
    image = textured()
    one, two = (run(SIFT, image=picture)["descriptors"] for picture in (image, turned(image)))
    pictures = run(COMPARE, input_1=image, input_2=turned(image), matcher="BFMatcher")
    given = run(COMPARE, input_1=one.tolist(), input_2=two, matcher="BFMatcher", visualize=True)
    assert given["good_matches_count"] == pictures["good_matches_count"]
    assert given["keypoints_1"] is None
    assert given["visualization_matches"] is None
    np.testing.assert_array_equal(given["descriptors_2"], two)
    first = run("roboflow_core/sift_comparison@v1", descriptor_1=one, descriptor_2=two)
    assert first["images_match"] is True


def test_matches_are_drawn_side_by_side(run: BlockRunner) -> None:
    image = textured()
    result = run(COMPARE, input_1=image, input_2=turned(image), visualize=True)
    assert result["visualization_matches"].pixels.shape == (240, 240 + 192, 3)
    assert (result["visualization_matches"].pixels == (0, 255, 0)).all(axis=2).any()
    assert result["visualization_2"].ancestry.id == "turned"


@pytest.mark.parametrize("other", [FLAT, None, [], np.zeros((1, 128))])
def test_nothing_to_compare_is_no_match(run: BlockRunner, other: Any) -> None:
    result = run.registry.function(COMPARE)(
        textured(), other, good_matches_threshold=1, ratio_threshold=0.7, matcher="BFMatcher", visualize=True
    )
    assert (result["images_match"], result["good_matches_count"]) == (False, 0)
