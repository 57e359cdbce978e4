"""Types that are refused by name: the list that comes with the engine."""

from __future__ import annotations

import re

import pytest

from workflow_engine.compiler import compile_workflow
from workflow_engine.definition import parse
from workflow_engine.errors import CompileError
from workflow_engine.refused import Refusal
from workflow_engine.registry import Registry, built_in

REGISTRY = Registry([built_in()])


def test_every_type_stands_once_and_none_is_supported_too() -> None:
    names = [name for refusal in REGISTRY.refusals for name in refusal.names]
    assert len(names) == len(set(names))
    assert not set(names) & set(REGISTRY.type_names)


@pytest.mark.parametrize("refusal", REGISTRY.refusals, ids=lambda refusal: refusal.types[0])
def test_reason_and_alternative_are_sentences_about_blocks_that_exist(refusal: Refusal) -> None:
    assert re.fullmatch(r"It [a-z].*\.", refusal.reason)
    if refusal.alternative:
        assert refusal.alternative.endswith(".")
        assert set(re.findall(r"core/\w+@v\d+", refusal.alternative)) <= set(REGISTRY.type_names)


@pytest.mark.parametrize(
    "name", ["roboflow_core/sam3@v3", "ClassificationModel", "roboflow_core/twilio_sms_notification@v2"]
)
def test_a_step_of_such_a_type_is_refused_with_the_reason(name: str) -> None:
    refusal = REGISTRY.refusal(name)
    assert refusal is not None
    document = {"version": "1.0", "inputs": [], "steps": [{"type": name, "name": "s"}], "outputs": []}
    with pytest.raises(CompileError) as caught:
        compile_workflow(parse(document), REGISTRY)
    (problem,) = caught.value.problems
    assert problem.code == "refused_block"
    assert refusal.reason in problem.message
    assert problem.hint == refusal.alternative
