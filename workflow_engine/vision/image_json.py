"""Images of a run's inputs, in all forms that they come in, and images of its outputs as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pybase64 import b64decode, b64encode_as_string

from workflow_engine.cache import ResultCache
from workflow_engine.digest import digest
from workflow_engine.errors import pointer
from workflow_engine.settings import Limits
from workflow_engine.vision.decode import alpha_of, decode, encode_jpeg, read_bytes
from workflow_engine.vision.image import Ancestry, Image, VideoMetadata, origin_from_json
from workflow_engine.vision.refusals import described, refusal

LONGEST_PATH = 4096
"""Characters of a file's name, folders included; no system that this runs on allows more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAccess:
    """Where images may be taken from, and how large they may be.

    Attributes:
        limits: Bounds on what is read, fetched and decoded.
        paths: Whether a text may name a file of this machine.
        urls: Whether a text may be an address to fetch.
        allowed_hosts: Hosts and networks that an address may name although they are not public.
        cache: Keeps decoded images for when the same file comes again; ``None`` to keep none.
    """

    limits: Limits
    paths: bool
    urls: bool
    allowed_hosts: tuple[str, ...] = ()
    cache: ResultCache | None = None


def default_id(name: str, index: tuple[int, ...]) -> str:
    """Return what an element of an input is called: ``name``, ``name.[0]``, ``name.[0].[2]``."""
    return name + "".join(f".[{number}]" for number in index)


def load_image(value: object, *, name: str, index: tuple[int, ...], access: ImageAccess) -> Image:
    """Return the image that an input's value stands for.

    Args:
        value: An image or an array; a text that is an address, the path of a file, or base64 with or without a data-URI
            prefix; or an object whose ``value`` is one of these, with ``video_metadata``, ``parent_id``,
            ``parent_origin``, ``root_parent_id`` and ``root_parent_origin`` as options.
        name: Name of the input.
        index: Place of the element in the input's batch; empty for a single value.
        access: What may be read.

    Raises:
        InputError: The value is none of these, or cannot be read.
    """
    at = pointer("inputs", name, *index)
    if isinstance(value, Image):
        return value
    described_by = value if isinstance(value, dict) else {}
    source = described_by.get("value", value)
    if isinstance(source, Image):
        pixels, encoded, alpha = source.pixels, source.encoded, source.alpha
    elif isinstance(source, np.ndarray):
        pixels, encoded, alpha = _checked(source, at), None, None
    else:
        data, encoded = _data(source, at, access)
        pixels, alpha = _decoded(data, at, access)
    video = described_by.get("video_metadata")
    return Image(
        pixels=pixels,
        ancestry=_ancestry(described_by, default_id(name, index), (pixels.shape[0], pixels.shape[1]), at),
        video=None if video is None else VideoMetadata.from_json(video, at=f"{at}/video_metadata"),
        encoded=encoded,
        alpha=alpha,
    )


def _checked(pixels: NDArray[Any], at: str) -> NDArray[np.uint8]:
    try:
        return Image.from_array(pixels).pixels
    except ValueError as error:
        raise refusal(f"The image {at} cannot be used: {error}.", at=at, code="image_unreadable") from error


def _data(source: object, at: str, access: ImageAccess) -> tuple[bytes, str | None]:
    """Return the file of an image and, if it came as base64, that text."""
    if isinstance(source, Path) and access.paths:
        return read_bytes(source, limits=access.limits, at=at), None
    if not isinstance(source, str):
        raise refusal(f"{_forms(access)}; found {described(source)}.", at=at, code="image_unreadable")
    if source[:8].lower().startswith(("http://", "https://")):
        return _fetched(source, at, access), None
    if access.paths and _is_file(source):
        return read_bytes(source, limits=access.limits, at=at), None
    return _from_base64(source, at, access), source


def _decoded(data: bytes, at: str, access: ImageAccess) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return the pixels and the opacity of a file's bytes."""

    def decoded() -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        return decode(data, limits=access.limits, at=at), alpha_of(data)

    return decoded() if access.cache is None else access.cache.of(digest(["decoded", data]), decoded)


def _forms(access: ImageAccess) -> str:
    forms = ["base64 text"] + ["a URL"] * access.urls + ["the path of a file, an array"] * access.paths
    return f"An image must be given as {', '.join(forms)} or an object with one of these as its value"


def _fetched(url: str, at: str, access: ImageAccess) -> bytes:
    if not access.urls:
        raise refusal("Images by URL are not accepted here.", at=at, code="url_refused", hint="Send the image itself.")
    from workflow_engine.vision.fetch import fetch

    return fetch(url, limits=access.limits, allowed_hosts=access.allowed_hosts, at=at)


def _is_file(text: str) -> bool:
    if len(text) > LONGEST_PATH:  # pictures as text are long, and pathlib would take milliseconds to split one
        return False
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False  # too long for a name, or with a null byte: not a path


def _from_base64(text: str, at: str, access: ImageAccess) -> bytes:
    body = text.partition(",")[2] if text[:5].lower() == "data:" else text
    if len(body) > access.limits.image_bytes * 3 // 2:
        message = f"The image is more than {access.limits.image_bytes} bytes, which is the most that is allowed."
        raise refusal(message, at=at, code="image_too_large")
    try:
        return _plain_or_in_lines(body)
    except ValueError as error:
        message = f"{_forms(access)}; found {described(text)}, which is none of them."
        hint = "If it is a path, there is no such file." if access.paths and len(text) <= LONGEST_PATH else ""
        raise refusal(message, at=at, code="image_unreadable", hint=hint) from error


def _plain_or_in_lines(text: str) -> bytes:
    """Decode base64; white space in it is rare, and taking it out costs more than to decode."""
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return b64decode("".join(text.split()), validate=True)


def _ancestry(value: dict[str, Any], default: str, size: tuple[int, int], at: str) -> Ancestry:
    """Return the ancestry that an image's object tells, by default that of an input of its own."""
    parent_offset, parent_size = _origin(value, "parent_origin", ((0, 0), size), at)
    root_offset, root_size = _origin(value, "root_parent_origin", (parent_offset, parent_size), at)
    return Ancestry(
        id=_id(value, "parent_id", default, at),
        size=size,
        root_id=_id(value, "root_parent_id", default, at),
        parent_offset=parent_offset,
        parent_size=parent_size,
        root_offset=root_offset,
        root_size=root_size,
    )


def _id(value: dict[str, Any], member: str, default: str, at: str) -> str:
    given = value.get(member)
    if given is None:
        return default
    if not isinstance(given, str):
        raise refusal(f"{member!r} must be text; found {described(given)}.", at=f"{at}/{member}")
    return given


def _origin(
    value: dict[str, Any], member: str, default: tuple[tuple[int, int], tuple[int, int]], at: str
) -> tuple[tuple[int, int], tuple[int, int]]:
    given = value.get(member)
    return default if given is None else origin_from_json(given, at=f"{at}/{member}")


def as_base64(image: Image) -> str:
    """Return the very text that an image came with, else that of a JPEG."""
    return image.encoded or b64encode_as_string(encode_jpeg(image.pixels))


def image_to_json(image: Image) -> dict[str, Any]:
    """Return the image as an object: base64 (as ``as_base64`` gives it), video metadata, and ancestry.

    The ancestry is written for an image that was cut from another one.
    """
    written = {
        "type": "base64",
        "value": as_base64(image),
        "video_metadata": image.video_metadata().to_json(),
    }
    if image.ancestry.id != image.ancestry.root_id:
        written |= {
            "parent_id": image.ancestry.id,
            "parent_origin": image.ancestry.parent_origin,
            "root_parent_id": image.ancestry.root_id,
            "root_parent_origin": image.ancestry.root_origin,
        }
    return written
