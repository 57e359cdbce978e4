"""From the values that a run leaves behind to what its caller gets: one object per element of the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_engine.batch import Batch, Extents, Index
from workflow_engine.errors import Problem
from workflow_engine.executor import Values
from workflow_engine.lineage import ROOT
from workflow_engine.plan import FromInput, Lineage, Plan, PlannedOutput, Reference
from workflow_engine.vision.values import in_own_containers, in_root_coordinates, serialise

RUN_LENGTHS = "rle_instance_segmentation_prediction"
"""The kind of tables whose masks are written as run lengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run gives back.

    Attributes:
        outputs: One object per element of the batch, by output name.
        seconds: Time of each step.
        elapsed: Time of the whole run, inputs and outputs included, in seconds.
        warnings: What is odd about the document, although it runs.
    """

    outputs: list[dict[str, Any]]
    seconds: Mapping[str, float]
    elapsed: float
    warnings: tuple[Problem, ...] = ()

    def __getitem__(self, name: str) -> Any:
        """Return the output ``name`` of the first element, the usual thing to want from a run on one picture."""
        return self.outputs[0][name]


def assemble(
    plan: Plan, values: Values, *, serialised: bool, apart: bool = False, without: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """Build the results of a run.

    Args:
        plan: What ran.
        values: What it left behind.
        serialised: Whether values are turned into JSON-ready ones; else they stay as blocks gave them.
        apart: Whether the caller gets tables, lists and dicts of its own, for what blocks gave is kept for later runs.
        without: Names of outputs to leave out.

    Returns:
        One dict per element of the batch; exactly one when no output depends on the batch.
    """
    shown = [output for output in plan.outputs if output.name not in without]
    per_element = any(_depends_on_batch(output) for output in plan.outputs)
    elements: list[Index] = values.extents.of((ROOT,)) if per_element else [()]
    shared = {o.name: _value(o, (), values, serialised) for o in shown if not _depends_on_batch(o)}
    outputs = [
        {o.name: shared[o.name] if o.name in shared else _value(o, element, values, serialised) for o in shown}
        for element in elements
    ]
    return [in_own_containers(one) for one in outputs] if apart and not serialised else outputs


def _depends_on_batch(output: PlannedOutput) -> bool:
    return output.lineage[:1] == (ROOT,)


def _value(output: PlannedOutput, element: Index, values: Values, serialised: bool) -> Any:
    def convert(value: Any, kinds: tuple[str, ...]) -> Any:
        if value is None:
            return None
        if serialised:
            kinds = (RUN_LENGTHS, *kinds) if output.run_lengths else kinds
            return serialise(value, kinds, coordinates="own" if output.own_coordinates else "parent")
        return value if output.own_coordinates else in_root_coordinates(value)

    def at(index: Index) -> Any:
        found = {name: convert(_batch(ref, values).at(index), kinds) for name, ref, kinds in output.origins}
        return found if output.every else next(iter(found.values()))

    return _nested(output.lineage, values.extents, element, at)


def _batch(reference: Reference, values: Values) -> Batch:
    if isinstance(reference, FromInput):
        return values.inputs[reference.name]
    return values.steps[reference.step][reference.output]


def _nested(lineage: Lineage, extents: Extents, index: Index, at: Callable[[Index], Any]) -> Any:
    """What is ``at`` the index, or the nested lists of what is below it."""
    if len(index) >= len(lineage):
        return at(index)
    return [_nested(lineage, extents, child, at) for child in extents.below(lineage[: len(index) + 1], index)]
