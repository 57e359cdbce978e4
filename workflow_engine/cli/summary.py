"""A value of a run's outputs in a few words, for a table."""

from __future__ import annotations

from collections import Counter
from typing import Any

from workflow_engine.cli import terminal
from workflow_engine.cli.outputs import PictureFile


def in_words(value: Any) -> str:
    """Return what ``value``, JSON-ready, comes to: ``7 objects: 3 bolt, 4 nut``, ``crops/0.jpg and 6 more``."""
    match value:
        case None:
            return "none"
        case PictureFile():
            return value
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case {"type": "base64"}:
            return "a picture (--out DIR keeps it)"
        case {"predictions": list(rows), "image": _}:
            return _objects(rows)
        case dict() if value and not any(isinstance(member, dict | list) for member in value.values()):
            return ", ".join(f"{key} {in_words(member)}" for key, member in value.items())
        case [PictureFile(), *_]:
            return _first_of(value)
        case [{"type": "base64"}, *_]:
            return f"{_counted(len(value), 'picture')} (--out DIR keeps them)"
    return value if isinstance(value, str) else terminal.compact(value)


def _objects(rows: list[Any]) -> str:
    counts = Counter(row.get("class", "?") for row in rows)
    classes = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    return f"{_counted(len(rows), 'object')}: {classes}" if rows else "no objects"


def _first_of(files: list[Any]) -> str:
    more = len(files) - 1
    return f"{files[0]} and {more} more" if more else str(files[0])


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
