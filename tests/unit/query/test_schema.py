"""The schema of the language and the interpreter say the same, and the first error of a validation is the true one."""

from __future__ import annotations

import json
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from workflow_engine.query import classification, detections, images, rows
from workflow_engine.query.comparators import COMPARATORS, UNARY_OPERATORS
from workflow_engine.query.interpreter import OPERATIONS

MANIFESTS = Path(__file__).parents[3] / "manifests" / "_meta"
SCHEMA = json.loads((MANIFESTS / "query.schema.json").read_text())
KINDS = set(json.loads((MANIFESTS / "kinds.json").read_text()))
DEFS = SCHEMA["$defs"]


def errors(definition: str, value: Any) -> list[tuple[str, str]]:
    """Where (JSON path) and what (keyword), for each error in the order they are found."""
    validator = Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{definition}"})
    return [(error.json_path, str(error.validator)) for error in validator.iter_errors(value)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "urn:segflow:query:1"


def test_it_has_the_operations_comparators_and_operators_of_the_interpreter() -> None:
    assert len(OPERATIONS) == 36
    assert DEFS["operation"]["properties"]["type"]["enum"] == list(OPERATIONS)
    assert DEFS["comparator"]["properties"]["type"]["enum"] == list(COMPARATORS)
    assert DEFS["unary_operator"]["properties"]["type"]["enum"] == list(UNARY_OPERATORS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_the_fields_and_defaults_of_its_function(name: str) -> None:
    parameters = signature(OPERATIONS[name].function).parameters
    fields = {field: parameters[field].default for field in OPERATIONS[name].fields}
    properties = {field: schema for field, schema in DEFS[name]["properties"].items() if field != "type"}
    assert set(properties) == set(fields)
    assert DEFS[name]["required"] == ["type", *(field for field in fields if fields[field] is Parameter.empty)]
    defaults = {field: default for field, default in fields.items() if default is not Parameter.empty}
    assert {field: schema["default"] for field, schema in properties.items() if "default" in schema} == defaults


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        (DEFS["detection_property"], rows.PROPERTIES),
        (DEFS["SortDetections"]["properties"]["mode"], detections.SORT_KEYS),
        (DEFS["DetectionsSelection"]["properties"]["mode"], detections.SELECTIONS),
        (DEFS["ExtractImageProperty"]["properties"]["property_name"], images.PROPERTIES),
        (DEFS["ExtractFrameMetadata"]["properties"]["property_name"], images.FRAME_PROPERTIES),
        (DEFS["ClassificationPropertyExtract"]["properties"]["property_name"], classification.PROPERTIES),
    ],
)
def test_choices_are_those_of_the_tables(listed: dict[str, Any], known: Any) -> None:
    assert sorted(listed["enum"]) == sorted(known)


def test_everything_has_a_title_and_a_line_of_description() -> None:
    entries = [DEFS[name] for name in OPERATIONS]
    for union in ("comparator", "unary_operator"):
        assert list(DEFS[union]["x-operators"]) == DEFS[union]["properties"]["type"]["enum"]
        entries += DEFS[union]["x-operators"].values()
    for entry in entries:
        assert entry["title"]
        assert entry["description"].endswith(".")
    assert len({entry["title"] for entry in entries}) == len(entries)


def test_advertised_kinds_exist() -> None:
    lists = [DEFS[name][key] for name in OPERATIONS for key in ("x-input-kinds", "x-output-kinds")]
    lists += [kinds for name in OPERATIONS for key, kinds in DEFS[name].items() if key.startswith("x-nested")]
    for union in ("comparator", "unary_operator"):
        lists += [kinds for one in DEFS[union]["x-operators"].values() for kinds in one["x-operand-kinds"]]
    assert all(lists)
    assert {kind for kinds in lists for kind in kinds} <= KINDS


@pytest.mark.parametrize("union", ["operation", "statement", "operand", "case_result"])
def test_unions_are_told_apart_by_type(union: str) -> None:
    branches = {
        branch["if"]["properties"]["type"]["const"]: branch["then"]["$ref"].removeprefix("#/$defs/")
        for branch in DEFS[union]["then"]["allOf"]
    }
    assert list(branches) == DEFS[union]["properties"]["type"]["enum"]
    for name, target in branches.items():
        assert DEFS[target]["properties"]["type"] == {"const": name}
    assert not {"oneOf", "anyOf"} & set(DEFS[union])


STATEMENT = {
    "type": "BinaryStatement",
    "left_operand": {"type": "DynamicOperand"},
    "comparator": {"type": "=="},
    "right_operand": {"type": "StaticOperand", "value": None},
}
GROUP = {"type": "StatementGroup", "statements": [STATEMENT]}
CASES = {
    "type": "CasesDefinition",
    "cases": [{"type": "CaseDefinition", "condition": GROUP, "result": {"type": "StaticCaseResult", "value": 1}}],
    "default": {"type": "DynamicCaseResult", "parameter_name": "n"},
}


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        ("operations", []),
        ("operations", [{"type": "DetectionsFilter", "filter_operation": GROUP}, {"type": "SequenceLength"}]),
        ("operations", [{"type": "SequenceLength", "a field of tomorrow": 1}]),
        ("operation", {"type": "DetectionsRename", "class_map": "names", "strict": "exact"}),
        ("operation", {"type": "NumericSequenceAggregate", "function": "sum", "neutral_value": None}),
        ("statement", STATEMENT),
        ("statement_group", GROUP | {"operator": "and", "statements": [GROUP, STATEMENT]}),
        ("cases", CASES),
        ("cases", CASES | {"cases": []}),
    ],
)
def test_what_is_right_passes(definition: str, value: Any) -> None:
    assert errors(definition, value) == []


@pytest.mark.parametrize(
    ("definition", "value", "error"),
    [
        ("operations", {"type": "ToString"}, ("$", "type")),
        ("operations", [{"type": "ToString"}, {"type": "ToText"}], ("$[1].type", "enum")),
        ("operations", [{}], ("$[0]", "required")),
        ("operations", ["ToString"], ("$[0]", "type")),
        ("operation", {"type": "LookupTable"}, ("$", "required")),
        ("operation", {"type": "ToNumber", "cast_to": "bool"}, ("$.cast_to", "enum")),
        ("operation", {"type": "NumberRound", "decimal_digits": 1.5}, ("$.decimal_digits", "type")),
        ("operation", {"type": "NumberRound", "decimal_digits": -1_000_000_000}, ("$.decimal_digits", "minimum")),
        ("operation", {"type": "Multiply", "other": "2"}, ("$.other", "type")),
        ("operation", {"type": "ConvertImageToJPEG", "compression_level": 101}, ("$.compression_level", "maximum")),
        ("operation", {"type": "ExtractDetectionProperty", "property_name": "colour"}, ("$.property_name", "enum")),
        ("operation", {"type": "DetectionsRename", "class_map": {"a": 1}}, ("$.class_map.a", "type")),
        ("operation", {"type": "SequenceApply", "operations": [{"type": "x"}]}, ("$.operations[0].type", "enum")),
        ("statement_group", GROUP | {"statements": []}, ("$.statements", "minItems")),
        ("statement_group", GROUP | {"operator": "xor"}, ("$.operator", "enum")),
        ("statement", STATEMENT | {"comparator": {"type": "="}}, ("$.comparator.type", "enum")),
        ("statement", STATEMENT | {"negate": "yes"}, ("$.negate", "type")),
        ("statement", STATEMENT | {"right_operand": {"type": "StaticOperand"}}, ("$.right_operand", "required")),
        ("statement", {"type": "UnaryStatement", "operator": {"type": "Exists"}}, ("$", "required")),
        ("operand", {"type": "DynamicOperand", "operations": [{"type": "x"}]}, ("$.operations[0].type", "enum")),
        ("cases", CASES | {"default": {"type": "DynamicCaseResult"}}, ("$.default", "required")),
        ("cases", CASES | {"cases": [{"type": "CaseDefinition", "condition": GROUP}]}, ("$.cases[0]", "required")),
    ],
)
def test_what_is_wrong_is_all_that_is_said(definition: str, value: Any, error: tuple[str, str]) -> None:
    assert errors(definition, value) == [error]


def test_a_wrong_type_is_said_before_the_fields_that_it_lacks() -> None:
    found = errors("operation", {"type": "DetectionsFilter", "filter_operation": STATEMENT})
    assert found[0] == ("$.filter_operation.type", "const")


def test_the_defaults_of_operands_are_those_of_the_interpreter() -> None:
    assert DEFS["dynamic_operand"]["properties"]["operand_name"]["default"] == "_"
    assert DEFS["statement_group"]["properties"]["operator"]["default"] == "or"
    assert DEFS["binary_statement"]["properties"]["negate"]["default"] is False
