"""Masks: every compact form agrees with the plain dense image."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from packaging.requirements import Requirement
from supervision.detection.compact_mask import CompactMask

from workflow_engine.vision import masks

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"

Mask = NDArray[np.bool_]


@st.composite
def dense(draw: st.DrawFn, *, count: int = 1) -> Mask:
    """Masks (N, H, W) made of noise inside a rectangle, which often touches the image's border."""
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    result = np.zeros((count, height, width), dtype=bool)
    for mask in result:
        top, left = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        bottom, right = draw(st.integers(top, height)), draw(st.integers(left, width))
        mask[top:bottom, left:right] = draw(arrays(np.bool_, (bottom - top, right - left)))
    return result


def coco_counts(mask: Mask) -> list[int]:
    """Run lengths by walking the columns, the first run being background."""
    counts, value = [0], False
    for pixel in mask.T.ravel():
        if pixel != value:
            counts.append(0)
            value = bool(pixel)
        counts[-1] += 1
    return counts


@given(dense(count=2))
def test_compact_masks_hold_the_same_pixels(given_masks: Mask) -> None:
    compact = masks.compact(given_masks)
    assert np.array_equal(compact.to_dense(), given_masks)
    assert masks.area(compact).tolist() == masks.area(given_masks).tolist() == given_masks.sum(axis=(1, 2)).tolist()
    assert masks.image_size(compact) == masks.image_size(given_masks) == given_masks.shape[1:]


@given(dense(), st.integers(-9, 9), st.integers(-9, 9))
def test_a_window_is_cut_at_the_border_of_the_image(given_masks: Mask, x: int, y: int) -> None:
    size = (10, 9)
    canvas = np.zeros((40, 40), dtype=bool)
    pixels = given_masks[0]
    canvas[10 + y : 10 + y + pixels.shape[0], 10 + x : 10 + x + pixels.shape[1]] = pixels
    compact = masks.from_windows([(pixels, x, y)], size)
    assert np.array_equal(compact.to_dense()[0], canvas[10:20, 10:19])


@given(dense())
def test_outlines_are_those_of_the_whole_image(given_masks: Mask) -> None:
    whole, _ = cv2.findContours(given_masks[0].view(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    expected = [contour.reshape(-1, 2).tolist() for contour in whole]
    for form in (given_masks, masks.compact(given_masks)):
        assert [outline.tolist() for outline in masks.contours(form, 0)] == expected


def test_the_outline_of_a_rectangle_is_inclusive_and_starts_top_left() -> None:
    mask = np.zeros((1, 120, 160), dtype=bool)
    mask[0, 20:61, 30:91] = True
    assert masks.polygon(masks.compact(mask), 0) == [[30, 20], [30, 60], [90, 60], [90, 20]]


def test_the_largest_outline_is_taken_and_short_ones_are_padded() -> None:
    mask = np.zeros((4, 12, 12), dtype=bool)
    mask[0, 0:3, 0:3] = mask[0, 5:12, 5:12] = True
    mask[0, 7:9, 7:9] = False
    mask[1, 4, 4] = True
    mask[2, 4, 4:8] = True
    compact = masks.compact(mask)
    assert masks.polygon(compact, 0) == [[5, 5], [5, 11], [11, 11], [11, 5]]
    assert masks.polygon(compact, 1) == [[4, 4]] * 3
    assert masks.polygon(compact, 2) == [[4, 4], [7, 4], [7, 4]]
    assert masks.polygon(compact, 3) == []


@given(dense())
def test_run_lengths_are_those_of_the_whole_image(given_masks: Mask) -> None:
    written = masks.to_rle(masks.compact(given_masks), 0)
    assert written == masks.to_rle(given_masks, 0)
    assert written["size"] == list(given_masks.shape[1:])
    plain = {"size": written["size"], "counts": coco_counts(given_masks[0])}
    for form in (written, plain, {**written, "counts": written["counts"].encode()}):
        assert np.array_equal(masks.from_rle([form], given_masks.shape[1:]).to_dense(), given_masks)


@given(dense())
def test_run_lengths_of_masks_in_loose_rectangles_are_the_same(given_masks: Mask) -> None:
    height, width = given_masks.shape[1:]
    loose = CompactMask.from_dense(given_masks, np.array([[0, 0, width - 1, height - 1]]), (height, width))
    assert masks.to_rle(loose, 0) == masks.to_rle(given_masks, 0)
    assert np.array_equal(masks.window(loose, 0)[0], given_masks[0])


@given(dense(count=3))
def test_masks_lie_in_the_smallest_rectangles(given_masks: Mask) -> None:
    for mask, box in zip(given_masks, masks.compact(given_masks).bbox_xyxy.tolist(), strict=True):
        x1, y1, x2, y2 = masks.extent((mask, 0, 0)) or (0, 0, 1, 1)
        assert box == [x1, y1, x2 - 1, y2 - 1]


@given(dense())
def test_the_text_is_that_of_pycocotools(given_masks: Mask) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    expected = coco.encode(np.asfortranarray(given_masks[0].view(np.uint8)))
    assert masks.to_rle(given_masks, 0)["counts"] == expected["counts"].decode()


def test_the_text_of_a_large_image_is_that_of_pycocotools() -> None:
    coco = pytest.importorskip("pycocotools.mask")
    yy, xx = np.mgrid[:1080, :1920]
    mask = (((xx - 900) ** 2 + (yy - 500) ** 2 < 400**2) & ((xx + yy) % 37 > 3))[None]
    written = masks.to_rle(masks.compact(mask), 0)
    assert written["counts"] == coco.encode(np.asfortranarray(mask[0].view(np.uint8)))["counts"].decode()
    assert np.array_equal(masks.from_rle([written], (1080, 1920)).to_dense(), mask)


@pytest.mark.parametrize(
    "rle",
    [
        {"size": [4, 5], "counts": [20]},
        {"size": [4, 4], "counts": [15]},
        {"size": [4, 4], "counts": [17, -1]},
        {"size": [4, 4], "counts": [[16]]},
        {"size": [4, 4], "counts": [1 << 70]},
        {"size": [4, 4], "counts": [1 << 62] * 4 + [16]},
        {"size": [4, 4], "counts": "P"},
        {"size": [4, 4], "counts": "o" * 40},
        {"size": [4, 4], "counts": "é"},
        {"size": [4, 4], "counts": None},
        {"size": 4, "counts": [16]},
        {"counts": [16]},
    ],
)
def test_broken_run_lengths_are_refused(rle: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="mask"):
        masks.from_rle([rle], (4, 4))


@given(st.lists(st.tuples(st.integers(-15, 30), st.integers(-15, 30)), min_size=3, max_size=8))
def test_polygons_are_filled_as_on_the_whole_image(points: list[tuple[int, int]]) -> None:
    canvas = np.zeros((12, 17), dtype=np.uint8)
    cv2.fillPoly(canvas, [np.array(points, dtype=np.int32)], (1,))
    assert np.array_equal(masks.from_polygons([points], (12, 17)).to_dense()[0], canvas.view(np.bool_))


def test_vertices_are_rounded_and_absurd_ones_are_harmless() -> None:
    triangle = masks.from_polygons([[(50.4, 30.6), (70, 30), (70, 50)]], (80, 90))
    assert len(masks.polygon(triangle, 0)) == 7
    assert masks.area(masks.from_polygons([[(-1e30, -1e30), (1e30, -1e30), (0, 1e30)]], (80, 90))).tolist() == [7200]


@given(dense(count=3))
def test_union_and_intersection_are_those_of_the_whole_images(given_masks: Mask) -> None:
    compact = masks.compact(given_masks)
    windows = [masks.window(compact, index) for index in range(3)]
    for combined, expected in (
        (masks.union(windows), given_masks.any(axis=0)),
        (masks.intersection(windows), given_masks.all(axis=0)),
    ):
        np.testing.assert_array_equal(masks.from_windows([combined], expected.shape).to_dense()[0], expected)


def test_the_extent_goes_to_the_outer_edges_of_the_pixels() -> None:
    pixels = np.zeros((5, 6), bool)
    assert masks.extent((pixels, 10, 20)) is None
    pixels[1:3, 2] = pixels[4, 3] = True
    assert masks.extent((pixels, 10, 20)) == (12, 21, 14, 25)


def test_what_is_private_in_supervision_is_as_expected_up_to_the_next_release() -> None:
    """Run lengths are read where ``CompactMask`` has them: of each rectangle, down its columns, background first."""
    mask = np.zeros((1, 6, 7), dtype=np.bool_)
    mask[0, 2:4, 3:5] = True
    kept = CompactMask.from_dense(mask, xyxy=np.array([[2, 1, 5, 4]]), image_shape=(6, 7))
    assert kept._crop_shapes.tolist() == [[4, 4]]
    assert np.concatenate(kept._rles).tolist() == [5, 2, 2, 2, 5]
    needed = map(Requirement, tomllib.loads(PROJECT.read_text())["project"]["dependencies"])
    (bound,) = (one.specifier for one in needed if one.name == "supervision")
    assert bound.contains(version("supervision"))
    assert not bound.contains("0.32")
