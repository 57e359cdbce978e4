"""Results: collected by the cases, written as JSON and as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.timing import Series, ratio


@dataclass(frozen=True, slots=True)
class Table:
    """One table of results.

    Attributes:
        title: What was measured.
        header: Names of the columns.
        rows: Cells as text.
        notes: What to know beside it, such as who could not be compared.
        raw: Every time that was taken, in seconds, by contestant.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    raw: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def markdown(self) -> str:
        """Return the table with its title and notes."""
        lines = [f"### {self.title}", "", _line(self.header), _line(["---"] * len(self.header))]
        lines += [_line(row) for row in self.rows]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)])


def compared(title: str, taken: Mapping[str, Series], *, to: str, notes: Sequence[str] = (), unit: str = "ms") -> Table:
    """Return a table of times, each with how many times ``to`` is as fast as it."""
    scale = {"s": 1, "ms": 1e3, "µs": 1e6}[unit]
    header = ("", f"median, {unit}", f"95 %, {unit}", f"times of {to}")
    rows = tuple(
        (name, _number(one.median * scale), _number(one.p95 * scale), f"{ratio(one, taken[to]):.2f}")
        for name, one in taken.items()
    )
    return Table(title, header, rows, tuple(notes), {name: one.seconds for name, one in taken.items()})


def write(folder: Path, machine: Mapping[str, str], tables: Mapping[str, Sequence[Table]]) -> None:
    """Write ``results.json`` and ``results.md`` into ``folder``; what was measured before and not now stays."""
    file = folder / "results.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    known |= {
        name: {"machine": machine, "tables": [asdict(table) for table in found]} for name, found in tables.items()
    }
    file.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    parts = []
    for name, content in known.items():
        parts.append(f"## {name}\n\n{_described(content['machine'])}")
        parts += [Table(**table).markdown() for table in content["tables"]]
    (folder / "results.md").write_text("\n\n".join(parts) + "\n")


def _described(machine: Mapping[str, str]) -> str:
    return "\n".join(f"- {what}: {value}" for what, value in machine.items())


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.3f}"
