from __future__ import annotations

import json
from typing import Any

import pytest

from workflow_engine import Workflow
from workflow_engine.definition import parse
from workflow_engine.errors import MOST_PROBLEMS, DefinitionError
from workflow_engine.settings import Limits

EMPTY: dict[str, Any] = {"version": "1.0", "inputs": [], "steps": [], "outputs": []}


def problems(document: Any, **limits: Any) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionError) as caught:
        parse(document, limits=Limits(**limits))
    return [(problem.code, problem.at) for problem in caught.value.problems]


def test_text_bytes_and_objects_are_the_same_document() -> None:
    text = json.dumps({**EMPTY, "id": "ignored"})
    assert parse(text) == parse(text.encode()) == parse(EMPTY)


def test_every_input_type_has_its_kinds_and_depth() -> None:
    inputs = [
        {"type": "WorkflowImage", "name": "a"},
        {"type": "InferenceImage", "name": "b"},
        {"type": "WorkflowVideoMetadata", "name": "c"},
        {"type": "WorkflowBatchInput", "name": "d", "kind": ["float"], "dimensionality": 2},
        {"type": "WorkflowParameter", "name": "e", "default_value": {"any": ["thing"]}},
        {"type": "InferenceParameter", "name": "f", "kind": ["string"]},
    ]
    found = [(i.kinds, i.dimensionality) for i in parse({**EMPTY, "inputs": inputs}).inputs]
    assert found == [
        (("image",), 1),
        (("image",), 1),
        (("video_metadata",), 1),
        (("float",), 2),
        (("*",), 0),
        (("string",), 0),
    ]


def test_all_faults_are_reported_at_once_with_pointers_into_the_document() -> None:
    document = {
        "version": 1,
        "inputs": [{"type": "WorkflowPicture", "name": "a"}, {"type": "WorkflowImage"}],
        "steps": [{"type": "core/x@v1"}, "crop"],
        "outputs": [{"type": "JsonField", "name": "n", "selector": 5, "coordinates_system": "mine"}],
    }
    assert problems(document) == [
        ("bad_version", "/version"),
        ("unknown_input_type", "/inputs/0"),
        ("missing_field", "/inputs/1/name"),
        ("missing_field", "/steps/0/name"),
        ("bad_value", "/steps/1"),
        ("bad_value", "/outputs/0/selector"),
        ("bad_value", "/outputs/0/coordinates_system"),
    ]


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({"version": 1.0}, "version: expected text, got 1.0."),
        ({"steps": "x"}, 'steps: expected a list, got "x".'),
        ({"steps": ["x"]}, 'steps.0: expected an object, got "x".'),
        ({"inputs": [5]}, "inputs.0: expected an object, got 5."),
        (
            {"inputs": [{"type": "WorkflowBatchInput", "name": "a", "kind": "image"}]},
            'inputs.0.kind: expected a list, got "image".',
        ),
        ({"steps": [{"type": "", "name": "a"}]}, 'steps.0.type: expected text that is not empty, got "".'),
        (
            {"outputs": [{"type": "JsonField", "name": "n", "selector": "$inputs.a", "coordinates_system": "mine"}]},
            "outputs.0.coordinates_system: expected 'parent' or 'own', got \"mine\".",
        ),
    ],
)
def test_faults_are_told_in_the_words_of_json(part: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse({**EMPTY, **part})
    assert [problem.message for problem in caught.value.problems] == [sentence]


def test_no_more_problems_are_told_than_anybody_reads() -> None:
    many = problems({**EMPTY, "inputs": [{"type": "WorkflowBatchInput", "name": "a", "kind": [1] * 50_000}]})
    assert len(many) == MOST_PROBLEMS + 1
    assert many[-1] == ("more_problems", "")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"{", "broken_json"),
        (b"\xff{}", "broken_json"),
        ('{"version": NaN}', "broken_json"),
        ('{"steps": [], "steps": []}', "duplicate_key"),
        ("[]", "not_an_object"),
        ("3", "not_an_object"),
        ("[" * 100_000, "too_deep"),
        (json.dumps({**EMPTY, "steps": [[[[[[]]]]]]}), "too_deep"),
        (" " * 5000, "too_large"),
        (json.dumps({**EMPTY, "steps": [{"type": "t", "name": str(i)} for i in range(4)]}), "too_many_steps"),
        (
            json.dumps({**EMPTY, "inputs": [{"type": "WorkflowImage", "name": str(i)} for i in range(1001)]}),
            "too_many_ports",
        ),
    ],
)
def test_documents_that_are_refused_whole(document: Any, code: str) -> None:
    size = 1_000_000 if code in ("too_deep", "too_many_ports") else 2000
    assert [found for found, _ in problems(document, json_depth=5, steps=3, definition_bytes=size)] == [code]


def test_a_workflow_is_written_as_it_was_read() -> None:
    """A null is not a value left out: for a model's confidence it means the model's own."""
    step = {"type": "core/instance_segmentation@v1", "name": "parts", "images": "$inputs.image", "confidence": None}
    document = {
        "version": "1.0",
        "inputs": [{"type": "WorkflowImage", "name": "image"}],
        "steps": [{**step, "model_id": "demo/fasteners"}],
        "outputs": [{"type": "JsonField", "name": "found", "selector": "$steps.parts.predictions"}],
    }
    assert json.loads(Workflow(document).to_json()) == document
