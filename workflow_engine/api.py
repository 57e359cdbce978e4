"""All that a block's author imports.

A block is one manifest and one function. The function gets an element's inputs and parameters by name and returns a dict
of its outputs; this module has the types it meets and the tools to read and build them.
"""

from __future__ import annotations

from workflow_engine.context import RunContext
from workflow_engine.errors import BlockError
from workflow_engine.query import QueryError, apply, choose, holds
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Ancestry, Image, VideoMetadata

__all__ = [
    "Ancestry",
    "BlockError",
    "Detections",
    "Image",
    "QueryError",
    "RunContext",
    "VideoMetadata",
    "apply",
    "choose",
    "detections",
    "holds",
    "masks",
]
