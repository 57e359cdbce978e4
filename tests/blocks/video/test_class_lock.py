"""One class for each track: votes, the lead, switching, handing on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections

BLOCK = "core/track_class_lock@v1"
QUICK = {"min_votes": 2, "vote_confidence": 0.5, "lead_margin": 1, "switch_after": 2}
BOX = (10, 10, 50, 50)

Row = tuple[str, float]


def vote(run: BlockRunner, rows: Sequence[Row | None], *, tracks: Sequence[int] = (), **fields: Any) -> list[Any]:
    """One object, frame by frame, as (class, confidence); return (class, id, confidence, locked)."""
    call = run.start(BLOCK)
    answers: list[Any] = []
    for number, row in enumerate(rows):
        image = frame(number)
        if row is None:
            call(image=image, predictions=detections.empty(image.ancestry), **{**QUICK, **fields})
            continue
        track = tracks[number] if tracks else 1
        objects = table(image, [BOX], names=[row[0]], confidence=[row[1]], tracker_id=[track])
        found = call(image=image, predictions=objects, **{**QUICK, **fields})["tracked_detections"]
        (name,), (number_,), (sure,) = detections.class_names(found), found.class_id, found.confidence
        answers.append((name, int(number_), pytest.approx(float(sure)), bool(found.data["class_locked"][0])))
    return answers


def test_enough_votes_lock_the_class(run: BlockRunner) -> None:
    rows = [("nut", 0.6), ("nut", 0.8), ("bolt", 0.9), ("nut", 0.51)]
    assert vote(run, rows) == [
        ("nut", 1, 0.6, False),
        ("nut", 1, 0.7, True),
        ("nut", 1, 0.7, True),
        ("nut", 1, 0.7, True),
    ]


def test_the_class_must_lead(run: BlockRunner) -> None:
    rows = [("nut", 0.9), ("bolt", 0.9), ("nut", 0.9), ("bolt", 0.9), ("nut", 0.9), ("nut", 0.9)]
    assert [locked for *_, locked in vote(run, rows, lead_margin=2)] == [False] * 5 + [True]


def test_who_is_unsure_has_no_vote(run: BlockRunner) -> None:
    assert [locked for *_, locked in vote(run, [("nut", 0.49)] * 5)] == [False] * 5


@pytest.mark.parametrize("between", [("nut", 0.9), ("nut", 0.3), ("bolt", 0.3), ("washer", 0.9)])
def test_votes_running_switch_the_lock(run: BlockRunner, between: Row) -> None:
    locked = [("nut", 0.9), ("nut", 0.9)]
    names = [name for name, *_ in vote(run, [*locked, ("bolt", 0.6), between, ("bolt", 0.8), ("bolt", 0.6)])]
    assert names == ["nut"] * 5 + ["bolt"]
    switched = vote(run, [*locked, ("bolt", 0.6), ("bolt", 0.8), ("washer", 0.9)])
    assert switched[3:] == [("bolt", 0, 0.7, True)] * 2


@pytest.mark.parametrize(("missed", "window", "locked"), [(1, 3, True), (3, 3, False), (1, 0, False)])
def test_a_new_track_in_its_place_takes_over(run: BlockRunner, missed: int, window: int, locked: bool) -> None:
    rows = [("nut", 0.9), ("nut", 0.9), *[None] * missed, ("bolt", 0.9)]
    tracks = [1, 1, *[1] * missed, 2]
    last = vote(run, rows, tracks=tracks, reattach_window=window)[-1]
    assert (last[0], last[3]) == (("nut", True) if locked else ("bolt", False))


def test_one_lost_track_has_one_heir(run: BlockRunner) -> None:
    call = run.start(BLOCK)
    for number in range(2):
        image = frame(number)
        objects = table(image, [BOX], names=["nut"], tracker_id=[1])
        call(image=image, predictions=objects, **QUICK)
    image = frame(2)
    objects = table(image, [BOX, BOX], names=["bolt", "bolt"], tracker_id=[2, 3])
    answer = call(image=image, predictions=objects, **QUICK)["tracked_detections"]
    assert answer.data["class_locked"].tolist() == [True, False]
    assert detections.class_names(objects) == ["bolt", "bolt"]


def test_unseen_tracks_are_forgotten(run: BlockRunner) -> None:
    rows = [("nut", 0.9), ("nut", 0.9), None, None, None, ("bolt", 0.9)]
    assert vote(run, rows, state_ttl=2, reattach_window=0)[-1][3] is False
    assert vote(run, rows, state_ttl=9, reattach_window=0)[-1][3] is True


def test_locks_are_not_handed_on_for_longer_than_kept(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="longer than tracks are remembered"):
        vote(run, [("nut", 0.9)], state_ttl=5, reattach_window=6)


def test_a_frame_without_objects(run: BlockRunner) -> None:
    image = frame(1)
    answer = run(BLOCK, image=image, predictions=detections.empty(image.ancestry))["tracked_detections"]
    assert answer.data["class_locked"].tolist() == []
    assert detections.image_size(answer) == (300, 300)


def test_objects_must_be_tracked(run: BlockRunner) -> None:
    image = frame(1)
    with pytest.raises(BlockError, match="not tracked"):
        run(BLOCK, image=image, predictions=table(image, [BOX]))
