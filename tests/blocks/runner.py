"""Runs one block the way the engine does: fields checked, defaults filled in, outputs held against their kinds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workflow_engine.manifest import BlockManifest
from workflow_engine.registry import Registry
from workflow_engine.step_type import StepType
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
    "boolean": bool,
    "contours": list,
    "numpy_array": object,
}


class BlockRunner:
    """Calls blocks by type name with the fields of a step."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def __call__(self, block: str, /, **fields: Any) -> Any:
        """Run the block once on values in memory; a stateful one forgets afterwards."""
        return self.start(block)(**fields)

    def start(self, block: str) -> Any:
        """Return a callable that keeps the block's state between calls."""
        kind = self.registry.step_type(block)
        function = self.registry.function(block)
        call = function() if kind.manifest.execution.stateful else function

        def run(**fields: Any) -> Any:
            given = dict(_checked(kind, name, value) for name, value in fields.items())
            result = call(**{**kind.defaults, **kind.fixed, **given})
            check_outputs(kind.manifest, result)
            return result

        return run


def _checked(kind: StepType, name: str, value: Any) -> tuple[str, Any]:
    field = kind.fields[name]
    if field.schema is not None and field.role == "parameter":
        faults = list(field.checker.iter_errors(value))
        assert not faults, f"{name}: {faults[0].message}"
    return field.target, value


def check_outputs(manifest: BlockManifest, result: Any) -> None:
    """Check that the block gave exactly its outputs, each of one of its kinds, and that they can be written as JSON."""
    if not manifest.outputs:
        assert all(selector.startswith("$steps.") for selector in result)
        return
    for one in result if manifest.execution.output_dimensionality == 1 else [result]:
        assert one.keys() == {port.name for port in manifest.outputs}
        for port in manifest.outputs:
            value = one[port.name]
            types = [IN_MEMORY[kind] for kind in port.kinds]
            assert value is None or any(isinstance(value, kind) for kind in types), (port.name, type(value))
            json.dumps(serialise(value, port.kinds, coordinates="parent"))
