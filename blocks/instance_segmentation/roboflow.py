"""Parameters of the ecosystem's model blocks that need more than another name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_engine.api import BlockError


def confidence(*, confidence_mode: str, custom_confidence: float | None) -> dict[str, Any]:
    """Return our ``confidence`` for the three modes of versions 3 and 4.

    ``best`` and ``default`` both mean what the weights' contract recommends, and 0.4 when it recommends nothing.

    Raises:
        BlockError: The mode is ``custom`` and no number is given.
    """
    if confidence_mode != "custom":
        return {"confidence": None}
    _require_number(custom_confidence)
    return {"confidence": custom_confidence}


def check_confidence(fields: Mapping[str, Any]) -> None:
    """Check that a step whose mode is written as ``custom`` has a number, or leaves it to its default.

    Raises:
        BlockError: It is written as null.
    """
    if fields.get("confidence_mode") == "custom" and "custom_confidence" in fields:
        _require_number(fields["custom_confidence"])


def _require_number(custom_confidence: Any) -> None:
    if custom_confidence is None:
        message = "confidence_mode is 'custom', but custom_confidence is null where a number from 0 to 1 is expected."
        raise BlockError(message, hint="Set custom_confidence, or use the mode default.", whose="author")
