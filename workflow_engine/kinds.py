"""Kinds, the types of values on the wires: their table, and the rule that says which may be plugged where."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

ANYTHING = "*"


@cache
def table() -> Mapping[str, Mapping[str, str]]:
    """Every kind by name, with its description and its types in memory and in JSON: ``manifests/_meta/kinds.json``."""
    kinds: Mapping[str, Mapping[str, str]] = json.loads(
        (files("manifests") / "_meta" / "kinds.json").read_text("utf-8")
    )
    return kinds


def compatible(produced: Iterable[str], accepted: Iterable[str]) -> bool:
    """Say whether an output of kinds ``produced`` may be plugged where ``accepted`` ones are wanted.

    Kinds are compared by name: one in common is enough, and ``*`` on either side fits everything.
    """
    left, right = set(produced), set(accepted)
    return ANYTHING in left or ANYTHING in right or not left.isdisjoint(right)


def spoken(kinds: Iterable[str]) -> str:
    """Return kinds as words for a message: ``image or string``."""
    return " or ".join("anything" if kind == ANYTHING else kind for kind in kinds)
