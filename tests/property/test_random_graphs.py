"""Random workflows against a reference interpreter that knows nothing of plans, lineages or threads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow_engine import ResultCache
from workflow_engine import settings as engine_settings
from workflow_engine.registry import Registry
from workflow_engine.workflow import Engine

Document = dict[str, Any]

CACHE = ResultCache()
"""For all runs of all workflows: these are so alike that a key which is too coarse soon gives a wrong number."""


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Workflows of add, split, gather and allow_above that always compile: inputs of a step share one depth."""
    depths: dict[str, tuple[str, ...]] = {"$inputs.n": ("n",), "$inputs.m": ("n",)}
    steps: list[dict[str, Any]] = []
    for i in range(draw(st.integers(1, 9))):
        name = f"s{i}"
        source = draw(st.sampled_from(sorted(depths)))
        depth = depths[source]
        kind = draw(st.sampled_from(["add", "add", "split", "gather", "gate"]))
        if kind == "add":
            same = sorted(other for other in depths if depths[other] == depth)
            b: Any = draw(st.one_of(st.integers(0, 5), st.sampled_from(same)))
            steps.append({"type": "toy/add@v1", "name": name, "a": source, "b": b})
            depths[f"$steps.{name}.sum"] = depth
        elif kind == "split" and len(depth) < 3:
            steps.append({"type": "toy/split@v1", "name": name, "number": source, "parts": draw(st.integers(0, 4))})
            depths[f"$steps.{name}.part"] = (*depth, name)
        elif kind == "gather" and len(depth) > 1:
            steps.append({"type": "toy/gather@v1", "name": name, "values": source})
            depths[f"$steps.{name}.total"] = depth[:-1]
        elif kind == "gate":
            waiting = [
                step for step in steps if step["type"] == "toy/add@v1" and depths[step["a"]][: len(depth)] == depth
            ]
            free = [step["name"] for step in waiting if not _reaches(steps, step["name"], source)]
            if free:
                target = draw(st.sampled_from(free))
                limit = draw(st.integers(0, 30))
                targets = [f"$steps.{target}"]
                gate = {
                    "type": "toy/allow_above@v1",
                    "name": name,
                    "number": source,
                    "limit": limit,
                    "next_steps": targets,
                }
                steps.append(gate)
    shuffled = draw(st.permutations(steps))
    outputs = [{"type": "JsonField", "name": s[1:], "selector": s} for s in depths]
    numbers = {"type": "WorkflowBatchInput", "kind": ["float"]}
    return {
        "version": "1.0",
        "inputs": [{**numbers, "name": "n"}, {**numbers, "name": "m"}],
        "steps": shuffled,
        "outputs": outputs,
    }


def _reaches(steps: list[dict[str, Any]], start: str, goal: str) -> bool:
    """Whether the value ``goal`` depends on the step ``start``: gating ``start`` by it would make a circle."""
    after = {
        step["name"]: {v.split(".")[1] for v in step.values() if isinstance(v, str) and v.startswith("$steps")}
        for step in steps
    }
    for step in steps:
        for target in step.get("next_steps", ()):
            after[target.split(".")[1]].add(step["name"])
    todo, seen = [goal.split(".")[1]] if goal.startswith("$steps") else [], set()
    while todo:
        name = todo.pop()
        seen.add(name)
        todo += after[name] - seen
    return start in seen


def reference(document: Document, n: int, m: int) -> dict[str, Any]:
    """Evaluate one element by recursion; a value is a number, ``None``, or a list of values."""
    steps = {step["name"]: step for step in document["steps"]}
    gates = {name: [s for s in steps.values() if f"$steps.{name}" in s.get("next_steps", ())] for name in steps}

    def value(source: Any) -> Any:
        if not isinstance(source, str):
            return source
        kind, name, *_ = source.split(".")
        return {"n": n, "m": m}[name] if kind == "$inputs" else output(name)

    def depth(source: str) -> int:
        """How deep the lists of a value are nested; an empty list does not tell."""
        kind, name, *_ = source.split(".")
        if kind == "$inputs":
            return 0
        step = steps[name]
        name, deeper = {"add": ("a", 0), "split": ("number", 1), "gather": ("values", -1)}[step["type"][4:-3]]
        return depth(step[name]) + deeper

    def output(name: str) -> Any:
        step = steps[name]
        match step["type"]:
            case "toy/add@v1":
                total = each(lambda a, b: a + b, value(step["a"]), value(step["b"]))
                for gate in gates[name]:
                    total = passed(total, value(gate["number"]), gate["limit"])
                return total
            case "toy/split@v1":
                parts = int(step["parts"])
                return each(
                    lambda x: [None if i % 3 == 2 else x * 10 + i for i in range(parts)],
                    value(step["number"]),
                    missing=[],
                )
            case _:
                return collapse(value(step["values"]), depth(step["values"]))

    return {o["name"]: value(o["selector"]) for o in document["outputs"]}


def each(function: Any, *values: Any, missing: Any = None) -> Any:
    """Apply to numbers; to lists element by element, a plain number serving all of them."""
    lists = [value for value in values if isinstance(value, list)]
    if lists:
        rows = [[value[i] if isinstance(value, list) else value for value in values] for i in range(len(lists[0]))]
        return [each(function, *row, missing=missing) for row in rows]
    return missing if None in values else function(*values)


def passed(total: Any, decided_by: Any, limit: float) -> Any:
    if isinstance(decided_by, list):
        return [passed(t, d, limit) for t, d in zip(total, decided_by, strict=True)]
    return total if decided_by is not None and decided_by > limit else pruned(total)


def pruned(value: Any) -> Any:
    return [pruned(element) for element in value] if isinstance(value, list) else None


def collapse(value: list[Any], depth: int) -> Any:
    if depth > 1:
        return [collapse(element, depth - 1) for element in value]
    present = [element for element in value if element is not None]
    return sum(present) if present else None


@pytest.fixture(scope="module")
def engine(toys: Registry) -> Engine:
    return Engine(engine_settings.load({"HOME": "/nowhere"}), registry=toys)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=documents(),
    elements=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=3),
    workers=st.sampled_from([1, 3]),
)
def test_a_run_equals_the_reference(
    engine: Engine, document: Document, elements: list[tuple[int, int]], workers: int
) -> None:
    plan = engine.compile(document)
    inputs = {"n": [n for n, _ in elements], "m": [m for _, m in elements]}
    expected = [reference(document, n, m) for n, m in elements]
    assert engine.session(plan, workers=workers).run(inputs).outputs == expected
    assert engine.session(plan, workers=workers, cache=CACHE).run(inputs).outputs == expected
