"""Blocks on plain numbers, for tests of the engine itself: no pictures, no arrays, every rule of the language."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_engine.errors import BlockError
from workflow_engine.registry import Registry, Source

NUMBER = {"type": "number", "title": "N", "description": "A number.", "x-kinds": ["float"]}


def add(a: float, *, b: float) -> dict[str, float]:
    return {"sum": a + b}


def split(number: float, *, parts: int) -> list[dict[str, Any]]:
    """Raise the dimension: ``parts`` children, every third of them missing."""
    return [{"part": None if i % 3 == 2 else number * 10 + i} for i in range(int(parts))]


def gather(values: list[float]) -> dict[str, Any]:
    return {"list": values, "total": sum(values)}


def compare(whole: float, parts: list[float]) -> dict[str, Any]:
    return {"text": f"{whole:g} of {[float(p) for p in parts]}"}


def roll_call(whole: float, parts: list[float | None]) -> dict[str, Any]:
    return {"text": f"{whole} of {parts}"}


def pair_up(left: list[float], *, scale: float) -> list[dict[str, Any]]:
    return [{"row": [i, value * scale, len(left)]} for i, value in enumerate(left)]


def table(*, columns: list[dict[str, float]]) -> list[dict[str, Any]]:
    """Gather the columns of all elements at the last one."""
    return [*({"rows": None} for _ in columns[1:]), {"rows": columns}]


def allow_above(number: float, *, limit: float, next_steps: list[str]) -> list[str]:
    return next_steps if number > limit else []


def first(candidates: list[Any], *, default: Any) -> dict[str, Any]:
    return {"value": next((c for c in candidates if c is not None), default)}


def named(number: float, *, names: list[str]) -> dict[str, float]:
    return {name: number + i for i, name in enumerate(names)}


def named_outputs(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    if not isinstance(fields.get("names"), list):
        raise BlockError("names is not a list.", hint="Give a list of texts.")
    return {name: ["float"] for name in fields["names"]}


class Counter:
    """Counts its calls: state across the runs of a session."""

    def __init__(self) -> None:
        self._calls = 0

    def __call__(self, number: float) -> dict[str, int]:
        self._calls += 1
        return {"calls": self._calls}


def fail(number: float, *, how: str) -> dict[str, Any]:
    if how == "blame":
        raise BlockError("The number is too odd.", hint="Give an even one.")
    if how == "crash":
        raise ValueError("boom")
    return {"result": number} if how == "fine" else {"other": 1}


def nap(number: float, *, seconds: float) -> dict[str, float]:
    time.sleep(seconds)
    return {"number": number}


def look(number: float, *, above: float, context: Any) -> dict[str, list[float]]:
    """List the halves of a number that are above a bound; how many looks that took is in the first place."""
    halves = context.kept.get("halves")
    looks = 0 if halves else 1
    halves = halves or [number / 2**i for i in range(4)]
    context.kept.put("halves", halves)
    return {"found": [looks, *(half for half in halves if half > above)]}


def to_sum(*, plus: float, twice: bool) -> dict[str, float]:
    return {"b": plus * 2 if twice else plus}


def _parameter(kind: str, default: Any = ..., **more: Any) -> dict[str, Any]:
    known = {} if default is ... else {"default": default}
    return {"title": "P", "description": "A setting.", "type": kind, **known, **more}


def _toy(name: str, inputs: dict[str, Any], parameters: dict[str, Any], outputs: dict[str, str], **more: Any) -> Any:
    category = more.pop("category", "logic" if outputs else "flow")
    asked = more.pop("execution", {})
    execution = {"cache": "never" if asked.get("stateful") else "by_inputs", "device": "cpu", **asked}
    return {
        "manifest_version": 1,
        "type": f"toy/{name}@v1",
        "version": "1.0.0",
        "title": f"Toy {name}",
        "summary": f"Toy block {name} for tests of the engine.",
        "category": category,
        "license": "Apache-2.0",
        "entrypoint": f"tests.toys:{more.pop('function', name)}",
        "inputs": [{"name": n, "title": n, "kinds": ["float"], **(facts or {})} for n, facts in inputs.items()],
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": parameters,
            "required": [n for n, schema in parameters.items() if "default" not in schema],
        },
        "outputs": [{"name": n, "title": n, "kinds": [kind]} for n, kind in outputs.items()],
        "execution": execution,
        **more,
    }


FLOATS = {"x-kinds": ["float"]}
STEPS = _parameter("array", items={"type": "string"}, **{"x-steps": True})

TOYS = [
    _toy(
        "add",
        {"a": {"aliases": ["first"]}},
        {"b": _parameter("number", minimum=0, maximum=100, **FLOATS)},
        {"sum": "float"},
        compat=[
            {"type": "other/plus@v1", "aliases": ["Plus"], "rename": {"amount": "b"}, "ignore": ["colour"]},
            {
                "type": "other/plus@v2",
                "defaults": {"b": 0},
                "parameters": {"plus": _parameter("number", **FLOATS), "twice": _parameter("boolean", False)},
                "adapter": "tests.toys:to_sum",
                "outputs": {"sum": {"kinds": ["integer"]}},
            },
        ],
    ),
    _toy(
        "split",
        {"number": None},
        {"parts": _parameter("number", 3, **FLOATS)},
        {"part": "float"},
        execution={"output_dimensionality": 1},
    ),
    _toy(
        "gather",
        {"values": None},
        {},
        {"list": "list_of_values", "total": "float"},
        execution={"output_dimensionality": -1},
    ),
    _toy(
        "compare",
        {"whole": None, "parts": {"dimensionality_offset": 1}},
        {},
        {"text": "string"},
        execution={"dimensionality_reference": "whole"},
    ),
    _toy(
        "roll_call",
        {"whole": None, "parts": {"dimensionality_offset": 1}},
        {},
        {"text": "string"},
        execution={"dimensionality_reference": "whole", "accepts_missing": True},
    ),
    _toy(
        "pair_up",
        {"left": None},
        {"scale": _parameter("number", 1, **FLOATS)},
        {"row": "list_of_values"},
        execution={"batch": "whole_batch"},
    ),
    _toy(
        "table",
        {},
        {
            "columns": {
                **_parameter("object", additionalProperties={"type": "number", **FLOATS}),
                "propertyNames": {"not": {"const": "_"}, "description": "The name _ is taken."},
                "x-batch": True,
            }
        },
        {"rows": "list_of_values"},
        execution={"batch": "whole_batch"},
    ),
    _toy("allow_above", {"number": None}, {"limit": _parameter("number", 0, **FLOATS), "next_steps": STEPS}, {}),
    _toy(
        "first",
        {"candidates": {"multiple": True, "kinds": ["*"]}},
        {"default": _parameter("number", 0)},
        {"value": "*"},
        execution={"accepts_missing": True},
    ),
    _toy("count", {"number": None}, {}, {"calls": "integer"}, function="Counter", execution={"stateful": True}),
    _toy(
        "fail",
        {"number": None},
        {"how": _parameter("string", enum=["blame", "crash", "fine", "shape"])},
        {"result": "float"},
    ),
    _toy(
        "named",
        {"number": None},
        {"names": _parameter("array", items={"type": "string"})},
        {},
        category="logic",
        outputs_from="tests.toys:named_outputs",
    ),
    _toy(
        "look",
        {"number": None},
        {"above": {**_parameter("number", 0, **FLOATS), "x-live": True}},
        {"found": "list_of_values"},
    ),
    _toy("nap", {"number": None}, {"seconds": _parameter("number", 0, **FLOATS)}, {"number": "float"}),
]

REFUSED = [
    {
        "reason": "It asks an oracle, and there is none here.",
        "alternative": "toy/add@v1 adds by itself.",
        "types": ["other/oracle@v1", "other/oracle@v2"],
        "aliases": ["Oracle"],
    },
    {"reason": "It sings.", "types": ["other/sing@v1"]},
]


def form_of(manifest: dict[str, Any]) -> dict[str, Any]:
    controls = [
        {"type": "Control", "scope": f"#/properties/{name}", "options": {"widget": "text"}}
        for name in manifest["parameters"]["properties"]
    ]
    form = {"type": "VerticalLayout", "elements": controls}
    return {"ui_schema_version": 1, "block": manifest["type"], "form": form}


def write(folder: Path, manifests: list[dict[str, Any]]) -> Source:
    """Write manifests and their forms as a third party would ship them."""
    for name in ("manifests", "ui_schema"):
        (folder / name).mkdir(parents=True)
    for manifest in manifests:
        file = manifest["type"].split("/")[1].replace("@", ".") + ".json"
        (folder / "manifests" / file).write_text(json.dumps(manifest))
        (folder / "ui_schema" / file).write_text(json.dumps(form_of(manifest)))
    (folder / "manifests" / "_meta").mkdir()
    (folder / "manifests" / "_meta" / "refused.json").write_text(json.dumps({"groups": REFUSED}))
    return Source("toys", folder / "manifests", folder / "ui_schema")


def toy_registry(folder: Path) -> Registry:
    return Registry([write(folder, TOYS)])
