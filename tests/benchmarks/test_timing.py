"""The figures that are quoted are computed as they are said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.agreement import Disagreement, same_detections
from benchmarks.report import compared
from benchmarks.sides.answers import fresh, save_detections
from benchmarks.timing import Series, alternate, ratio, series


def test_contestants_run_in_turns_whose_order_alternates_and_the_warm_up_does_not_count() -> None:
    ran: list[str] = []

    def contestant(name: str) -> int:
        ran.append(name)
        return len(ran)

    runs = {"a": lambda: contestant("a"), "b": lambda: contestant("b")}
    taken = alternate(runs, rounds=2, warmup=1, settle=0)
    assert "".join(ran) == "abbaab"
    assert taken == {"a": [4, 5], "b": [3, 6]}


def test_median_and_95_of_100() -> None:
    assert Series(tuple(float(n) for n in range(101))).median == 50
    assert Series(tuple(float(n) for n in range(101))).p95 == 95
    assert Series((3.0,)).p95 == 3


def test_a_ratio_is_taken_round_by_round_so_that_drift_cancels() -> None:
    slow_machine, fast_machine = 10.0, 1.0
    theirs = Series((2 * fast_machine, 2 * fast_machine, 2 * slow_machine, 2.2 * slow_machine))
    ours = Series((fast_machine, fast_machine, slow_machine, slow_machine))
    assert ratio(theirs, ours) == 2


def test_series_by_one_of_several_clocks() -> None:
    runs = {"a": [{"wall": 1.0, "cpu": 2.0}, {"wall": 3.0, "cpu": 4.0}]}
    assert series(runs, "cpu") == {"a": Series((2.0, 4.0))}


def test_a_table_says_how_many_times_ours_is_as_fast() -> None:
    taken = {"ours": Series((0.010, 0.012, 0.011)), "theirs": Series((0.030, 0.036, 0.033))}
    table = compared("Work", taken, to="ours")
    assert table.rows == (("ours", "11.0", "11.9", "1.00"), ("theirs", "33.0", "35.7", "3.00"))
    assert "| theirs | 33.0 | 35.7 | 3.00 |" in table.markdown()


def test_no_two_pictures_in_a_row_are_alike() -> None:
    pictures = fresh(np.zeros((2, 2, 3), dtype=np.uint8))
    first, second = next(pictures).copy(), next(pictures).copy()
    assert (first != second).any()


@pytest.fixture
def answers(tmp_path: Path) -> dict[str, Path]:
    """Files of answers: the same twice, and one with a mask moved by a pixel."""
    masks = np.zeros((1, 40, 40), dtype=bool)
    masks[0, 10:20, 10:20] = True
    for name, found in {"first": masks, "again": masks, "moved": np.roll(masks, 1, axis=2)}.items():
        save_detections(str(tmp_path / name), class_id=[1], score=[0.9], xyxy=[[10, 10, 20, 20]], masks=found)
    return {name: tmp_path / f"{name}.npz" for name in ("first", "again", "moved")}


def test_the_same_detections_agree(answers: dict[str, Path]) -> None:
    same_detections(answers["first"], answers["again"])


def test_a_mask_that_is_moved_by_a_pixel_does_not(answers: dict[str, Path]) -> None:
    with pytest.raises(Disagreement, match=r"overlap of only 0\.81"):
        same_detections(answers["first"], answers["moved"])
