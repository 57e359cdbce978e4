"""Kinds as the ecosystem tells of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workflow_engine.kinds import table

_PLACE = {"type": ["number", "null"]}
_TABLE: dict[str, Any] = {
    "type": "object",
    "required": ["image", "predictions"],
    "properties": {
        "image": {
            "type": "object",
            "required": ["width", "height"],
            "properties": {"width": {"type": ["integer", "null"]}, "height": {"type": ["integer", "null"]}},
        },
        "predictions": {
            "type": "array",
            "items": {
                "type": "object",
                "description": "One object; x and y are the centre of its box, in pixels.",
                "required": ["x", "y", "width", "height", "confidence", "class_id", "class"],
                "properties": {
                    "x": {"type": "number"},
                    "y": {"type": "number"},
                    "width": {"type": "number"},
                    "height": {"type": "number"},
                    "confidence": _PLACE,
                    "class_id": {"type": ["integer", "null"]},
                    "class": {"type": "string"},
                    "detection_id": {"type": "string"},
                    "tracker_id": {"type": "integer"},
                    "points": {"type": "array", "items": {"type": "object", "required": ["x", "y"]}},
                    "rle_mask": {"type": "object", "required": ["size", "counts"]},
                },
            },
        },
    },
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "image": {
        "type": "object",
        "required": ["type", "value"],
        "properties": {
            "type": {"enum": ["base64", "url"]},
            "value": {"type": "string"},
            "video_metadata": {"type": "object"},
        },
    },
    "video_metadata": {
        "type": "object",
        "required": ["video_identifier", "frame_number", "frame_timestamp"],
        "properties": {
            "video_identifier": {"type": "string"},
            "frame_number": {"type": "integer"},
            "frame_timestamp": {"type": "string", "format": "date-time"},
            "fps": {"type": ["number", "null"]},
            "measured_fps": {"type": ["number", "null"]},
            "comes_from_video_file": {"type": ["boolean", "null"]},
        },
    },
    "object_detection_prediction": _TABLE,
    "instance_segmentation_prediction": _TABLE,
    "rle_instance_segmentation_prediction": _TABLE,
    "keypoint_detection_prediction": _TABLE,
}
"""JSON Schemas of the kinds whose values are objects of a fixed form."""


def described(kind: str) -> dict[str, Any]:
    """Return what there is to know about a kind, as an object."""
    known = table()[kind]
    return {
        "name": kind,
        "description": known["description"],
        "docs": known["description"],
        "serialised_data_type": known["json"],
        "internal_data_type": known["in_memory"],
    }


def all_described(kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Return what there is to know about ``kinds``, in their order."""
    return [described(kind) for kind in kinds]
