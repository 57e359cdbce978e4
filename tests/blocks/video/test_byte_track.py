"""ByteTrack gives every box the number that supervision 0.30.0 gave it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blocks.video.byte_track import ByteTrack

GOLDEN = json.loads((Path(__file__).parent / "bytetrack.json").read_text())


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"patience {case['settings']['patience']}")
def test_numbers_of_the_ecosystem(case: dict[str, Any]) -> None:
    """Objects that hide, that fade, that come late, a box without area, a frame without any."""
    tracker = ByteTrack(**case["settings"])
    answers = []
    for rows in GOLDEN["frames"]:
        table = np.array(rows).reshape(-1, 5)
        answers.append([*tracker.update(table[:, :4], table[:, 4])])
    assert answers == case["answers"]


def test_numbers_are_not_given_again() -> None:
    tracker = ByteTrack(activation=0.25, patience=1, matching=0.8, sightings=1)
    seen = []
    for frame in range(12):
        box = np.array([[0.0, 0.0, 10.0, 10.0]]) + 100 * (frame // 4)
        seen += tracker.update(box, np.array([0.9]))[1]
    assert sorted(set(seen)) == [1, 2, 3]
    assert seen == sorted(seen)


def test_what_is_no_box_is_left_out() -> None:
    tracker = ByteTrack(activation=0.25, patience=30, matching=0.8, sightings=1)
    boxes = np.array([[0.0, 0.0, np.nan, 10.0], [5.0, 5.0, 5.0, 9.0], [0.0, 0.0, 20.0, 20.0]])
    assert tracker.update(boxes, np.array([0.9, 0.9, 0.9])) == ([2], [1])
