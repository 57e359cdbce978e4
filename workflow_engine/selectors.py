"""The selector grammar: how a document refers to an input, a step, or a step's output."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias, TypeGuard

_NAME = r"[A-Za-z0-9_\-]+"
_GRAMMAR = re.compile(rf"\$(?:inputs\.(?P<input>{_NAME})|steps\.(?P<step>{_NAME})(?:\.(?P<output>{_NAME}|\*))?)")

EVERY_OUTPUT = "*"


@dataclass(frozen=True, slots=True)
class InputRef:
    """``$inputs.NAME``."""

    name: str

    def __str__(self) -> str:
        return f"$inputs.{self.name}"


@dataclass(frozen=True, slots=True)
class OutputRef:
    """``$steps.STEP.OUTPUT``; the output is ``*`` for all of them."""

    step: str
    output: str

    def __str__(self) -> str:
        return f"$steps.{self.step}.{self.output}"


@dataclass(frozen=True, slots=True)
class StepRef:
    """``$steps.STEP``: the target of a flow-control block."""

    step: str

    def __str__(self) -> str:
        return f"$steps.{self.step}"


Reference: TypeAlias = InputRef | OutputRef | StepRef


def is_reference(value: object) -> TypeGuard[str]:
    """Say whether a field's value is meant as a reference: a text that begins with ``$``."""
    return isinstance(value, str) and value.startswith("$")


def parse(text: str) -> Reference | None:
    """Return what ``text`` refers to, or ``None`` when it does not follow the grammar."""
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        return None
    if match["input"] is not None:
        return InputRef(match["input"])
    return StepRef(match["step"]) if match["output"] is None else OutputRef(match["step"], match["output"])
