from __future__ import annotations

from tests.unit.test_execution import BATCH, document, step
from workflow_engine import settings as engine_settings
from workflow_engine.registry import Registry
from workflow_engine.trace import Trace
from workflow_engine.workflow import Engine


def test_a_trace_holds_a_span_for_each_step_within_that_of_the_run(toys: Registry) -> None:
    engine = Engine(engine_settings.load({"HOME": "/nowhere"}), registry=toys)
    naps = [step("nap", "a", number="$inputs.n", seconds=0.002), step("nap", "b", number="$steps.a.number")]
    trace = Trace()
    with trace.span("workflow_compilation"):
        session = engine.session(engine.compile(document([BATCH], naps)))
    session.run({"n": [1, 2]}, observers=(trace.observe,))
    compiled, first, second, run = trace.events
    assert [e["name"] for e in trace.events] == [
        "workflow_compilation",
        "step_execution",
        "step_execution",
        "workflow_run",
    ]
    assert first["args"] == {"step": "$steps.a", "block": "toy/nap@v1", "elements": 2}
    assert first["dur"] >= 4000
    assert compiled["ts"] < first["ts"] < second["ts"] < run["ts"] + run["dur"]
    assert run["dur"] >= first["dur"] + second["dur"]
