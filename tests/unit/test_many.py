"""Many runs at once: their order, their bound, failures, an early end, and equality with one by one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.unit.test_execution import BATCH, document, step
from workflow_engine.context import Stop
from workflow_engine.errors import RunCancelled, StepFailed
from workflow_engine.many import Inputs, in_order, runs_at_once
from workflow_engine.registry import Registry
from workflow_engine.results import RunResult
from workflow_engine.settings import load
from workflow_engine.side_by_side import CROWDED
from workflow_engine.workflow import Engine, Workflow

EXAMPLE = Path(__file__).parents[2] / "examples" / "count_fasteners"


def given(count: int) -> Iterator[Inputs]:
    return ({"n": number} for number in range(count))


def result(value: Any) -> RunResult:
    return RunResult(outputs=[{"value": value}], seconds={}, elapsed=0.0)


def workflow(toys: Registry, steps: list[Any], **outputs: str) -> Workflow:
    return Workflow(document([BATCH], steps, **outputs), engine=Engine(load({"HOME": "/nowhere"}), registry=toys))


@pytest.mark.parametrize(("cores", "crowded"), [(2, True), (8, False)])
def test_runs_use_threads_of_their_own_only_where_cores_are_left(
    cores: int, crowded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    done = list(in_order(lambda _inputs, _stop: result(CROWDED.get()), given(4), workers=2))
    assert [ran.result["value"] for ran in done] == [crowded] * 4


def test_results_come_in_order_although_a_later_run_ends_first() -> None:
    second_done = threading.Event()

    def run(inputs: Inputs, _stop: Stop) -> RunResult:
        if inputs["n"] == 0:
            assert second_done.wait(timeout=30)
        if inputs["n"] == 1:
            second_done.set()
        return result(inputs["n"])

    done = list(in_order(run, given(5), workers=2))
    assert [ran.result["value"] for ran in done] == [0, 1, 2, 3, 4]
    assert [ran.given["n"] for ran in done] == [0, 1, 2, 3, 4]


def test_no_more_runs_begin_than_fit_between_the_first_and_who_asks() -> None:
    taken: list[int] = []

    def endless() -> Iterator[Inputs]:
        for number in range(1_000_000):
            taken.append(number)
            yield {"n": number}

    runs = in_order(lambda inputs, _: result(inputs["n"]), endless(), workers=3)
    for _ in range(10):
        next(runs)
    runs.close()
    assert len(taken) == 10 + 2 * 3 - 1


def test_closing_early_stops_what_is_under_way_and_begins_nothing_more() -> None:
    begun: list[int] = []
    second_begun = threading.Event()
    stopped: list[int] = []

    def run(inputs: Inputs, stop: Stop) -> RunResult:
        begun.append(inputs["n"])
        if inputs["n"] == 0:
            return result(0)
        second_begun.set()
        try:
            while True:
                stop.check()
        except RunCancelled:
            stopped.append(inputs["n"])
            raise

    runs = in_order(run, given(50), workers=2)
    assert next(runs).result["value"] == 0
    assert second_begun.wait(timeout=30)
    runs.close()
    assert stopped
    assert sorted(stopped) == sorted(begun)[1:]
    assert len(begun) < 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("segflow-run")]


def test_a_failed_run_raises_when_its_result_is_asked_for_and_stops_no_other(toys: Registry) -> None:
    failing = step("fail", "f", number="$inputs.n", how="blame")
    gate = step("allow_above", "gate", number="$inputs.n", limit=1, next_steps=["$steps.f"])
    runs = list(workflow(toys, [gate, failing], n="$inputs.n").map(given(3)))
    assert [ran.error is None for ran in runs] == [True, True, False]
    assert runs[1].result["n"] == 1
    with pytest.raises(StepFailed, match="too odd"):
        _ = runs[2].result


def test_every_run_is_one_by_itself(toys: Registry) -> None:
    counting = workflow(toys, [step("count", "c", number="$inputs.n")], calls="$steps.c.calls")
    assert [ran.result["calls"] for ran in counting.map(given(4))] == [1, 1, 1, 1]


def test_a_timeout_is_that_of_one_run(toys: Registry) -> None:
    naps = [step("nap", "a", number="$inputs.n", seconds=0.01), step("nap", "b", number="$steps.a.number")]
    runs = list(workflow(toys, naps).map(given(2), timeout=0.001))
    assert [ran.error and ran.error.problem.code for ran in runs] == ["deadline", "deadline"]


def test_steps_that_others_can_see_run_one_after_the_other() -> None:
    note = {"type": "WorkflowParameter", "name": "note"}
    file = {"type": "core/local_file_sink@v1", "name": "file", "content": "$inputs.note", "file_type": "txt"}
    sink = {**file, "file_name": "notes", "target_directory": "out", "output_mode": "append_log"}
    plain: dict[str, Any] = {"version": "1.0", "inputs": [note], "steps": [], "outputs": []}
    assert runs_at_once(Workflow({**plain, "steps": [sink]}).plan) == 1
    assert runs_at_once(Workflow(plain).plan) == min(os.cpu_count() or 1, 4)


def test_a_folder_gives_what_its_pictures_give_one_by_one(tmp_path: Path) -> None:
    tray = cv2.imread(str(EXAMPLE / "tray.jpg"))
    assert tray is not None
    for number, part in enumerate((tray, tray[:500], tray[:, 400:], tray[::-1])):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.ascontiguousarray(part))
    (tmp_path / "2a.png").write_bytes(b"no picture")
    counted = Workflow.load(EXAMPLE / "workflow.json")
    paths = sorted(tmp_path.iterdir())
    *_, unreadable, last = runs = list(counted.map(({"image": path} for path in paths), workers=3))
    assert unreadable.error is not None
    assert unreadable.error.problem.code == "image_unreadable"
    assert last.result["total"] > 0
    for ran in (*runs[:3], last):
        alone = counted.run(image=ran.given["image"])
        parts, expected = ran.result["parts"], alone["parts"]
        assert ran.result["counts"] == alone["counts"]
        assert np.array_equal(parts.xyxy, expected.xyxy)
        assert np.array_equal(parts.confidence, expected.confidence)
        assert np.array_equal(parts.mask.area, expected.mask.area)
        assert np.array_equal(ran.result["picture"].pixels, alone["picture"].pixels)
