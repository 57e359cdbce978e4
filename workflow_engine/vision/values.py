"""Values of every kind as JSON, and from JSON."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import datetime
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from workflow_engine.errors import InputError, pointer
from workflow_engine.vision import detections, detections_json
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image, VideoMetadata
from workflow_engine.vision.image_json import ImageAccess, default_id, image_to_json, load_image
from workflow_engine.vision.plain import key_text, plain
from workflow_engine.vision.refusals import described, refusal

__all__ = [
    "ImageAccess",
    "deserialise",
    "in_own_containers",
    "in_root_coordinates",
    "is_encoded",
    "load_image",
    "serialise",
]

WITH_RUN_LENGTHS = ("rle_instance_segmentation_prediction", "semantic_segmentation_prediction")
TABLES = (
    "object_detection_prediction",
    "instance_segmentation_prediction",
    "keypoint_detection_prediction",
    "qr_code_detection",
    "bar_code_detection",
    *WITH_RUN_LENGTHS,
)
TEXTS = (
    "string",
    "top_class",
    "prediction_type",
    "parent_id",
    "inference_id",
    "roboflow_model_id",
    "roboflow_project",
    "roboflow_solution",
    "language_model_output",
)


def serialise(value: Any, kinds: Sequence[str], *, coordinates: Literal["parent", "own"]) -> Any:
    """Return a value as plain JSON.

    Args:
        value: What a block gave, lists and dicts of images and tables included.
        kinds: Declared kinds, in order. The first kind of tables decides how masks are written; a ``secret`` is masked.
        coordinates: Whether tables are written in the coordinates of the workflow's input (``parent``) or in those of
            the image they were found on (``own``).
    """
    if "secret" in kinds and isinstance(value, str):
        return f"{value[:2]}{'*' * 8}{value[-2:]}" if len(value) >= 8 else "*" * 8
    tables = [kind for kind in kinds if kind in TABLES]
    placed = in_root_coordinates(value) if coordinates == "parent" else value
    return _written(placed, rle=bool(tables) and tables[0] in WITH_RUN_LENGTHS)


def _written(value: Any, *, rle: bool) -> Any:
    if isinstance(value, Image):
        return image_to_json(value)
    if isinstance(value, Detections):
        return detections_json.to_json(value, rle=rle)
    if isinstance(value, VideoMetadata):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key_text(key): _written(member, rle=rle) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(member, rle=rle) for member in value]
    return plain(value)


def in_own_containers(value: Any) -> Any:
    """Return the value in tables, lists and dicts that nobody else holds; arrays and pictures stay as they are."""
    if isinstance(value, Detections):
        table = copy(value)
        table.data, table.metadata = dict(value.data), in_own_containers(value.metadata)
        return table
    if isinstance(value, dict):
        return {key: in_own_containers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [in_own_containers(member) for member in value]
    return value


def in_root_coordinates(value: Any) -> Any:
    """Return the value with every table in it, also in lists and dicts, in the coordinates of the workflow's input."""
    if isinstance(value, Detections):
        return detections.to_root(value)
    if isinstance(value, dict):
        return {key: in_root_coordinates(member) for key, member in value.items()}
    if type(value) in (list, tuple):
        return type(value)(in_root_coordinates(member) for member in value)
    return value


def is_encoded(value: Any, kinds: Sequence[str]) -> bool:
    """Whether an input's value is a picture that must be decoded, and maybe fetched, to be read."""
    return "image" in kinds and isinstance(value, str | Path | Mapping)


def deserialise(value: Any, kinds: Sequence[str], *, name: str, index: tuple[int, ...], access: ImageAccess) -> Any:
    """Return an input's value as what its kind is in memory.

    The first kind that can read the value wins; a kind without a converter takes it as it is.

    Args:
        value: What the caller gave.
        kinds: Declared kinds, in order.
        name: Name of the input.
        index: Place of the element in the input's batch; empty for a single value.
        access: Where images may be taken from.

    Raises:
        InputError: None of the kinds can read it.
    """
    refused: list[InputError] = []
    for kind in kinds:
        try:
            return _read(value, kind, name=name, index=index, access=access)
        except InputError as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    reasons = " ".join(f"As {kind}: {error.problem.message}" for kind, error in zip(kinds, refused, strict=True))
    raise refusal(f"The value fits none of its kinds. {reasons}", at=pointer("inputs", name, *index))


def _read(value: Any, kind: str, *, name: str, index: tuple[int, ...], access: ImageAccess) -> Any:
    at = pointer("inputs", name, *index)
    if kind == "image":
        return load_image(value, name=name, index=index, access=access)
    if kind in TABLES:
        limits = access.limits
        return detections_json.from_json(
            value, name=default_id(name, index), at=at, max_pixels=limits.image_pixels, max_rows=limits.table_rows
        )
    if kind == "video_metadata":
        return VideoMetadata.from_json(value, at=at)
    if kind == "classification_prediction":
        return _classification(value, default_id(name, index), at)
    if kind not in READERS:
        return value
    expected, read = READERS[kind]
    try:
        return read(value)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise refusal(f"The value of {name!r} must be {expected}; found {described(value)}.", at=at) from error


def _classification(value: Any, default: str, at: str) -> dict[str, Any]:
    """Return a classification, with the members that name its origin filled in."""
    given = value if isinstance(value, dict) else {}
    if not {"image", "predictions"} <= given.keys() or not (
        "predicted_classes" in given or {"top", "confidence"} <= given.keys()
    ):
        message = (
            "A classification must be an object with image, predictions, and predicted_classes or top and confidence."
        )
        raise refusal(message, at=at)
    filled = {
        "prediction_type": "classification",
        "inference_id": None,
        "parent_id": default,
        "root_parent_id": default,
    }
    return filled | given


def _of(*types: type) -> Callable[[Any], Any]:
    """Return a reader that takes values of these types as they are; a boolean is no number."""

    def read(value: Any) -> Any:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise TypeError
        return value

    return read


def _share(value: Any) -> float:
    number = float(_of(Real)(value))
    if not 0 <= number <= 1:
        raise ValueError
    return number


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(_of(str)(value))


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b64decode(_of(str)(value), validate=True)


def _array(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray(_of(list, tuple, np.ndarray)(value))


def _pair(value: Any) -> tuple[Any, Any]:
    x, y, *_ = _of(list, tuple)(value)
    return _of(Real)(x), _of(Real)(y)


def _zone(value: Any) -> list[tuple[Any, Any]]:
    points = [_pair(point) for point in _of(list, tuple)(value)]
    if len(points) < 3:
        raise ValueError
    return points


def _labelled(value: Any) -> list[dict[str, Any]]:
    return [_labelled_point(point) for point in _of(list, tuple)(value)]


def _labelled_point(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        x, y, positive = value["x"], value["y"], value.get("positive", True)
    else:
        x, y, positive = (*_of(list, tuple)(value), True)[:3]
    return {"x": _of(Real)(x), "y": _of(Real)(y), "positive": _of(bool)(positive)}


def _color(value: Any) -> str | tuple[Any, ...]:
    if isinstance(value, str):
        return value
    red, green, blue, *_ = _of(list, tuple)(value)
    return red, green, blue


Reader: TypeAlias = tuple[str, Callable[[Any], Any]]

# What a kind's value must be, in words, and what reads it.
READERS: dict[str, Reader] = {
    "boolean": ("true or false", _of(bool)),
    "integer": ("a whole number", lambda value: int(_of(Integral)(value))),
    "float": ("a number", lambda value: float(_of(Real)(value))),
    "float_zero_to_one": ("a number from 0 to 1", _share),
    **dict.fromkeys(TEXTS, ("text", _of(str))),
    **dict.fromkeys(("roboflow_api_key", "ROBOFLOW_MANAGED_KEY"), ("text or null", _of(str, type(None)))),
    "dictionary": ("an object", _of(dict)),
    **dict.fromkeys(
        ("list_of_values", "detections_overlaps", "action_recognition_prediction"),
        ("a list", lambda value: list(_of(list, tuple)(value))),
    ),
    "timestamp": ("a date and time in ISO 8601", _moment),
    "bytes": ("base64 text", _bytes),
    "numpy_array": ("a list of numbers of even depth", _array),
    "point": ("a list of two numbers", _pair),
    "labeled_points": ("a list of objects {x, y, positive}", _labelled),
    "zone": ("a list of three or more points [x, y]", _zone),
    "rgb_color": ("text or a list of three numbers", _color),
}
