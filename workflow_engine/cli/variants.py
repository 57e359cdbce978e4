"""Variants of a workflow: with fields of its steps set to other values, or on an engine set otherwise."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from workflow_engine.errors import InputError, Problem, nearest
from workflow_engine.plan import FromInput, Literal, Origin, PlannedStep
from workflow_engine.workflow import Engine, Workflow

OF_THE_ENGINE = ("backend",)
"""What is set for the whole engine; every other name is a field of steps."""

NEGLIGIBLE = 0.05
"""A confidence that drops nothing that average precision would notice."""

_MARKS = re.compile(r'"(?:\\.|[^"\\])*"|[\[{]|[\]}]|,')
"""What tells the commas between pairs from those inside a value: quoted text, brackets that open or close, commas."""


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

    Each is called as it was given; the first only by its file's name, unless another is called so.

    Args:
        path: The workflow's file.
        compared: Another workflow's file, or ``NAME=VALUE[,NAME=VALUE…]``: a field for every step that has it, such as
            ``model_id``, ``precision`` or ``resolution``; or ``backend`` for the engine.

    Raises:
        InputError: If a change is neither a file nor such pairs, no step has the field, or a variant is given twice.
        WorkflowError: If a variant cannot be read or compiled.
    """
    base = Workflow.load(path)
    _refuse_twice([path, *compared])
    name = Path(path).name
    found = {path if name in compared else name: base}
    for text in compared:
        found[text] = Workflow.load(text, engine=base.engine) if Path(text).is_file() else _changed(base, text)
    return found


def _refuse_twice(given: Sequence[str]) -> None:
    seen: set[str | Path] = set()
    for text in given:
        variant = Path(text).resolve() if Path(text).is_file() else text
        if variant in seen:
            raise _refusal("variant_twice", f"--compare {text} is a variant that is there already.", "Give each once.")
        seen.add(variant)


def with_confidence(workflow: Workflow, confidence: float) -> Workflow:
    """Return the workflow with every model's objects kept above ``confidence``.

    Raises:
        InputError: If no step has a model with a confidence.
    """
    document = json.loads(workflow.to_json())
    settings = {step.name: _keeping_above(confidence, step) for step in workflow.plan.steps}
    if not any(settings.values()):
        message = "No step of the workflow runs a model whose confidence could be set."
        raise _refusal("no_confidence", message, "Leave --confidence out.")
    for step in document["steps"]:
        step.update(settings.get(step["name"], {}))
    return Workflow(document, engine=workflow.engine)


def _keeping_above(confidence: float, step: PlannedStep) -> dict[str, Any]:
    """Return what to set so that the step's model keeps objects above ``confidence``; nothing if it runs none."""
    if not _runs_model(step):
        return {}
    if "custom_confidence" in step.type.fields:
        return {"confidence_mode": "custom", "custom_confidence": confidence}
    return {"confidence": confidence} if "confidence" in step.type.fields else {}


def cuts(workflow: Workflow, parameters: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the steps with a model that drop objects by their confidence, and above which they keep them.

    ``None`` stands for the model's own confidence.

    Args:
        workflow: What is asked about.
        parameters: Values for its inputs; those left out have their defaults.
    """
    defaults = {declared.name: getattr(declared, "default_value", None) for declared in workflow.plan.inputs}
    given = {**defaults, **parameters}
    kept = {step.name: _kept_above(step, given) for step in workflow.plan.steps if _runs_model(step)}
    return {name: value for name, value in kept.items() if value is None or value > NEGLIGIBLE}


def _runs_model(step: PlannedStep) -> bool:
    return step.type.manifest.model_family is not None


def _kept_above(step: PlannedStep, given: Mapping[str, Any]) -> float | None:
    """Return above which confidence the step's model keeps objects: ``None`` for its own, 0 where only a run tells."""
    values = {binding.target: _known(binding.origin, given) for binding in step.bindings}
    if "custom_confidence" in values:
        confidence = values["custom_confidence"] if values["confidence_mode"] == "custom" else None
    else:
        confidence = values.get("confidence", 0)
    return confidence if confidence is None or isinstance(confidence, int | float) else 0


def _known(origin: Origin, given: Mapping[str, Any]) -> Any:
    match origin:
        case Literal(value):
            return value
        case FromInput(name):
            return given[name]
    return origin


def _changed(base: Workflow, text: str) -> Workflow:
    document = json.loads(base.to_json())
    settings: dict[str, Any] = {}
    for pair in _pairs(text):
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


def _pairs(text: str) -> Iterator[str]:
    """Yield what stands between the commas that are in no brackets and no quotes."""
    depth = start = 0
    for mark in _MARKS.finditer(text):
        depth = max(depth + (mark[0] in "[{") - (mark[0] in "]}"), 0)
        if mark[0] == "," and not depth:
            yield text[start : mark.start()]
            start = mark.end()
    yield text[start:]


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
