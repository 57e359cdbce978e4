"""The language as runs show it: batches, depths, flow control, missing values, state; on blocks of plain numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workflow_engine.context import Stop
from workflow_engine.errors import CompileError, InputError, RunCancelled, StepFailed
from workflow_engine.events import Event, RunFinished, RunStarted, StepFinished, StepStarted
from workflow_engine.events import StepFailed as StepFailedEvent
from workflow_engine.registry import Registry
from workflow_engine.settings import load
from workflow_engine.workflow import Engine

BATCH = {"type": "WorkflowBatchInput", "name": "n", "kind": ["float"]}
PARAMETER = {"type": "WorkflowParameter", "name": "p", "kind": ["float"], "default_value": 1}


def step(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind if "/" in kind or kind == "Plus" else f"toy/{kind}@v1", "name": name, **fields}


def document(inputs: list[Any], steps: list[Any], **outputs: str) -> dict[str, Any]:
    shown = [{"type": "JsonField", "name": name, "selector": selector} for name, selector in outputs.items()]
    return {"version": "1.0", "inputs": inputs, "steps": steps, "outputs": shown}


@pytest.fixture
def engine(toys: Registry) -> Engine:
    return Engine(load({"HOME": "/nowhere"}), registry=toys)


def run(engine: Engine, workflow: dict[str, Any], *, workers: int = 1, **given: Any) -> list[dict[str, Any]]:
    session = engine.session(engine.compile(workflow), workers=workers)
    return session.run(given, serialised=True).outputs


SPLIT = step("split", "s", number="$inputs.n")


def test_a_step_runs_once_per_element_and_single_values_serve_all(engine: Engine) -> None:
    workflow = document(
        [BATCH, PARAMETER], [step("add", "a", a="$inputs.n", b="$inputs.p")], sum="$steps.a.sum", p="$inputs.p"
    )
    assert run(engine, workflow, n=[1, 2, 3], p=10) == [
        {"sum": 11, "p": 10},
        {"sum": 12, "p": 10},
        {"sum": 13, "p": 10},
    ]
    assert run(engine, workflow, n=5) == [{"sum": 6, "p": 1}]
    assert run(engine, workflow, n=[]) == []


def test_results_have_one_element_when_no_output_depends_on_the_batch(engine: Engine) -> None:
    assert run(engine, document([BATCH, PARAMETER], [], p="$inputs.p"), n=[1, 2]) == [{"p": 1}]
    assert run(engine, document([BATCH], []), n=[1, 2]) == [{}]


def test_raising_and_collapsing_and_missing_children(engine: Engine) -> None:
    steps = [
        SPLIT,
        step("add", "a", a="$steps.s.part", b=1),
        step("gather", "g", values="$steps.a.sum"),
        step("compare", "c", whole="$inputs.n", parts="$steps.s.part"),
        step("gather", "all", values="$steps.g.total"),
    ]
    workflow = document(
        [BATCH], steps, parts="$steps.a.sum", list="$steps.g.list", text="$steps.c.text", all="$steps.all.total"
    )
    assert run(engine, workflow, n=[1, 2]) == [
        {"parts": [11, 12, None], "list": [11, 12], "text": "1 of [10.0, 11.0]", "all": 66},
        {"parts": [21, 22, None], "list": [21, 22], "text": "2 of [20.0, 21.0]", "all": 66},
    ]


def test_no_children_give_an_empty_list_and_nothing_to_collapse(engine: Engine) -> None:
    steps = [step("split", "s", number="$inputs.n", parts="$inputs.n"), step("gather", "g", values="$steps.s.part")]
    workflow = document([BATCH], steps, parts="$steps.s.part", g="$steps.g.*")
    assert run(engine, workflow, n=[0, 1]) == [
        {"parts": [], "g": {"list": None, "total": None}},
        {"parts": [10], "g": {"list": [10], "total": 10}},
    ]


def test_every_output_of_a_step_per_child_is_a_list_of_objects(engine: Engine) -> None:
    steps = [step("split", "s", number="$inputs.n", parts="$inputs.n"), step("add", "a", a="$steps.s.part", b=1)]
    workflow = document([BATCH], steps, s="$steps.s.*", a="$steps.a.*")
    assert run(engine, workflow, n=[0, 3]) == [
        {"s": [], "a": []},
        {"s": [{"part": 30}, {"part": 31}, {"part": None}], "a": [{"sum": 31}, {"sum": 32}, {"sum": None}]},
    ]


def test_every_output_of_a_step_without_outputs_is_an_empty_object_per_element(engine: Engine) -> None:
    steps = [
        step("add", "a", a="$inputs.n", b=0),
        step("allow_above", "gate", number="$inputs.n", limit=1, next_steps=["$steps.a"]),
    ]
    workflow = document([BATCH], steps, gate="$steps.gate.*")
    assert run(engine, workflow, n=[1, 2]) == [{"gate": {}}, {"gate": {}}]


def test_a_list_of_children_may_be_empty(engine: Engine) -> None:
    steps = [
        step("split", "s", number="$inputs.n", parts=0),
        step("compare", "c", whole="$inputs.n", parts="$steps.s.part"),
    ]
    assert run(engine, document([BATCH], steps, c="$steps.c.text"), n=1) == [{"c": "1 of []"}]


def test_a_block_that_accepts_missing_values_gets_missing_children_in_their_places(engine: Engine) -> None:
    steps = [
        step("split", "s", number="$inputs.n", parts=4),
        step("roll_call", "r", whole="$inputs.n", parts="$steps.s.part"),
    ]
    assert run(engine, document([BATCH], steps, r="$steps.r.text"), n=1) == [{"r": "1.0 of [10.0, 11.0, None, 13.0]"}]


def test_outputs_that_depend_on_the_fields_of_a_step(engine: Engine) -> None:
    steps = [step("named", "m", number="$inputs.n", names=["x", "y"]), step("add", "a", a="$steps.m.y", b=1)]
    workflow = document([BATCH], steps, m="$steps.m.*", a="$steps.a.sum")
    assert run(engine, workflow, n=1) == [{"m": {"x": 1, "y": 2}, "a": 3}]
    with pytest.raises(CompileError, match="has no output 'z'"):
        engine.compile(document([BATCH], steps, z="$steps.m.z"))
    with pytest.raises(CompileError, match="names is not a list"):
        engine.compile(document([BATCH], [step("named", "m", number="$inputs.n", names="x")]))


def test_a_single_value_that_is_split_makes_a_list_beside_the_batch(engine: Engine) -> None:
    steps = [step("split", "s", number="$inputs.p", parts=2), step("gather", "g", values="$inputs.p")]
    workflow = document([BATCH, PARAMETER], steps, parts="$steps.s.part", n="$inputs.n", g="$steps.g.list")
    assert run(engine, workflow, n=[7, 8]) == [
        {"parts": [10, 11], "n": 7, "g": [1]},
        {"parts": [10, 11], "n": 8, "g": [1]},
    ]
    assert run(engine, document([PARAMETER], steps, parts="$steps.s.part")) == [{"parts": [10, 11]}]


def test_flow_control_prunes_elements_and_what_follows(engine: Engine) -> None:
    steps = [
        step("add", "a", a="$inputs.n", b=0),
        step("allow_above", "gate", number="$inputs.n", limit=1, next_steps=["$steps.a", "$steps.s"]),
        step("add", "later", a="$steps.a.sum", b=1),
        SPLIT,
        step("first", "f", candidates=["$steps.later.sum", "$inputs.n"], default=-1),
        step("first", "g", candidates=["$steps.later.sum"], default=-1),
    ]
    workflow = document(
        [BATCH],
        steps,
        a="$steps.a.*",
        later="$steps.later.sum",
        parts="$steps.s.part",
        f="$steps.f.value",
        g="$steps.g.value",
    )
    assert run(engine, workflow, n=[1, 2]) == [
        {"a": {"sum": None}, "later": None, "parts": [], "f": 1, "g": -1},
        {"a": {"sum": 2}, "later": 3, "parts": [20, 21, None], "f": 3, "g": 3},
    ]


def test_gates_per_child_keep_their_positions_and_all_gates_must_agree(engine: Engine) -> None:
    steps = [
        SPLIT,
        step("allow_above", "low", number="$steps.s.part", limit=10, next_steps=["$steps.a", "$steps.g"]),
        step("allow_above", "outer", number="$inputs.n", limit=1, next_steps=["$steps.a"]),
        step("add", "a", a="$steps.s.part", b=0),
        step("gather", "g", values="$steps.s.part"),
    ]
    workflow = document([BATCH], steps, a="$steps.a.sum", g="$steps.g.list")
    assert run(engine, workflow, n=[1, 2]) == [
        {"a": [None, None, None], "g": [11]},
        {"a": [20, 21, None], "g": [20, 21]},
    ]


def test_a_step_of_single_values_that_a_batch_gates_becomes_a_batch(engine: Engine) -> None:
    steps = [
        step("allow_above", "gate", number="$inputs.n", limit=1, next_steps=["$steps.a"]),
        step("add", "a", a="$inputs.p", b=1),
    ]
    assert run(engine, document([BATCH, PARAMETER], steps, a="$steps.a.sum"), n=[1, 2]) == [{"a": None}, {"a": 2}]


def test_a_missing_single_value_prunes_the_whole_step_but_a_null_parameter_does_not(engine: Engine) -> None:
    gate = step("allow_above", "gate", number="$inputs.p", limit=5, next_steps=["$steps.a"])
    steps = [gate, step("add", "a", a="$inputs.p", b=1), step("add", "b", a="$inputs.n", b="$steps.a.sum")]
    workflow = document([BATCH, PARAMETER], steps, b="$steps.b.sum", a="$steps.a.sum")
    assert run(engine, workflow, n=[1, 2]) == [{"b": None, "a": None}, {"b": None, "a": None}]
    first = document([PARAMETER], [step("first", "f", candidates=["$inputs.p"])], f="$steps.f.value")
    assert run(engine, first, p=None) == [{"f": 0}]


def test_nulls_in_a_batch_are_missing_elements(engine: Engine) -> None:
    workflow = document([BATCH], [step("add", "a", a="$inputs.n", b=1)], a="$steps.a.sum", n="$inputs.n")
    assert run(engine, workflow, n=[1, None]) == [{"a": 2, "n": 1}, {"a": None, "n": None}]


def test_a_whole_batch_block_may_take_a_parameter_per_element(engine: Engine) -> None:
    columns = {"n": "$inputs.n", "p": "$inputs.p", "one": 1}
    workflow = document([BATCH, PARAMETER], [step("table", "t", columns=columns)], rows="$steps.t.rows")
    rows = [{"n": 4, "p": 9, "one": 1}, {"n": 6, "p": 9, "one": 1}]
    assert run(engine, workflow, n=[4, None, 6], p=9) == [{"rows": None}, {"rows": None}, {"rows": rows}]
    single = document([PARAMETER], [step("table", "t", columns={"p": "$inputs.p"})], rows="$steps.t.rows")
    assert run(engine, single, p=9) == [{"rows": [{"p": 9}]}]


def test_a_whole_batch_block_sees_the_present_elements_together(engine: Engine) -> None:
    workflow = document(
        [BATCH, PARAMETER], [step("pair_up", "u", left="$inputs.n", scale="$inputs.p")], u="$steps.u.row"
    )
    assert run(engine, workflow, n=[3, None, 5], p=2) == [{"u": [0, 6, 2]}, {"u": None}, {"u": [1, 10, 2]}]


def test_nested_batches_keep_their_shape(engine: Engine) -> None:
    nested = {**BATCH, "dimensionality": 2}
    steps = [step("add", "a", a="$inputs.n", b=1), step("gather", "g", values="$steps.a.sum")]
    workflow = document([nested], steps, n="$inputs.n", a="$steps.a.sum", g="$steps.g.list")
    assert run(engine, workflow, n=[[1, 2], [], [3]]) == [
        {"n": [1, 2], "a": [2, 3], "g": [2, 3]},
        {"n": [], "a": [], "g": None},
        {"n": [3], "a": [4], "g": [4]},
    ]


def test_foreign_types_rename_ignore_default_and_adapt(engine: Engine) -> None:
    steps = [
        step("Plus", "a", first="$inputs.n", amount="$inputs.p", colour="red", size=3),
        step("other/plus@v2", "b", a="$inputs.n", plus="$inputs.p", twice=True),
        step("other/plus@v2", "c", a="$inputs.n", plus=4),
    ]
    workflow = document([BATCH, PARAMETER], steps, a="$steps.a.sum", b="$steps.b.sum", c="$steps.c.sum")
    plan = engine.compile(workflow)
    assert [(w.code, w.at) for w in plan.warnings] == [
        ("ignored_field", "/steps/0/colour"),
        ("unknown_field", "/steps/0/size"),
    ]
    assert run(engine, workflow, n=10, p=3) == [{"a": 13, "b": 16, "c": 14}]


@pytest.mark.parametrize("workers", [1, 4])
def test_the_order_of_the_document_and_the_number_of_workers_do_not_matter(engine: Engine, workers: int) -> None:
    chain = [step("add", f"x{i}", a="$inputs.n" if not i else f"$steps.x{i - 1}.sum", b=i) for i in range(9)]
    side = [step("nap", f"y{i}", number="$inputs.n", seconds=0.001) for i in range(5)]
    workflow = document([BATCH], [*side, *chain[::-1]], x="$steps.x8.sum", y="$steps.y4.number")
    assert run(engine, workflow, workers=workers, n=[0, 1]) == [{"x": 36, "y": 0}, {"x": 37, "y": 1}]


def test_a_session_keeps_state_until_it_is_reset(engine: Engine) -> None:
    session = engine.session(
        engine.compile(document([BATCH], [step("count", "c", number="$inputs.n")], c="$steps.c.calls"))
    )
    assert [session.run({"n": 1})["c"] for _ in range(3)] == [1, 2, 3]
    assert [o["c"] for o in session.run({"n": [1, 1]}).outputs] == [4, 5]
    session.reset()
    assert session.run({"n": 1})["c"] == 1


def test_values_are_released_after_their_last_use(engine: Engine) -> None:
    chain = [step("add", f"x{i}", a="$inputs.n" if not i else f"$steps.x{i - 1}.sum", b=1) for i in range(4)]
    plan = engine.compile(document([BATCH], chain, x="$steps.x3.sum"))
    assert plan.uses == {"x0": 1, "x1": 1, "x2": 1, "x3": 1}
    assert plan == engine.compile(document([BATCH], chain, x="$steps.x3.sum"))
    assert plan != engine.compile(document([BATCH], chain, y="$steps.x3.sum"))


@pytest.mark.parametrize(
    ("how", "code", "whose", "text"),
    [
        ("blame", "block_failed", "caller", "The step 'f' failed: The number is too odd."),
        ("crash", "block_crashed", "block", "The step 'f' failed: ValueError: boom"),
        (
            "shape",
            "bad_block_result",
            "block",
            "The step 'f' failed: tests.toys:fail gave other where its outputs are result.",
        ),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_step_ends_the_run_with_its_name(
    engine: Engine, how: str, code: str, whose: str, text: str, workers: int
) -> None:
    steps = [step("fail", "f", number="$inputs.n", how=how), step("add", "a", a="$steps.f.result", b=1)]
    events: list[Event] = []
    session = engine.session(engine.compile(document([BATCH], steps, a="$steps.a.sum")), workers=workers)
    with pytest.raises(StepFailed) as caught:
        session.run({"n": 1}, observers=(events.append,))
    problem = caught.value.problem
    assert (problem.code, problem.whose, problem.message, problem.step, problem.at) == (
        code,
        whose,
        text,
        "f",
        "/steps/0",
    )
    assert [type(event) for event in events] == [RunStarted, StepStarted, StepFailedEvent, RunFinished]


def test_events_tell_the_course_of_a_run(engine: Engine) -> None:
    events: list[Event] = []
    session = engine.session(engine.compile(document([BATCH], [SPLIT, step("add", "a", a="$steps.s.part", b=1)])))
    session.run({"n": [1, 2]}, observers=(events.append,))
    assert [type(event) for event in events] == [
        RunStarted,
        StepStarted,
        StepFinished,
        StepStarted,
        StepFinished,
        RunFinished,
    ]
    assert [event.elements for event in events if isinstance(event, StepFinished)] == [2, 4]


def test_a_run_stops_at_its_deadline_or_when_told_and_starts_no_later_step(engine: Engine) -> None:
    naps = [
        step("nap", f"x{i}", number="$inputs.n" if not i else f"$steps.x{i - 1}.number", seconds=0.03) for i in range(4)
    ]
    plan = engine.compile(document([BATCH], naps))
    events: list[Event] = []
    with pytest.raises(RunCancelled, match="passed its deadline"):
        engine.session(plan).run({"n": 1}, stop=Stop(timeout=0.04), observers=(events.append,))
    assert 1 <= sum(isinstance(event, StepStarted) for event in events) < len(naps)
    told = Stop()
    told.cancel()
    with pytest.raises(RunCancelled, match="cancelled"):
        engine.session(plan).run({"n": 1}, stop=told)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "The workflow's input 'n' (float) is missing."),
        ({"n": None}, "The workflow's input 'n' (float) is null. Give a value for 'n'."),
        ({"n": [1, 2], "m": [1, 2, 3]}, "The input 'n' has 2 elements and 'm' has 3."),
        ({"n": "many", "m": 1}, "n"),
        (
            {"n": 1, "m": 1, "p": 500},
            "The parameter 'p' does not fit b of the step 'a': expected a number from 0 to 100, got 500.",
        ),
    ],
)
def test_inputs_that_do_not_fit_are_refused_in_a_sentence(engine: Engine, given: dict[str, Any], message: str) -> None:
    workflow = document(
        [BATCH, {**BATCH, "name": "m"}, PARAMETER], [step("add", "a", a="$inputs.n", b="$inputs.p")], a="$steps.a.sum"
    )
    with pytest.raises(InputError) as caught:
        run(engine, workflow, **({"m": 1} | given))
    assert message in str(caught.value)
    assert caught.value.problem.at.startswith("/inputs/")


def test_nested_inputs_must_be_nested(engine: Engine) -> None:
    for value in (3, [1, 2]):
        with pytest.raises(InputError, match="nested 2 levels"):
            run(engine, document([{**BATCH, "dimensionality": 2}], [], n="$inputs.n"), n=value)


def test_a_broken_document_never_runs(engine: Engine) -> None:
    with pytest.raises(CompileError):
        engine.compile(document([], [step("nothing", "x")]))


@pytest.mark.parametrize("size", [5.0, "$inputs.p", "$steps.same.output"], ids=["written", "given", "computed"])
def test_a_whole_number_may_come_as_a_float(size: Any) -> None:
    same = step(
        "core/property_definition@v1", "same", data="$inputs.p", operations=[{"type": "Multiply", "other": 1.0}]
    )
    blur = step("core/image_blur@v1", "blur", image="$inputs.i", kernel_size=size)
    parameter = {"type": "WorkflowParameter", "name": "p", "default_value": 5.0}
    workflow = document([{"type": "WorkflowImage", "name": "i"}, parameter], [same, blur], blurred="$steps.blur.image")
    dot = np.zeros((9, 9, 3), np.uint8)
    dot[4, 4] = 255
    engine = Engine(load({"HOME": "/nowhere"}))
    (result,) = engine.session(engine.compile(workflow)).run({"i": dot}).outputs
    assert result["blurred"].pixels[4, 6].all()
