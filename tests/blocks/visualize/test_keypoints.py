"""Key points and skeletons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image

PLAIN = Image.from_array(np.full((60, 80, 3), 50, dtype=np.uint8))
POINTS = [[10.0, 10.0], [30.0, 10.0], [30.0, 40.0]]


def drawn(run: BlockRunner, points: Any = None, **fields: Any) -> NDArray[np.bool_]:
    objects = table(PLAIN, [(5, 5, 40, 50)])
    objects = detections.with_column(objects, "keypoints_xy", [np.array(POINTS if points is None else points)])
    block = "core/keypoint_visualization@v1"
    pixels = run(block, image=PLAIN, predictions=objects, color="RED", **fields)["image"].pixels
    red: NDArray[np.bool_] = (pixels == (0, 0, 255)).all(axis=2)
    return red


def test_edges_are_counted_from_one(run: BlockRunner) -> None:
    expected = np.zeros((60, 80), dtype=bool)
    expected[10, 10:31] = expected[10:41, 30] = True
    np.testing.assert_array_equal(drawn(run, edges=[[1, 2], [2, 3]], thickness=1), expected)


def test_a_point_that_was_not_seen_has_no_edges(run: BlockRunner) -> None:
    marked = drawn(run, [[10, 10], [0, 0], [30, 40]], edges=[[1, 2], [2, 3]])
    assert not marked.any()
    assert not drawn(run, [[10, 10], [np.nan, np.nan], [30, 40]], edges=[[1, 2], [2, 3]]).any()


def test_without_edges_a_known_skeleton_is_drawn(run: BlockRunner) -> None:
    person = np.random.default_rng(0).uniform(5, 55, (17, 2))
    assert drawn(run, person).sum() > 50
    assert not drawn(run).any(), "no skeleton has three points"


def test_vertices_and_their_numbers(run: BlockRunner) -> None:
    dots = drawn(run, annotator_type="vertex", radius=2)
    assert [bool(dots[y, x]) for x, y in ((10, 10), (30, 10), (30, 40), (20, 10))] == [True, True, True, False]
    labels = drawn(run, annotator_type="vertex_label", text_padding=2, radius=0, text_scale=0.3)
    assert labels[:20, :20].any()
    assert labels[30:50, 20:40].any()


def test_an_edge_to_nowhere_is_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match=r"from 1 to 3, the number of points; found \[1, 4\]"):
        drawn(run, edges=[[1, 4]])


def test_objects_without_key_points_are_left_alone(run: BlockRunner) -> None:
    objects = table(PLAIN, [(5, 5, 40, 50)])
    result = run("core/keypoint_visualization@v1", image=PLAIN, predictions=objects)
    assert (result["image"].pixels == 50).all()
