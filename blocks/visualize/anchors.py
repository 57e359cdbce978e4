"""Where on an object something is put."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from supervision import Position

from workflow_engine.api import Detections


def position(name: str, predictions: Detections) -> Position:
    """Return the position called ``name``; the centre of the box where objects without masks have no centre of mass."""
    wanted = Position[name]
    return Position.CENTER if wanted is Position.CENTER_OF_MASS and predictions.mask is None else wanted


def anchors(name: str, predictions: Detections) -> NDArray[Any]:
    """Return the point (x, y) of every object at the position called ``name``, shape (N, 2)."""
    return predictions.get_anchors_coordinates(position(name, predictions))
