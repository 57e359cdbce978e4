"""What the cases of a switch must be; loads nothing heavy, for checking a document loads this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any


def check_cases(fields: Mapping[str, Any]) -> None:
    """Check that no two cases of a switch are the same, and that no two lead to the same step.

    Raises:
        ValueError: Two cases differ in capitals only, and these are to be ignored; or a step is named twice.
    """
    cases: Mapping[str, str] = fields.get("cases", {})
    if fields.get("case_insensitive") and len({name.lower() for name in cases}) < len(cases):
        names = ", ".join(map(repr, cases))
        raise ValueError(f"some of the cases {names} differ in capitals only, which are to be ignored.")
    targets = Counter([*cases.values(), *fields.get("default_next_steps", [])])
    twice = [target for target, times in targets.items() if times > 1]
    if twice:
        names = ", ".join(twice)
        raise ValueError(f"{names} is named more than once; every case leads to a step of its own.")
