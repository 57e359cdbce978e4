"""Frames side by side: how many, in which order, and what waits for what."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from workflow_engine.stream.abreast import Abreast

PATIENCE = 20.0  # seconds after which a test has failed


def test_two_frames_are_run_at_once_and_come_out_in_order() -> None:
    both = threading.Barrier(2)

    def run(feed: Any, frame: Any, turn: Any) -> Any:
        both.wait(PATIENCE)
        return frame

    frames = Abreast(run, at_once=2)
    frames.begin("feed", 1)
    assert not frames.full
    frames.begin("feed", 2)
    assert frames.full
    assert [frames.next().outcome.result() for _ in range(2)] == [1, 2]
    assert frames.close() == []


def test_a_turn_comes_when_the_earlier_frames_of_the_source_are_done() -> None:
    told: list[tuple[str, int]] = []
    later = threading.Event()

    def run(feed: Any, frame: Any, turn: Any) -> Any:
        if (feed, frame) == ("a", 1):
            later.wait(PATIENCE)
        turn()
        told.append((feed, frame))
        if feed == "b":
            later.set()

    frames = Abreast(run, at_once=3)
    for feed, frame in (("a", 1), ("a", 2), ("b", 1)):
        frames.begin(feed, frame)
    for _ in range(3):
        frames.next().outcome.result()
    assert told == [("b", 1), ("a", 1), ("a", 2)]


def test_a_frame_that_fails_keeps_no_other_from_its_turn() -> None:
    def run(feed: Any, frame: Any, turn: Any) -> Any:
        turn()
        if frame == 1:
            raise ValueError("this one")
        return frame

    frames = Abreast(run, at_once=2)
    frames.begin("feed", 1)
    frames.begin("feed", 2)
    with pytest.raises(ValueError, match="this one"):
        frames.next().outcome.result()
    assert frames.next().outcome.result() == 2


@pytest.mark.parametrize("at_once", [1, 3])
def test_frames_that_were_taken_are_run_anew_after_a_reset(at_once: int) -> None:
    state = ["old"]
    frames = Abreast(lambda feed, frame, turn: (frame, state[0]), at_once=at_once)
    for frame in range(at_once):
        frames.begin("feed", frame)
    frames.again("feed", lambda: state.__setitem__(0, "new"))
    assert [frames.next().outcome.result() for _ in range(at_once)] == [(frame, "new") for frame in range(at_once)]


def test_what_is_not_handed_back_is_left_when_it_closes() -> None:
    frames = Abreast(lambda feed, frame, turn: frame, at_once=2)
    frames.begin("feed", 1)
    frames.begin("feed", 2)
    assert [one.frame for one in frames.close()] == [1, 2]
    assert len(frames) == 0


def test_since_when_the_longest_runs() -> None:
    go = threading.Event()
    frames = Abreast(lambda feed, frame, turn: go.wait(PATIENCE), at_once=2)
    assert frames.since is None
    before = time.monotonic()
    frames.begin("feed", 1)
    while frames.since is None:
        assert time.monotonic() < before + PATIENCE
    first = frames.since
    frames.begin("feed", 2)
    assert before <= first <= time.monotonic()
    assert frames.since == first
    one = frames.next()
    assert frames.since == first  # it runs on although it is handed back
    go.set()
    one.outcome.result()
    frames.close()
    assert frames.since is None
