from __future__ import annotations

import pytest
from supervision import Detections

from workflow_engine.vision import detections
from workflow_engine.vision.image import Ancestry


@pytest.fixture
def parts() -> Detections:
    """Four objects on a photo of 200 x 100 pixels: a nut, a bolt, a nut and a tray that covers the right half."""
    return detections.build(
        [(10, 20, 30, 41), (40.4, 10.6, 51, 30), (120, 50, 140, 70), (100, 0, 200, 100)],
        ancestry=Ancestry.root("photo", (100, 200)),
        class_id=[1, 0, 1, 5],
        class_names=["nut", "bolt", "nut", "tray"],
        confidence=[0.7, 0.9, 0.4, 0.9],
        detection_ids=["a", "b", "c", "d"],
        tracker_id=[11, 12, 13, 14],
    )


@pytest.fixture
def nothing(parts: Detections) -> Detections:
    """The same table without its rows."""
    return parts.select([])
