"""The video examples on their rendered clips, of which the truth is known."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from examples.clips import DRAWN, EXAMPLES, FPS, counted_belt, steady
from tests.unit.stream.test_sinks import listener
from workflow_engine import Workflow
from workflow_engine.stream.run import FrameResult

NEAR = 12.0  # pixels that the middle of a found box may be off
WHOLE = 20  # pixels from the frame's edge at which a part is fully in it


def results(name: str, *, more: Sequence[dict[str, Any]] = ()) -> tuple[list[FrameResult], dict[str, Any]]:
    """Run an example, with more steps, on its clip; return what it gave, and the truth."""
    folder = EXAMPLES / name
    truth = json.loads((folder / "truth.json").read_text())
    document = json.loads((folder / "workflow.json").read_text())
    run = Workflow({**document, "steps": [*document["steps"], *more]}).video(folder / "clip.mp4")
    frames = list(run)
    account = run.accounts["0"]
    assert (account.read, account.processed, account.failed) == (truth["frames"], truth["frames"], 0)
    return frames, truth


def middle(box: Any) -> Any:
    return np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])


def track_changes(frames: list[FrameResult]) -> int:
    """Count how often a part's track is another than before, over all parts and frames."""
    scene = counted_belt()
    tracks: dict[int, int] = {}
    changes = 0
    for frame, offset in zip(frames, steady(scene), strict=True):
        table = frame["parts"]
        found = [middle(box) for box in table.xyxy]
        for part, true in enumerate(scene.objects):
            x, y = middle(true.box) - (offset, 0)
            if not (true.box[0] - offset > WHOLE and true.box[2] - offset < frame.info.width - WHOLE) or not found:
                continue
            away = [float(np.hypot(*(one - (x, y)))) for one in found]
            nearest = int(np.argmin(away))
            if away[nearest] < NEAR:
                track = int(table.tracker_id[nearest])
                changes += tracks.setdefault(part, track) != track
                tracks[part] = track
    assert len(tracks) == len(scene.objects)
    return changes


def test_parts_that_cross_the_line_are_counted_and_keep_their_numbers() -> None:
    frames, truth = results("conveyor_count")
    assert abs(frames[-1]["crossed"] - truth["crossed"]) <= 1
    assert frames[-1]["back"] == 0
    assert sum(len(frame["crossing"]) for frame in frames) == frames[-1]["crossed"]
    assert track_changes(frames) <= 1


def test_the_longest_time_in_the_zone() -> None:
    frames, truth = results("time_in_zone")
    longest = max(max(frame["parts"].data.get("time_in_zone", ()), default=0.0) for frame in frames)
    assert longest == pytest.approx(truth["longest_seconds"], abs=2.5 / FPS)


def test_the_alert_comes_two_seconds_after_the_part_is_gone_and_ends_with_its_return() -> None:
    (snippet,) = re.findall(
        r"```json\n(.*?)```", (EXAMPLES / "missing_part_alert" / "README.md").read_text(), re.DOTALL
    )
    changed, alert = json.loads(snippet)
    with listener() as (url, told):
        frames, truth = results("missing_part_alert", more=[changed, {**alert, "url": url, "fire_and_forget": False}])
    assert [one["verdict"] for one in told] == ["ok", "NUT MISSING", "ok"]
    alerts = [frame.seconds for frame in frames if frame["verdict"] == "NUT MISSING"]
    assert alerts[0] == pytest.approx(truth["missing_from"] + 2 - 1 / FPS, abs=2.5 / FPS)
    assert alerts[-1] == pytest.approx(truth["back_at"] - 1 / FPS, abs=1.5 / FPS)
    assert len(alerts) == round((alerts[-1] - alerts[0]) * FPS) + 1


def test_only_what_is_to_be_hidden_is_changed() -> None:
    frames, _ = results("blur_class_in_video")
    assert sum(len(frame["hidden"]) for frame in frames) > len(frames)
    for frame in frames:
        changed = np.any(frame["picture"].pixels != frame.pixels, axis=2)
        hidden = np.zeros_like(changed)
        for row in range(len(frame["hidden"])):
            hidden |= np.asarray(frame["hidden"].mask[row], dtype=np.bool_)
        assert not np.any(changed & ~hidden)
        assert changed.sum() > 0.5 * hidden.sum()


@pytest.mark.parametrize("name", DRAWN)
def test_a_clip_is_small(name: str) -> None:
    assert (EXAMPLES / name / "clip.mp4").stat().st_size < 300_000
