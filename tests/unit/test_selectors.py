from __future__ import annotations

import pytest

from workflow_engine.selectors import InputRef, OutputRef, StepRef, is_reference, parse


@pytest.mark.parametrize(
    "reference", [InputRef("image"), OutputRef("a-1", "b_2"), OutputRef("a", "*"), StepRef("crop")]
)
def test_a_reference_reads_back_from_its_own_text(reference: InputRef | OutputRef | StepRef) -> None:
    assert parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text", ["$inputs.", "$inputs.a b", "$inputs.a.b", "$steps", "$steps.a.b.c", "$steps.a.*x", "x", "$steps.a.b\n"]
)
def test_what_is_no_selector(text: str) -> None:
    assert parse(text) is None


def test_a_text_is_meant_as_a_reference_as_soon_as_it_begins_with_a_dollar() -> None:
    assert is_reference("$anything")
    assert not is_reference("a $inputs.x")
    assert not is_reference(5)
