"""Variants of a workflow: with fields of its steps set to other values, or on an engine set otherwise."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workflow_engine.errors import InputError, Problem, nearest
from workflow_engine.plan import FromInput, Literal, PlannedStep
from workflow_engine.workflow import Engine, Workflow

OF_THE_ENGINE = ("backend",)
"""What is set for the whole engine; every other name is a field of steps."""

NEGLIGIBLE = 0.05
"""A confidence that drops nothing that average precision would notice."""


def add_comparison(parser: ArgumentParser) -> None:
    """Add ``--compare``, from whose values ``variants`` makes the others."""
    parser.add_argument(
        "--compare",
        nargs="+",
        action="extend",
        default=[],
        metavar="WORKFLOW|NAME=VALUE,…",
        help="these too, in turn: another workflow, or this one with a field of its steps set to another value "
        "(model_id=…, precision=…, resolution=…), or with backend=torch, openvino or onnx",
    )


def variants(path: str, compared: Sequence[str]) -> dict[str, Workflow]:
    """Return the workflow as it stands, and what it is compared with, by name.

    Args:
        path: The workflow's file.
        compared: Another workflow's file, or ``NAME=VALUE[,NAME=VALUE…]``: a field for every step that has it, such as
            ``model_id``, ``precision`` or ``resolution``; or ``backend`` for the engine.

    Raises:
        InputError: If a change is neither a file nor such pairs, or no step has the field.
        WorkflowError: If a variant cannot be read or compiled.
    """
    base = Workflow.load(path)
    found = {Path(path).name: base}
    for text in compared:
        found[text] = Workflow.load(text, engine=base.engine) if Path(text).is_file() else _changed(base, text)
    return found


def with_confidence(workflow: Workflow, confidence: float) -> Workflow:
    """Return the workflow with every model's objects kept above ``confidence``.

    Raises:
        InputError: If no step has such a field.
    """
    document = json.loads(workflow.to_json())
    _set(document, workflow, "confidence", confidence)
    return Workflow(document, engine=workflow.engine)


def cuts(workflow: Workflow, parameters: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the steps with a model that drop objects by their confidence, and above which they keep them.

    ``None`` stands for the model's own confidence.

    Args:
        workflow: What is asked about.
        parameters: Values for its inputs; those left out have their defaults.
    """
    defaults = {declared.name: getattr(declared, "default_value", None) for declared in workflow.plan.inputs}
    found: dict[str, float | None] = {}
    for step in workflow.plan.steps:
        match _confidence(step):
            case Literal(value):
                found[step.name] = value
            case FromInput(name):
                found[step.name] = parameters.get(name, defaults[name])
    return {name: value for name, value in found.items() if value is None or value > NEGLIGIBLE}


def _confidence(step: PlannedStep) -> object:
    origins = {binding.target: binding.origin for binding in step.bindings}
    return origins.get("confidence") if "model_id" in origins else None


def _changed(base: Workflow, text: str) -> Workflow:
    document = json.loads(base.to_json())
    settings: dict[str, Any] = {}
    for pair in text.split(","):
        name, equals, written = pair.partition("=")
        if not equals:
            message = f"--compare {text} is no file and no NAME=VALUE."
            raise _refusal("bad_variant", message, "Such as resolution=312, model_id=… or other.json.")
        if name in OF_THE_ENGINE:
            settings[name] = written
        else:
            _set(document, base, name, _value(written))
    engine = Engine(replace(base.engine.settings, **settings)) if settings else base.engine
    return Workflow(document, engine=engine)


def _set(document: dict[str, Any], base: Workflow, name: str, value: Any) -> None:
    fields = {step.name: step.type.fields for step in base.plan.steps}
    taking = [step for step in document["steps"] if name in fields.get(step["name"], ())]
    if not taking:
        known = {field for named in fields.values() for field in named}
        hint = nearest(name, [*known, *OF_THE_ENGINE])
        raise _refusal("unknown_field", f"No step of the workflow has a field {name!r}.", hint)
    for step in taking:
        step[name] = value


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _refusal(code: str, message: str, hint: str) -> InputError:
    return InputError(Problem(code=code, message=message, hint=hint, whose="caller"))
