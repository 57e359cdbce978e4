"""Timestamps that jump, stand still or begin anew."""

from __future__ import annotations

import pytest

from workflow_engine.stream.clock import MOST_AHEAD, Clock

STEP = 0.04


def readings(stamps: list[float], *, clock: Clock | None = None, passed: float | None = None) -> list[float]:
    clock = clock or Clock()
    return [clock.reading(stamp, step=STEP, passed=passed) for stamp in stamps]


def test_it_begins_with_nought_and_keeps_distances() -> None:
    assert readings([7, 7.04, 7.5, 9]) == pytest.approx([0, 0.04, 0.5, 2])


def test_another_count_follows_after_one_step() -> None:
    assert readings([7, 7.04, 1, 1.04]) == pytest.approx([0, 0.04, 0.08, 0.12])


def test_a_little_back_is_no_other_count() -> None:
    assert readings([0, 0.04, 0.03, 0.12]) == pytest.approx([0, 0.04, 0.04, 0.12])
    assert readings([0, 0.04, 0.03, 0.12], clock=Clock(smallest=0.001)) == pytest.approx([0, 0.04, 0.041, 0.12])


def test_a_live_source_cannot_run_far_ahead() -> None:
    far = MOST_AHEAD + 1
    assert readings([0, 0.04, far, far + 0.04], passed=STEP) == pytest.approx([0, 0.04, 0.08, 0.12])
    assert readings([0, 5, 0], passed=60) == pytest.approx([0, 5, 65])
    assert readings([0, 0.04, far], passed=far) == pytest.approx([0, 0.04, far])
    assert readings([0, 0.04, far]) == pytest.approx([0, 0.04, far]), "in a file there may be long pauses"


def test_after_a_gap_it_goes_on_by_its_length() -> None:
    clock = Clock()
    readings([5, 5.04], clock=clock)
    clock.resume(3)
    assert readings([100, 100.04], clock=clock) == pytest.approx([3.04, 3.08])
