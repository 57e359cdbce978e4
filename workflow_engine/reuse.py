"""Which steps of a run need not run: those of which all that they depend on is as it was when they last did.

A value of the run's inputs is known by its digest, a step by the digest of its block, its parameters, and the keys of
its sources; so nothing that blocks give has to be looked at. A block that never is cached runs every time, but when it
gives what it gave before, and that is small, the steps after it need not run.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from workflow_engine.batch import Batch, Extents, Index
from workflow_engine.cache import ResultCache, Shelf
from workflow_engine.context import ModelSource
from workflow_engine.digest import Opaque, digest
from workflow_engine.plan import DictOf, FromInput, FromStep, ListOf, Literal, Origin, PlannedStep
from workflow_engine.schemas import vocabulary

Calls: TypeAlias = Sequence[tuple[Index, Mapping[str, Any]]]
"""Index and arguments of every element that a step runs on."""

SMALL = 1 << 20
"""Bytes of what a block gives up to which it is worth looking whether that is new."""

MODEL = "model_id"
"""The parameter that names a model, in every block that has one."""


@dataclass(slots=True)
class Gave:
    """What a step gave: its values by output and index, how many children each element has, or what it decided."""

    outputs: dict[str, dict[Index, Any]] = field(default_factory=dict)
    children: dict[Index, int] = field(default_factory=dict)
    decisions: dict[Index, frozenset[str]] = field(default_factory=dict)


class Reuse:
    """What one run takes from a cache, and leaves there."""

    def __init__(
        self, kept: ResultCache, inputs: Mapping[str, Batch], extents: Extents, *, models: ModelSource
    ) -> None:
        """Look at the run's inputs, and copy them.

        Args:
            kept: What earlier runs gave.
            inputs: A batch for each input.
            extents: The elements of the inputs' batch.
            models: Tells which weights a name stands for.
        """
        self._cache, self._models = kept, models
        # What is kept may be parts of these, and must not change with the caller's arrays.
        self.inputs = {name: _copied(batch) for name, batch in inputs.items()}
        """The copies, which the run is to use."""
        self._inputs = {n: _key([extents.of(b.lineage), list(b.values.items())]) for n, b in self.inputs.items()}
        self._steps: dict[str, bytes] = {}

    def recall(self, step: PlannedStep, calls: Calls) -> Gave | None:
        """Return what the step gave in the same circumstances, if that is kept."""
        if _always_runs(step):
            return None
        parameters = [(b.target, b.foreign, b.children, self._source(b.origin)) for b in step.bindings]
        # A gate lets steps pass by their names.
        gates = [step.name, *(self._steps[gate.step] for gate in step.gates)] if step.gates else []
        kind = [step.type.name, step.type.adapter, list(step.type.outputs)]
        depths = [len(step.lineage), [index for index, _ in calls]]
        self._steps[step.name] = _key([self._block(step, calls), kind, parameters, gates, depths])
        found: Gave | None = self._cache.get(self._steps[step.name])
        return found

    def keep(self, step: PlannedStep, gave: Gave) -> None:
        """Keep what the step gave, or know it by what it is."""
        if _always_runs(step):
            self._steps[step.name] = _key([gave.outputs, gave.children, gave.decisions], most=SMALL)
        else:
            self._cache.put(self._steps[step.name], gave)

    def shelf(self, step: PlannedStep, calls: Calls) -> Shelf:
        """Return what the block keeps of runs in which all but its live parameters was as for ``calls``."""
        manifest = step.type.manifest
        live = {name for name, schema in manifest.parameters.properties.items() if schema.get("x-live")}
        if not live or not calls:
            return Shelf()
        inputs = {port.name for port in manifest.inputs}
        sources = [(b.target, b.children, self._source(b.origin)) for b in step.bindings if b.target in inputs]
        fixed = [
            (index, {name: value for name, value in arguments.items() if name not in live | inputs})
            for index, arguments in calls
        ]
        return Shelf(self._cache, _key([self._block(step, calls), sources, fixed]))

    def _block(self, step: PlannedStep, calls: Calls) -> list[Any]:
        manifest = step.type.manifest
        models = {arguments[MODEL] for _, arguments in calls} if manifest.model_family else ()
        return [manifest.type, manifest.version, sorted((name, self._models.version(name)) for name in models)]

    def _source(self, origin: Origin) -> list[Any]:
        match origin:
            case Literal(value):
                return ["literal", value]
            case FromInput(name):
                return ["input", self._inputs[name]]
            case FromStep(step, output):
                return ["step", self._steps[step], output]
            case ListOf(items):
                return ["list", *(self._source(item) for item in items)]
            case DictOf(pairs):
                return ["dict", *((key, self._source(item)) for key, item in pairs)]


def _copied(batch: Batch) -> Batch:
    try:
        return Batch(batch.lineage, deepcopy(batch.values))
    except TypeError:  # such a thing does not show what it holds either, so nothing made of it is found again
        return batch


def _always_runs(step: PlannedStep) -> bool:
    never = step.type.manifest.execution.cache == "never"
    return never or any(_holds(b.origin.value, _fickle()) for b in step.bindings if isinstance(b.origin, Literal))


@cache
def _fickle() -> frozenset[str]:
    """The operations that give something else each time."""
    language = vocabulary()["urn:segflow:query:1"]["$defs"]
    return frozenset(name for name, schema in language.items() if schema.get("x-deterministic") is False)


def _holds(value: Any, types: frozenset[str]) -> bool:
    """Whether an operation of one of these types is in a parameter."""
    if isinstance(value, Mapping):
        return str(value.get("type")) in types or any(_holds(member, types) for member in value.values())
    return isinstance(value, list) and any(_holds(member, types) for member in value)


def _key(content: Any, *, most: float = float("inf")) -> bytes:
    """The digest of ``content``; one of its own for what cannot be told, which so is found never again."""
    try:
        return digest(content, most=most)
    except Opaque:
        return os.urandom(32)
