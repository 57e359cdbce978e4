"""All that a block's author imports.

A block is one manifest and one function. The function gets an element's inputs and parameters by name and returns a
dict of its outputs; this module has the types it meets and the tools to read and build them.
"""

from __future__ import annotations

from workflow_engine.context import RunContext
from workflow_engine.errors import BlockError, WorkflowError, nearest
from workflow_engine.models.family import Contract, IdSpace, Labels, ModelError, Published
from workflow_engine.query import QueryError, apply, apply_each, choose, holds
from workflow_engine.recent import Recent
from workflow_engine.settings import Limits, forbid_reports
from workflow_engine.stages import stage
from workflow_engine.vision import colors, decode, detections, masks, paths
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.fetch import request
from workflow_engine.vision.image import Ancestry, Image, VideoMetadata
from workflow_engine.vision.values import serialise

__all__ = [
    "Ancestry",
    "BlockError",
    "Contract",
    "Detections",
    "IdSpace",
    "Image",
    "Labels",
    "Limits",
    "ModelError",
    "Published",
    "QueryError",
    "Recent",
    "RunContext",
    "VideoMetadata",
    "WorkflowError",
    "apply",
    "apply_each",
    "choose",
    "colors",
    "decode",
    "detections",
    "forbid_reports",
    "holds",
    "masks",
    "nearest",
    "paths",
    "request",
    "serialise",
    "stage",
]
