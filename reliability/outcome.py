"""What a check is given, and what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a check works with.

    Attributes:
        count: How many cases to try, or seconds to last.
        seed: Where chance begins; the same seed tries the same cases.
        folder: An empty folder to work in.
    """

    count: int
    seed: int
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number that was measured, and the bound that was promised for it, if any."""

    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether it is within its bound."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        bound = f" (at most {_number(self.most)})" if self.most is not None else ""
        bound = f" (at least {_number(self.least)})" if self.least is not None else bound
        return f"{_number(self.value)} {self.unit}{bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check found.

    Attributes:
        tried: How many cases there were.
        broken: Every case that broke the promise, in words; empty when it was kept.
        figures: What was measured. They depend on the machine and what else it does, so the tests leave them alone.
        notes: What to know beside the figures.
    """

    tried: int
    broken: Sequence[str] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def kept(self) -> bool:
        """Whether the promise was kept, its figures included."""
        return not self.broken and all(figure.kept for figure in self.figures.values())

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**asdict(self), "broken": list(self.broken), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Outcome:
        """Return what ``to_json`` wrote."""
        figures = {name: Figure(**figure) for name, figure in told["figures"].items()}
        return cls(tried=told["tried"], broken=tuple(told["broken"]), figures=figures, notes=tuple(told["notes"]))


def share(values: Sequence[float], part: float) -> float:
    """Return the value that ``part`` of the values do not exceed, such as 0.99 for the 99th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
