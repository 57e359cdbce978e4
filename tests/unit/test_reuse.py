"""Which steps a session with a cache runs again, and which it need not."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pytest

from tests.unit.test_execution import BATCH, PARAMETER, SPLIT, document, step
from workflow_engine import Engine, InputError, ResultCache, StepFailed, Workflow
from workflow_engine.events import Event, StepFinished
from workflow_engine.registry import Registry
from workflow_engine.settings import load
from workflow_engine.vision import image_json
from workflow_engine.vision.decode import decode, encode_png

CROP = {"type": "core/relative_static_crop@v1", "images": "$inputs.image", "x_center": 0.5, "y_center": 0.5}
IMAGES = [{"type": "WorkflowImage", "name": "image"}]


class Bench:
    """Runs documents with one cache, and tells which steps were computed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.cache = ResultCache()

    def run(self, workflow: dict[str, Any], **given: Any) -> tuple[Any, list[str]]:
        computed: list[str] = []

        def watch(event: Event) -> None:
            if isinstance(event, StepFinished) and not event.cached:
                computed.append(event.step)

        session = self.engine.session(self.engine.compile(workflow), cache=self.cache)
        return session.run(given, observers=(watch,)).outputs, computed


@pytest.fixture
def bench(toys: Registry) -> Bench:
    return Bench(Engine(load({"HOME": "/nowhere"}), registry=toys))


CHAIN = [
    step("add", "a", a="$inputs.n", b=1),
    step("add", "b", a="$steps.a.sum", b="$inputs.p"),
    step("add", "c", a="$inputs.n", b=5),
]


def chain(**changes: Any) -> dict[str, Any]:
    steps = [{**one, **changes.get(one["name"], {})} for one in CHAIN]
    return document([BATCH, PARAMETER], steps, b="$steps.b.sum", c="$steps.c.sum")


def test_nothing_runs_twice(bench: Bench) -> None:
    first, computed = bench.run(chain(), n=[1, 2])
    assert sorted(computed) == ["a", "b", "c"]
    assert bench.run(chain(), n=[1, 2]) == (first, [])


@pytest.mark.parametrize(
    ("changes", "given", "expected"),
    [
        ({"a": {"b": 2}}, {"n": 1}, ["a", "b"]),
        ({"b": {"b": 7}}, {"n": 1}, ["b"]),
        ({}, {"n": 1, "p": 9}, ["b"]),
        ({}, {"n": 1, "p": 1}, []),
        ({}, {"n": 2}, ["a", "b", "c"]),
        ({}, {"n": [1, 1]}, ["a", "b", "c"]),
    ],
    ids=["parameter", "reference to literal", "input parameter", "as by default", "batch input", "more elements"],
)
def test_what_changed_runs_again_with_all_that_follows(
    bench: Bench, changes: Any, given: Any, expected: list[str]
) -> None:
    bench.run(chain(), n=1)
    found, computed = bench.run(chain(**changes), **given)
    assert sorted(computed) == expected
    plan = bench.engine.compile(chain(**changes))
    assert found == bench.engine.session(plan).run(given).outputs


def test_neither_the_name_of_a_step_nor_an_earlier_value_costs_a_run(bench: Bench) -> None:
    workflow = document([BATCH], [step("add", "a", a="$inputs.n", b=1)], s="$steps.a.sum")
    renamed = document([BATCH], [step("add", "z", a="$inputs.n", b=1)], s="$steps.z.sum")
    bench.run(workflow, n=1)
    bench.run(workflow, n=2)
    assert bench.run(renamed, n=1) == ([{"s": 2}], [])


def test_a_stateful_block_runs_every_time_and_what_follows_only_when_it_gives_something_new(bench: Bench) -> None:
    counted = [step("count", "k", number="$inputs.n"), step("first", "f", candidates=["$steps.k.calls"])]
    workflow = document([BATCH], counted, f="$steps.f.value")
    assert bench.run(workflow, n=1) == ([{"f": 1}], ["k", "f"])
    assert bench.run(workflow, n=5) == ([{"f": 1}], ["k"])  # a new session counts from 1 again
    session = bench.engine.session(bench.engine.compile(workflow), cache=bench.cache)
    assert [session.run({"n": 1}).outputs[0]["f"] for _ in range(3)] == [1, 2, 3]


def test_gates_that_decide_otherwise_are_seen(bench: Bench) -> None:
    def gated(limit: int) -> dict[str, Any]:
        steps = [
            SPLIT,
            step("allow_above", "gate", number="$steps.s.part", limit=limit, next_steps=["$steps.a"]),
            step("add", "a", a="$steps.s.part", b=1),
            step("add", "b", a="$steps.s.part", b=1),
        ]
        return document([BATCH], steps, a="$steps.a.sum", b="$steps.b.sum")

    assert bench.run(gated(10), n=1)[0] == [{"a": [None, 12, None], "b": [11, 12, None]}]
    assert bench.run(gated(9), n=1) == ([{"a": [11, 12, None], "b": [11, 12, None]}], ["gate", "a"])
    assert bench.run(gated(10), n=1)[1] == []


def test_what_a_block_keeps_serves_for_other_live_parameters_and_for_nothing_else(bench: Bench) -> None:
    def found(*numbers: float, **fields: Any) -> list[Any]:
        workflow = document([BATCH, PARAMETER], [step("look", "l", number="$inputs.n", **fields)], l="$steps.l.found")
        return [one["l"] for one in bench.run(workflow, n=list(numbers))[0]]

    assert found(8, 16) == [[1, 8, 4, 2, 1], [1, 16, 8, 4, 2]]
    assert found(8, 16, above=3) == [[0, 8, 4], [0, 16, 8, 4]]
    assert found(8, 16, above="$inputs.p") == [[0, 8, 4, 2], [0, 16, 8, 4, 2]]
    assert found(16, 8, above=3) == [[1, 16, 8, 4], [1, 8, 4]]


def test_a_step_that_fails_is_tried_again(bench: Bench) -> None:
    workflow = document([BATCH], [step("fail", "f", number="$inputs.n", how="crash")])
    for _ in range(2):
        with pytest.raises(StepFailed):
            bench.run(workflow, n=1)


def test_a_value_whose_content_cannot_be_told_is_new_each_time(bench: Bench) -> None:
    anything = {"type": "WorkflowBatchInput", "name": "n", "kind": ["*"]}
    workflow = document([anything], [step("first", "f", candidates=["$inputs.n"])], f="$steps.f.value")
    for thing in (object(), Lock()):
        assert bench.run(workflow, n=thing)[1] == ["f"]
        assert bench.run(workflow, n=thing)[1] == ["f"]


def test_a_random_draw_is_drawn_again() -> None:
    draw = {"type": "core/property_definition@v1", "name": "d", "data": "$inputs.x"}
    inputs = [{"type": "WorkflowParameter", "name": "x"}]
    outputs = [{"type": "JsonField", "name": "d", "selector": "$steps.d.output"}]
    for operation, different in ({"type": "RandomNumber"}, 3), ({"type": "ToString"}, 1):
        steps = [{**draw, "operations": [operation]}]
        workflow = Workflow({"version": "1.0", "inputs": inputs, "steps": steps, "outputs": outputs})
        session = workflow.session(cache=ResultCache())
        assert len({session.run({"x": 1})["d"] for _ in range(3)}) == different


def test_a_callers_array_may_change_without_harm() -> None:
    steps = [{**CROP, "name": "cut", "width": 0.5, "height": 0.5}]
    workflow = Workflow(document(IMAGES, steps, cut="$steps.cut.crops"))
    session = workflow.session(cache=ResultCache())
    pixels = np.zeros((8, 8, 3), np.uint8)
    assert session.run({"image": pixels})["cut"].pixels.max() == 0
    pixels[:] = 255
    assert session.run({"image": pixels})["cut"].pixels.min() == 255
    pixels[:] = 0
    assert session.run({"image": pixels})["cut"].pixels.max() == 0


def test_a_result_may_be_edited_without_harm() -> None:
    inputs = [{"type": "WorkflowBatchInput", "name": "found", "kind": ["object_detection_prediction"]}]
    moved = {"type": "core/detection_offset@v1", "name": "moved", "predictions": "$inputs.found"}
    count = {"type": "core/count_by_class@v1", "name": "count", "predictions": "$steps.moved.predictions"}
    steps = [{**moved, "offset_width": 2, "offset_height": 2}, count]
    workflow = Workflow(document(inputs, steps, moved="$steps.moved.predictions", counts="$steps.count.counts"))
    session = workflow.session(cache=ResultCache())
    row = {"x": 50, "y": 50, "width": 20, "height": 20, "confidence": 0.5, "class_id": 0, "class": "bolt"}
    found = {"image": {"width": 100, "height": 100}, "predictions": [row]}
    result = session.run({"found": found})
    table = result["moved"]
    table.class_id, table.data["class_name"], table.metadata["mine"] = np.array([7]), np.array(["other"]), True
    result["counts"]["other"] = 1
    again = session.run({"found": found})
    assert (again["moved"].class_id.tolist(), again["moved"].data["class_name"].tolist()) == ([0], ["bolt"])
    assert "mine" not in again["moved"].metadata
    assert again["counts"] == {"bolt": 1}


def test_a_file_is_decoded_again_when_it_holds_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []

    def counted(data: bytes, **how: Any) -> Any:
        decoded.append(len(data))
        return decode(data, **how)

    monkeypatch.setattr(image_json, "decode", counted)
    picture = tmp_path / "a.png"
    workflow = Workflow(
        document(IMAGES, [{**CROP, "name": "cut", "width": 0.5, "height": 0.5}], cut="$steps.cut.crops")
    )
    session = workflow.session(cache=ResultCache())
    for grey in (10, 10, 20, 10):
        picture.write_bytes(encode_png(np.full((8, 8, 3), grey, np.uint8)))
        assert session.run({"image": str(picture)})["cut"].pixels.max() == grey
    assert len(decoded) == 2
    workflow.run(image=str(picture))
    assert len(decoded) == 3


def test_bad_inputs_are_refused_as_ever(bench: Bench) -> None:
    with pytest.raises(InputError):
        bench.run(chain())
