"""Modes of confidence in the ecosystem's model blocks; loads nothing heavy, for checking a document loads this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NUMBER_WANTED = "confidence_mode is 'custom', but custom_confidence is null where a number from 0 to 1 is expected."


def check_confidence(fields: Mapping[str, Any]) -> None:
    """Check that a step whose mode is written as ``custom`` has a number, or leaves it to its default.

    Raises:
        ValueError: It is written as null.
    """
    if fields.get("confidence_mode") == "custom" and fields.get("custom_confidence", 0) is None:
        raise ValueError(NUMBER_WANTED)
