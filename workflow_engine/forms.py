"""A block's form: how its parameters look in an editor, checked against its manifest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from workflow_engine.errors import ManifestError, Problem
from workflow_engine.manifest import KINDS, BlockManifest
from workflow_engine.schemas import Validator

FORM_ID = "urn:segflow:ui-schema:1"


def check_form(form: Mapping[str, Any], manifest: BlockManifest) -> None:
    """Check a form: its shape, one control for each parameter, names that exist.

    Raises:
        ManifestError: With every problem found.
    """
    problems = [f"{at or 'the form'} {text}" for at, text, _ in _shape().faults(form)] or [
        *_disagreements(form, manifest)
    ]
    if problems:
        raise ManifestError([Problem(code="bad_form", message=f"{text}.", whose="block") for text in problems])


@cache
def _shape() -> Validator:
    return Validator({"$ref": FORM_ID})


def _disagreements(form: Mapping[str, Any], manifest: BlockManifest) -> Iterator[str]:
    parameters = manifest.parameters.properties
    if form["block"] != manifest.type:
        yield f"the form is of {form['block']}, not of {manifest.type}"
    controls = Counter[str]()
    for element in _walk(form["form"]):
        for scope in (element.get("scope"), element.get("rule", {}).get("condition", {}).get("scope")):
            if scope and _name(scope) not in parameters:
                yield f"{scope} is no parameter of the block"
        if element["type"] == "Control":
            name = _name(element["scope"])
            controls[name] += 1
            if element.get("options", {}).get("bind") == "only" and KINDS not in parameters.get(name, {}):
                yield f"{name} is bound only, but takes no reference"
    yield from (f"the parameter {name} has no control" for name in parameters if not controls[name])
    yield from (f"the parameter {name} has {count} controls" for name, count in controls.items() if count > 1)
    yield from _node_faults(form.get("node", {}), manifest)


def _node_faults(node: Mapping[str, Any], manifest: BlockManifest) -> Iterator[str]:
    inputs = {port.name for port in manifest.inputs}
    fields = inputs | set(manifest.parameters.properties)
    for name in re.findall(r"\{(\w+)\}", node.get("summary", "")):
        if name not in fields:
            yield f"the node's summary names {name}, which the block lacks"
    for scope in node.get("inline", ()):
        if _name(scope) not in manifest.parameters.properties:
            yield f"{scope} is no parameter of the block"
    preview = node.get("preview")
    if preview and preview["output"] not in {port.name for port in manifest.outputs}:
        yield f"the preview shows {preview['output']}, which is no output"
    if preview and preview.get("over", preview["output"]) not in inputs | {preview["output"]}:
        yield f"the preview lies over {preview['over']}, which is no input"


def _walk(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield element
    for child in element.get("elements", ()):
        yield from _walk(child)


def _name(scope: str) -> str:
    return scope.rsplit("/", 1)[1]
