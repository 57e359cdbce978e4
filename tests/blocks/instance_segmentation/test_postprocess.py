"""Which objects are kept, and their masks in the image's own pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from blocks.instance_segmentation.postprocess import Kept, keep, upsampled
from blocks.instance_segmentation.sampling import axis

BOXES = np.array([[0.5, 0.5, 0.2, 0.4], [0.0, 0.0, 1.0, 1.0], [0.9, 0.5, 0.4, 0.2]], dtype=np.float32)


def kept(
    scores: list[list[float]], threshold: float = 0.5, *, limit: int = 300, unwanted: tuple[int, ...] = ()
) -> Kept:
    array = np.array(scores, dtype=np.float32)
    thresholds = np.full(array.shape[1], threshold, dtype=np.float32)
    thresholds[list(unwanted)] = np.inf
    return keep(array, BOXES[: len(array)], thresholds=thresholds, limit=limit, size=(100, 200))


def pairs(objects: Kept) -> list[tuple[int, int]]:
    return list(zip(objects.query.tolist(), objects.class_id.tolist(), strict=True))


def test_best_first_and_one_query_may_give_two_classes() -> None:
    assert pairs(kept([[0.6, 0.9], [0.1, 0.8], [0.2, 0.2]])) == [(0, 1), (1, 1), (0, 0)]


def test_equal_scores_keep_the_order_of_queries_then_classes() -> None:
    assert pairs(kept([[0.6, 0.7], [0.7, 0.6], [0.6, 0.7]])) == [(0, 1), (1, 0), (2, 1)]


def test_a_score_at_the_threshold_is_not_above_it() -> None:
    at = float(np.float32(0.3))
    assert pairs(kept([[at, np.nextafter(np.float32(0.3), np.float32(1))]], at)) == [(0, 1)]
    assert pairs(kept([[0.3, 0.4]], 0.4)) == []


def test_as_many_pairs_as_queries_are_looked_at_before_classes_are_filtered() -> None:
    scores = [[0.9, 0.8, 0.1], [0.7, 0.6, 0.1]]
    assert pairs(kept(scores)) == [(0, 0), (0, 1)]
    assert pairs(kept(scores, unwanted=(0,))) == [(0, 1)]
    assert pairs(kept(scores, unwanted=(0, 1))) == []
    assert pairs(kept(scores, unwanted=(0, 1, 2))) == []


def test_the_limit_keeps_the_best() -> None:
    assert pairs(kept([[0.6], [0.9], [0.8]], limit=2)) == [(1, 0), (2, 0)]


def test_not_a_number_is_never_kept() -> None:
    assert pairs(kept([[float("nan"), 0.9]])) == [(0, 1)]


def test_boxes_are_in_pixels_and_inside_the_image() -> None:
    boxes = kept([[0.9], [0.8], [0.7]]).xyxy
    np.testing.assert_allclose(boxes, [[80, 30, 120, 70], [0, 0, 100, 50], [140, 40, 200, 60]], atol=1e-4)
    assert boxes.dtype == np.float32


def blobs(side: int, seed: int) -> NDArray[np.float32]:
    """Return smooth logits with patches of both signs, of the kind that a mask head gives."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.normal(-1.0, 2.0, (1, 1, 6, 6)).astype(np.float32))
    return interpolate(coarse, size=(side, side), mode="bicubic", align_corners=False)[0, 0].numpy()


def lone(side: int, row: int, column: int) -> NDArray[np.float32]:
    """Return logits that are positive in one cell only."""
    logits = np.full((side, side), -1.0, dtype=np.float32)
    logits[row, column] = 2.0
    return logits


CASES = [
    *(blobs(24, seed) for seed in range(6)),
    np.random.default_rng(1).normal(size=(24, 24)).astype(np.float32),
    np.ones((24, 24), dtype=np.float32),
    *(lone(24, row, column) for row, column in [(0, 0), (23, 23), (0, 23), (11, 7)]),
]


def filled(logits: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Upsample whole masks (K, h, w): across, then down, every sample of it."""
    columns, rows = axis(logits.shape[2], size[1]), axis(logits.shape[1], size[0])
    across = logits[:, :, columns.low] * (1 - columns.weight) + logits[:, :, columns.high] * columns.weight
    share = rows.weight[:, None]
    return across[:, rows.low] * (1 - share) + across[:, rows.high] * share


SIZES = [(120, 160), (97, 33), (24, 24), (500, 24), (10, 7), (1, 1), (700, 900)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("logits", CASES, ids=range(len(CASES)))
def test_masks_are_what_pytorch_upsamples(logits: NDArray[np.float32], size: tuple[int, int]) -> None:
    whole = interpolate(torch.from_numpy(logits)[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    (mask,) = upsampled(logits[None], size).to_dense()
    # The same positions and weights; only the last bit of a sum may differ, where the sample is zero but for rounding.
    decided = np.abs(whole.numpy()) > 1e-6
    assert np.array_equal(mask[decided], whole.numpy()[decided] > 0)


@pytest.mark.parametrize("size", SIZES)
def test_masks_are_to_the_bit_where_samples_are_above_zero(size: tuple[int, int]) -> None:
    logits = np.stack(CASES)
    assert np.array_equal(upsampled(logits, size).to_dense(), filled(logits, size) > 0)


# Zeros of both signs, ties, and numbers next to which others vanish.
AWKWARD = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 1e-30, -1e-30, 1e30, -1e30])
SIDES = st.integers(1, 9)


@given(
    st.tuples(st.integers(0, 3), SIDES, SIDES).flatmap(
        lambda shape: arrays(np.float32, shape, elements=AWKWARD | st.floats(-4, 4, width=32, allow_subnormal=False))
    ),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_awkward_masks_are_to_the_bit_where_samples_are_above_zero(
    logits: NDArray[np.float32], size: tuple[int, int]
) -> None:
    assert np.array_equal(upsampled(logits, size).to_dense(), filled(logits, size) > 0)


def test_a_mask_lies_in_the_smallest_rectangle() -> None:
    found = upsampled(np.stack([lone(100, 50, 20), np.zeros((100, 100), dtype=np.float32)]), (1000, 1000))
    rows, columns = np.nonzero(found[0])
    assert found.bbox_xyxy[0].tolist() == [columns.min(), rows.min(), columns.max(), rows.max()]
    assert found.area.tolist() == [np.count_nonzero(found[0]), 0]
