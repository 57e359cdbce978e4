"""How deep values live, worked out before anything runs.

A value's lineage names one origin per dimension: ``()`` is one value for the whole run, ``(inputs,)`` one per image,
``(inputs, "crop")`` one per crop of each image. These functions give the lineage that a step runs at and the one its
outputs live at, or say why its inputs cannot be aligned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workflow_engine.definition import WorkflowInput
from workflow_engine.manifest import Execution
from workflow_engine.plan import Gate, Lineage

ROOT = "$inputs"
"""The first dimension of every batch: the run's inputs."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A reference plugged into a step.

    Attributes:
        field: The field it is plugged into, or ``None`` for a flow-control gate.
        source: The reference as written.
        lineage: Where the value lives.
        offset: 1 when the field takes the children of each element.
        batchable: Whether the block can take a value that differs between elements there.
    """

    field: str
    source: str
    lineage: Lineage
    offset: int
    batchable: bool


class Misaligned(Exception):
    """The inputs of a step cannot be aligned; ``code`` says in which way, the text names both sides."""

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.field = code, field


def input_lineage(declared: WorkflowInput) -> Lineage:
    """Return where the values of an input live; inputs align in their first dimension only."""
    if declared.dimensionality == 0:
        return ()
    return (ROOT, *(f"$inputs.{declared.name}.{level}" for level in range(2, declared.dimensionality + 1)))


def place(name: str, execution: Execution, wires: Sequence[Wire], gates: Sequence[Gate]) -> tuple[Lineage, Lineage]:
    """Return the lineage at which the step ``name`` runs and the one of its outputs.

    Raises:
        Misaligned: If the wires live at different depths or come from different branches, if a gate decides at another
            place than the step runs, or if one value is wanted where a batch is plugged in.
    """
    batches = [wire for wire in wires if wire.lineage]
    for wire in batches:
        if not wire.batchable:
            message = (
                f"{wire.field} takes one value for the whole run, but {wire.source} has one {_spoken(wire.lineage)}."
            )
            raise Misaligned("batch_in_scalar", message, field=wire.field)
    data = _common(batches)
    data = _gated(name, data, gates)
    if execution.output_dimensionality == -1:
        return data[:-1], data[:-1]
    if execution.output_dimensionality == 1:
        return data, (*data, name)
    return data, data


def _common(batches: Sequence[Wire]) -> Lineage:
    """The one lineage that all wires share, those with an offset read one level up."""
    if not batches:
        return ()
    first, first_lineage = batches[0], _level(batches[0])
    for wire in batches[1:]:
        lineage = _level(wire)
        if len(lineage) != len(first_lineage):
            message = (
                f"{first.source} (in {first.field}) has one value {_spoken(first.lineage)}, "
                f"but {wire.source} (in {wire.field}) has one {_spoken(wire.lineage)}."
            )
            raise Misaligned("depth_mismatch", message, field=wire.field)
        if lineage != first_lineage:
            message = (
                f"{first.source} (in {first.field}) has one value {_spoken(first.lineage)}, and {wire.source} "
                f"(in {wire.field}) one {_spoken(wire.lineage)}: they are not the same elements."
            )
            raise Misaligned("lineage_mismatch", message, field=wire.field)
    return first_lineage


def _level(wire: Wire) -> Lineage:
    if wire.offset and len(wire.lineage) < 2:
        found = _spoken(wire.lineage)
        message = f"{wire.field} takes a list of children per element, but {wire.source} has one value {found}."
        raise Misaligned("depth_mismatch", message, field=wire.field)
    return wire.lineage[: len(wire.lineage) - wire.offset]


def _gated(name: str, data: Lineage, gates: Sequence[Gate]) -> Lineage:
    for gate in sorted(gates, key=lambda gate: len(gate.lineage)):
        if not data:
            data = gate.lineage  # a step fed with single values runs once per element that the gate decides about
        elif data[: len(gate.lineage)] != gate.lineage:
            message = (
                f"{gate.step} decides once {_spoken(gate.lineage)}, but {name} runs once {_spoken(data)}: "
                f"the decision cannot be told for each run of {name}."
            )
            raise Misaligned("gate_mismatch", message)
    return data


def _spoken(lineage: Lineage) -> str:
    words = ["image" if part == ROOT else f"element of {part}" for part in lineage]
    return "per " + " per ".join(reversed(words)) if words else "per run"
