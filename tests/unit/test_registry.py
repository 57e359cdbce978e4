"""Every check that a block passes at load, each shown to catch what it is for; the rest of the blocks keeps working."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, TypedDict, Unpack

import pytest

from tests.toys import TOYS, form_of, write
from workflow_engine import registry as registry_module
from workflow_engine.errors import ManifestError
from workflow_engine.registry import ENTRY_POINTS, Registry, Source, installed

ADD, *OTHERS = TOYS


def faults(folder: Path, edit: Callable[[Any, Any], object]) -> list[str]:
    manifest = copy.deepcopy(ADD)
    form = form_of(manifest)
    edit(manifest, form)
    source = write(folder, [*OTHERS, {**manifest, "type": "toy/add@v1"}])
    (folder / "manifests" / "add.v1.json").write_text(json.dumps(manifest))
    (folder / "ui_schema" / "add.v1.json").write_text(json.dumps(form))
    registry = Registry([source])
    assert len(registry.blocks()) == len(OTHERS), "the other blocks still work"
    return [problem.message for problem in registry.load_errors]


def parameters(manifest: Any) -> Any:
    return manifest["parameters"]["properties"]


EXAMPLE = {"type": "toy/add@v1", "name": "x", "a": "$inputs.n", "b": 1}


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda m, f: m.pop("entrypoint"), "lacks 'entrypoint'"),
        (lambda m, f: m.update(type="Add Numbers"), "expected text like"),
        (lambda m, f: m.update(colour="red"), "has no field 'colour'"),
        (lambda m, f: m.update(outputs=[]), "at least 1 element"),
        (lambda m, f: m.update(status="deprecated"), "lacks 'deprecated'"),
        (lambda m, f: m["execution"].update(side_effects=True, cache="by_inputs"), 'expected "never"'),
        (lambda m, f: m["inputs"][0].update(kinds=["flaot"]), "flaot"),
        (
            lambda m, f: parameters(m)["b"].update(default=500),
            "the default of b: expected a number from 0 to 100, got 500",
        ),
        (lambda m, f: parameters(m)["b"].update(minimum="0"), "minimum"),
        (lambda m, f: m["parameters"].update(required=[]), "b has no default and is not required"),
        (lambda m, f: m["parameters"].update(required=["b", "c"]), "c is required but not described"),
        (lambda m, f: parameters(m).update(a=parameters(m)["b"]), "a is an input and a parameter at once"),
        (lambda m, f: parameters(m).update(c={**parameters(m)["b"], "default": 1}), "the parameter c has no control"),
        (lambda m, f: parameters(m)["b"].update({"x-batch": True}), "the block takes one element at a time"),
        (lambda m, f: m["inputs"][0].update(dimensionality_offset=1), "dimensionality_reference must name an input"),
        (
            lambda m, f: m.update(examples=[{"title": "E", "step": {**EXAMPLE, "b": -1}}]),
            "b expected a number from 0 to 100",
        ),
        (
            lambda m, f: m.update(examples=[{"title": "E", "step": {**EXAMPLE, "c": -1}}]),
            "sets 'c', which the block lacks",
        ),
        (
            lambda m, f: m.update(examples=[{"title": "E", "step": {"type": "Plus", "name": "x", "a": "$inputs.n"}}]),
            "lacks 'amount'",
        ),
        (
            lambda m, f: m.update(examples=[{"title": "E", "step": {**EXAMPLE, "type": "toy/sub@v1"}}]),
            "not of this block",
        ),
        (lambda m, f: f.update(block="toy/sub@v1"), "the form is of toy/sub@v1"),
        (lambda m, f: f["form"]["elements"].append(f["form"]["elements"][0]), "the parameter b has 2 controls"),
        (lambda m, f: f["form"]["elements"][0]["options"].update(widget="knob"), "knob"),
        (lambda m, f: f["form"]["elements"][0].update(scope="#/properties/c"), "#/properties/c is no parameter"),
        (lambda m, f: f.update(node={"summary": "{a} and {q}"}), "the node's summary names q"),
        (lambda m, f: f.update(node={"preview": {"output": "total"}}), "total, which is no output"),
    ],
)
def test_a_fault_leaves_the_block_out_and_says_why(
    tmp_path: Path, edit: Callable[[Any, Any], object], text: str
) -> None:
    messages = faults(tmp_path / "toys", edit)
    assert any(text in message for message in messages), messages


def test_a_type_name_belongs_to_one_block(tmp_path: Path) -> None:
    thief = {**copy.deepcopy(OTHERS[0]), "compat": [{"type": "x/y@v1", "aliases": ["Plus"]}]}
    registry = Registry([write(tmp_path / "one", [ADD]), write(tmp_path / "two", [thief])])
    assert [problem.message for problem in registry.load_errors] == [
        "split.v1.json: it claims the type 'Plus', which add.v1.json has already"
    ]


def test_a_manifest_that_is_no_json_and_a_form_that_is_not_there(tmp_path: Path) -> None:
    source = write(tmp_path / "toys", TOYS)
    (tmp_path / "toys" / "manifests" / "add.v1.json").write_text("{")
    (tmp_path / "toys" / "ui_schema" / "count.v1.json").unlink()
    messages = [problem.message for problem in Registry([source]).load_errors]
    assert "add.v1.json: it is not a manifest" in messages[0]
    assert messages[1] == "count.v1.json: it has no form in ui_schema."


WRONG_EXAMPLE = {**ADD, "examples": [{"title": "E", "step": {**EXAMPLE, "b": -1}}]}


@pytest.mark.parametrize("tested", [True, False])
def test_a_tested_block_is_checked_when_it_is_listed_and_another_before_it_is_used_too(
    tmp_path: Path, tested: bool
) -> None:
    source = replace(write(tmp_path / "toys", [WRONG_EXAMPLE, *OTHERS]), tested=tested)
    registry = Registry([source])
    if tested:
        assert registry.step_type("toy/add@v1").fields.keys() == {"a", "first", "b"}
    else:
        with pytest.raises(ManifestError, match="b expected a number from 0 to 100"):
            registry.step_type("toy/add@v1")
    assert ["b expected a number from 0 to 100" in problem.message for problem in registry.load_errors] == [True]
    assert "toy/add@v1" not in {block.type for block in registry.blocks()}


def test_only_the_blocks_that_come_with_the_engine_count_as_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = EntryPoint("theirs", "tests", ENTRY_POINTS)
    monkeypatch.setattr(registry_module, "entry_points", lambda *, group: [foreign])
    assert {source.name: source.tested for source in installed()} == {"segflow": True, "theirs": False}


def test_a_tested_block_that_cannot_be_read_is_refused_in_words(tmp_path: Path) -> None:
    source = write(tmp_path / "toys", [{**ADD, "inputs": [{"name": "a", "kinds": "float"}]}])
    with pytest.raises(ManifestError) as caught:
        Registry([replace(source, tested=True)]).step_type("Plus")
    assert [(problem.at, problem.message) for problem in caught.value.problems] == [
        ("/inputs/0/title", "add.v1.json: /inputs/0/title is required."),
        ("/inputs/0/kinds", 'add.v1.json: /inputs/0/kinds expected a list, got "float".'),
    ]


@pytest.mark.parametrize(
    ("entrypoint", "text"),
    [
        ("tests.nowhere:add", "ModuleNotFoundError"),
        ("tests.toys:nothing", "AttributeError"),
        ("tests.toys:split", "lacks the argument 'a'"),
        ("tests.unit.test_registry:with_default", "the argument 'b' of"),
        ("tests.unit.test_registry:with_anything", r"has the argument '\*\*settings'"),
        ("tests.unit.test_registry:with_other_settings", "has the argument 'c'"),
    ],
)
def test_the_function_is_held_against_the_manifest_at_first_use(tmp_path: Path, entrypoint: str, text: str) -> None:
    source: Source = write(tmp_path / "toys", [{**ADD, "entrypoint": entrypoint}])
    registry = Registry([source])
    assert registry.load_errors == ()
    with pytest.raises(ManifestError, match=text):
        registry.function("toy/add@v1")


def with_default(a: float, *, b: float = 1) -> dict[str, float]:
    return {"sum": a + b}


def with_anything(a: float, **settings: float) -> dict[str, float]:
    return {"sum": a + settings["b"]}


class Other(TypedDict):
    c: float


def with_other_settings(a: float, *, b: float, **other: Unpack[Other]) -> dict[str, float]:
    return {"sum": a + b + other["c"]}


class Settings(TypedDict):
    b: float


def with_settings(a: float, **settings: Unpack[Settings]) -> dict[str, float]:
    return {"sum": a + settings["b"]}


def test_parameters_may_be_taken_together(tmp_path: Path) -> None:
    source = write(tmp_path / "toys", [{**ADD, "entrypoint": "tests.unit.test_registry:with_settings"}])
    assert Registry([source]).function("toy/add@v1")(1, b=2) == {"sum": 3}
