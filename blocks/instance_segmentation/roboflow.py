"""Parameters of the ecosystem's model blocks that need more than another name."""

from __future__ import annotations

from typing import Any

from blocks.instance_segmentation.modes import NUMBER_WANTED
from workflow_engine.api import BlockError


def confidence(*, confidence_mode: str, custom_confidence: float | None) -> dict[str, Any]:
    """Return our ``confidence`` for the three modes of versions 3 and 4.

    ``best`` and ``default`` both mean what the weights' contract recommends, and 0.4 when it recommends nothing.

    Raises:
        BlockError: The mode is ``custom`` and no number is given.
    """
    if confidence_mode != "custom":
        return {"confidence": None}
    if custom_confidence is None:
        raise BlockError(NUMBER_WANTED, hint="Set custom_confidence, or use the mode default.", whose="author")
    return {"confidence": custom_confidence}
