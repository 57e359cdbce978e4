"""Steps that run less often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, picture, table

STEPS = {"next_steps": ["$steps.a", "$steps.b"]}


def test_not_before_the_pause_is_over(run: BlockRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 101.9, 102.0, 103.0, 105.0])
    monkeypatch.setattr("blocks.gates.time.monotonic", lambda: next(clock))
    call = run.start("core/rate_limiter@v1")
    answers = [call(depends_on=0, cooldown_seconds=2, **STEPS) for _ in range(5)]
    assert answers == [STEPS["next_steps"], [], STEPS["next_steps"], [], STEPS["next_steps"]]


@pytest.mark.parametrize(("pause", "frames"), [(0.5, [1, 6, 11]), (0.2, [1, 3, 5, 7, 9, 11]), (0.21, [1, 4, 7, 10])])
def test_the_clock_of_a_video(run: BlockRunner, pause: float, frames: list[int]) -> None:
    """At ten frames a second, half a second is five frames."""
    call = run.start("core/rate_limiter@v1")
    fields = {"depends_on": 0, "cooldown_seconds": pause, **STEPS}
    assert [n for n in range(1, 12) if call(video_reference_image=frame(n), **fields)] == frames


def test_still_pictures_have_no_time(run: BlockRunner) -> None:
    call = run.start("core/rate_limiter@v1")
    fields = {"depends_on": 0, "video_reference_image": picture(), **STEPS}
    assert [bool(call(**fields)) for _ in range(3)] == [True, False, False]


def test_without_a_pause_all_pass(run: BlockRunner) -> None:
    call = run.start("core/rate_limiter@v1")
    assert all(call(depends_on=0, cooldown_seconds=0, **STEPS) for _ in range(3))


def changes(run: BlockRunner, values: list[Any]) -> list[bool]:
    call = run.start("core/delta_filter@v1")
    return [bool(call(image=frame(n), value=value, **STEPS)) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "passed"),
    [
        ([1, 1, 2, 2, 1], [True, False, True, False, True]),
        ([None, None, 0, None], [False, False, True, True]),
        ([[1], [1], [1, 2]], [True, False, True]),
        ([np.ones(2), np.ones(2), np.zeros(2), np.zeros(3)], [True, False, True, True]),
        (["a", 1, 1.0], [True, True, False]),
    ],
)
def test_only_what_changes_passes(run: BlockRunner, values: list[Any], passed: list[bool]) -> None:
    assert changes(run, values) == passed


def test_tables_can_be_watched(run: BlockRunner) -> None:
    one = table(frame(1), [(1, 2, 30, 40)])
    other = table(frame(1), [(1, 2, 30, 41)])
    assert changes(run, [one, one, other]) == [True, False, True]


def test_each_video_has_its_own_value(run: BlockRunner) -> None:
    call = run.start("core/delta_filter@v1")
    answers = [bool(call(image=frame(1, video=video), value=5, **STEPS)) for video in ("a", "b", "a", "b")]
    assert answers == [True, True, False, False]
