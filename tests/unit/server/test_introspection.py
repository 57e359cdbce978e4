"""Blocks and workflows described: the schemas hold for every block that there is and for real documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from workflow_engine import Engine, WorkflowError
from workflow_engine.kinds import table
from workflow_engine.server.introspection.blocks import describe
from workflow_engine.server.introspection.workflows import definition_schema

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="module")
def told(engine: Engine) -> dict[str, Any]:
    return describe(engine.registry)


def documents() -> Iterator[dict[str, Any]]:
    for path in sorted(ROOT.glob("examples/*/workflow.json")):
        yield json.loads(path.read_text("utf-8"))
    for path in sorted(ROOT.glob("tests/conformance/workflows/cases/**/*.json")):
        content = json.loads(path.read_text("utf-8"))
        for case in content if isinstance(content, list) else [content]:
            yield from (case[key] for key in ("specification", "workflow", "definition") if case.get(key))


def test_a_document_that_compiles_fits_the_schema(engine: Engine) -> None:
    schema = definition_schema(engine.registry)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    fitting = 0
    for document in documents():
        try:
            engine.compile(json.dumps(document))
        except WorkflowError:
            continue
        assert not list(validator.iter_errors(document)), document
        fitting += 1
    assert fitting > 50


@pytest.mark.parametrize(
    "change",
    [
        {"type": "core/no_block@v1"},
        {"confidence": 2},
        {"images": "image"},
        {"model_id": None},
    ],
)
def test_a_wrong_step_does_not_fit_the_schema(engine: Engine, change: dict[str, Any]) -> None:
    document = json.loads((ROOT / "examples" / "crop_each" / "workflow.json").read_text("utf-8"))
    document["steps"][0] |= change
    assert not Draft202012Validator(definition_schema(engine.registry)).is_valid(document)


def test_every_type_name_is_described_once_with_a_valid_schema(engine: Engine, told: dict[str, Any]) -> None:
    names = [
        name
        for block in told["blocks"]
        for name in (block["manifest_type_identifier"], *block["manifest_type_identifier_aliases"])
    ]
    assert sorted(names) == sorted(set(engine.registry.type_names))
    for block in told["blocks"]:
        Draft202012Validator.check_schema(block["block_schema"])
        assert set(block["block_schema"]["required"]) <= set(block["block_schema"]["properties"])
    ids = [block["fully_qualified_block_class_name"] for block in told["blocks"]]
    assert len(set(ids)) == len(ids)


def test_every_example_of_a_manifest_fits_the_schema_of_its_block(engine: Engine, told: dict[str, Any]) -> None:
    schemas = {
        name: Draft202012Validator(block["block_schema"])
        for block in told["blocks"]
        for name in (block["manifest_type_identifier"], *block["manifest_type_identifier_aliases"])
    }
    for block in engine.registry.blocks():
        for example in block.examples:
            problems = [error.message for error in schemas[example.step["type"]].iter_errors(example.step)]
            assert not problems, (example.title, problems)


def test_what_is_plugged_where_agrees_with_the_schemas(told: dict[str, Any]) -> None:
    properties = {block["manifest_type_identifier"]: block["block_schema"]["properties"] for block in told["blocks"]}
    assert set(told["kinds_connections"]) <= set(table())
    for kind, places in told["kinds_connections"].items():
        for place in places:
            assert f'"{kind}"' in json.dumps(properties[place["manifest_type_identifier"]][place["property_name"]])
