"""Runs one block the way the engine does: fields checked, defaults filled in, outputs held against their kinds."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from workflow_engine.cache import sealed
from workflow_engine.context import RunContext
from workflow_engine.registry import Registry
from workflow_engine.settings import load
from workflow_engine.step_type import StepType, with_further_outputs
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image
from workflow_engine.vision.values import TABLES, TEXTS, serialise

IN_MEMORY: Mapping[str, type | tuple[type, ...]] = {
    "*": object,
    "image": Image,
    **dict.fromkeys(TABLES, Detections),
    **dict.fromkeys(TEXTS, str),
    "dictionary": dict,
    "list_of_values": list,
    "integer": int,
    "float": float,
    "float_zero_to_one": float,
    "boolean": bool,
    "contours": list,
    "detections_overlaps": list,
    "timestamp": datetime,
    "secret": str,
    "numpy_array": object,
    "image_keypoints": list,
    "rgb_color": tuple,
    "embedding": list,
}


class BlockRunner:
    """Calls blocks by type name with the fields of a step, on one element."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        """Blocks may write below ``folder``."""
        self.registry = registry
        settings = load({"SEGFLOW_SECRETS": "MY_TOKEN", "MY_TOKEN": "t0ken-0f-tests"})
        self.context = RunContext(settings=settings, models=_NoModels(), folder=folder)

    def __call__(self, block: str, /, **fields: Any) -> Any:
        """Run the block once on values in memory; a stateful one forgets afterwards."""
        return self.start(block)(**fields)

    def start(self, block: str, /, **context: Any) -> Any:
        """Return a callable that keeps the block's state between calls; ``context`` changes what its run allows."""
        kind = self.registry.step_type(block)
        function = self.registry.function(block)
        call = function() if kind.manifest.execution.stateful else function
        wants_context = "context" in inspect.signature(call).parameters
        unset = {port.name: None for port in kind.manifest.inputs if not port.required}
        extra = {"context": replace(self.context, **context)} if wants_context else {}

        def run(**fields: Any) -> Any:
            sealed(fields)  # arrays that are kept for a later run cannot be written to
            given = dict(_checked(kind, name, value) for name, value in fields.items())
            arguments = {**unset, **kind.defaults, **kind.fixed, **given}
            if kind.manifest.execution.batch == "whole_batch":
                listed = {name: [arguments[name]] for name in kind.manifest.listed}
                (result,) = call(**{**arguments, **listed}, **extra)
            else:
                result = call(**arguments, **extra)
            check_outputs(with_further_outputs(kind, fields), result)
            return result

        return run


def _checked(kind: StepType, name: str, value: Any) -> tuple[str, Any]:
    field = kind.fields[name]
    is_json = not isinstance(value, Detections | Image) and field.element_kinds is None
    if field.schema is not None and field.role == "parameter" and is_json:
        assert [text for _, text, _ in field.checker.faults(value)] == [], name
    return field.target, value


def check_outputs(kind: StepType, result: Any) -> None:
    """Check that the block gave exactly its outputs, each of one of its kinds, and that they can be written as JSON."""
    if not kind.outputs:
        assert all(selector.startswith("$steps.") for selector in result)
        return
    for one in result if kind.manifest.execution.output_dimensionality == 1 else [result]:
        assert one.keys() == kind.outputs.keys()
        for name, kinds in kind.outputs.items():
            value = one[name]
            assert value is None or any(isinstance(value, IN_MEMORY[kind]) for kind in kinds), (name, type(value))
            json.dumps(serialise(value, kinds, coordinates="parent"))


class _NoModels:
    """For blocks that ask for no model."""

    def get(self, model_id: str, *, device: str, precision: str, resolution: int | None) -> Any:
        raise AssertionError(f"{model_id} was asked for")
