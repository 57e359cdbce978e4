"""Images as values: pixels, where they come from, and which frame of which video they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_engine.vision.decode import encode_jpeg
from workflow_engine.vision.refusals import described, refusal

DEFAULT_FPS = 30.0
FARTHEST = 1 << 20  # pixels: positions and sizes that others claim stay where integers of masks do not overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoMetadata:
    """Which frame of which video an image is.

    Attributes:
        video_identifier: Name of the video or stream; state that blocks keep across frames is kept per identifier.
        frame_number: Number of the frame, the first being 1.
        frame_timestamp: When the frame was taken.
        fps: Frames per second that the source declares.
        measured_fps: Frames per second that were measured.
        comes_from_video_file: Whether the source is a file, so that time follows from the frame number.
        total_frames: Number of frames of a file.
    """

    video_identifier: str
    frame_number: int
    frame_timestamp: datetime
    fps: float | None = None
    measured_fps: float | None = None
    comes_from_video_file: bool | None = None
    total_frames: int | None = None

    @property
    def seconds_since_start(self) -> float:
        """Seconds from the first frame to this one at the declared rate."""
        return (self.frame_number - 1) / (self.fps or DEFAULT_FPS)

    @property
    def time(self) -> float:
        """Seconds on the video's own clock for a file, else of the wall clock; only differences have a meaning.

        A file that claims a rate of 0 has no clock of its own.
        """
        if self.comes_from_video_file and self.fps != 0:
            return self.frame_number / (self.fps or DEFAULT_FPS)
        return self.frame_timestamp.timestamp()

    @classmethod
    def from_json(cls, value: object, *, at: str = "") -> VideoMetadata:
        """Read the JSON object of seven members, of which the last four may be absent or null.

        Raises:
            InputError: A member is missing or of the wrong type.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise refusal(f"Video metadata must be an object; found {described(value)}.", at=at)
        read: dict[str, Any] = {}
        for name, types, required in _MEMBERS:
            member = value.get(name)
            if isinstance(member, str) and name == "frame_timestamp":
                member = _timestamp(member, at)
            if not (isinstance(member, types) or (member is None and not required)) or (
                isinstance(member, bool) and bool not in types
            ):
                expected = _CALLED[types[-1]]  # the most general
                raise refusal(f"Video metadata: {name!r} must be {expected}; found {described(member)}.", at=at)
            read[name] = member
        return cls(**read)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object, all seven members always."""
        return {name: getattr(self, name) for name, _, _ in _MEMBERS} | {
            "frame_timestamp": self.frame_timestamp.isoformat()
        }


_MEMBERS: tuple[tuple[str, tuple[type, ...], bool], ...] = (
    ("video_identifier", (str,), True),
    ("frame_number", (int,), True),
    ("frame_timestamp", (datetime,), True),
    ("fps", (int, float), False),
    ("measured_fps", (int, float), False),
    ("comes_from_video_file", (bool,), False),
    ("total_frames", (int,), False),
)


_CALLED = {
    str: "text",
    int: "a whole number",
    float: "a number",
    datetime: "a date and time",
    bool: "true or false",
}


def _timestamp(text: str, at: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise refusal(f"A date and time in ISO 8601 was expected; found {described(text)}.", at=at) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestry:
    """Where an image lies in the image that it was cut from, its parent, and in the workflow's own input, its root.

    Sizes are (height, width) and offsets (x, y), in pixels. An input is its own parent and root.

    Attributes:
        id: Names this view; objects found on it carry it as ``parent_id``.
        size: Size of this view.
        root_id: Names the workflow's input.
        parent_offset: Where this view's top-left corner lies in the parent.
        parent_size: Size of the parent.
        root_offset: Where this view's top-left corner lies in the root.
        root_size: Size of the root.
        scale: How much larger this view is drawn than the same part of the root.
    """

    id: str
    size: tuple[int, int]
    root_id: str
    parent_offset: tuple[int, int]
    parent_size: tuple[int, int]
    root_offset: tuple[int, int]
    root_size: tuple[int, int]
    scale: float = 1.0

    @classmethod
    def root(cls, id: str, size: tuple[int, int]) -> Ancestry:
        """Return the ancestry of a workflow's input."""
        return cls(
            id=id, size=size, root_id=id, parent_offset=(0, 0), parent_size=size, root_offset=(0, 0), root_size=size
        )

    @property
    def is_root(self) -> bool:
        """Whether this view is the workflow's input itself, pixel for pixel."""
        return self == Ancestry.root(self.id, self.size)

    @property
    def parent_origin(self) -> dict[str, int]:
        """Where this view lies in its parent, as JSON: offset, and width and height of the parent."""
        return _origin(self.parent_offset, self.parent_size)

    @property
    def root_origin(self) -> dict[str, int]:
        """Where this view lies in the root, as JSON: offset, and width and height of the root."""
        return _origin(self.root_offset, self.root_size)

    def crop(self, id: str, x: int, y: int, size: tuple[int, int]) -> Ancestry:
        """Return the ancestry of a view of ``size`` cut out of this one at (x, y)."""
        return Ancestry(
            id=id,
            size=size,
            root_id=self.root_id,
            parent_offset=(x, y),
            parent_size=self.size,
            root_offset=(self.root_offset[0] + round(x / self.scale), self.root_offset[1] + round(y / self.scale)),
            root_size=self.root_size,
            scale=self.scale,
        )


def _origin(offset: tuple[int, int], size: tuple[int, int]) -> dict[str, int]:
    return {"offset_x": offset[0], "offset_y": offset[1], "width": size[1], "height": size[0]}


def origin_from_json(value: object, *, at: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read an origin object; return the offset (x, y) and the size (height, width).

    Raises:
        InputError: It is not an object of whole numbers with a positive width and height.
    """
    given = value if isinstance(value, dict) else {}
    members = [given.get(name) for name in ("offset_x", "offset_y", "width", "height")]
    numbers = [member for member in members if isinstance(member, int) and not isinstance(member, bool)]
    if len(numbers) != 4 or min(numbers[2:]) <= 0 or max(map(abs, numbers)) > FARTHEST:
        message = "An origin must be an object of whole numbers: offset_x, offset_y, width > 0, height > 0."
        raise refusal(message, at=at)
    x, y, width, height = numbers
    return (x, y), (height, width)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Image:
    """One image of a run; nobody writes into its pixels.

    Attributes:
        pixels: 8-bit, blue-green-red (H, W, 3) or grey (H, W).
        ancestry: Where it comes from.
        video: Which frame of a video it is, if it is one.
        encoded: The very base64 text that it came with, for as long as the pixels are those it decodes to.
        alpha: How opaque each pixel is, 0 to 255, (H, W), if it came with that, for as long as the pixels are those.
    """

    pixels: NDArray[np.uint8]
    ancestry: Ancestry
    video: VideoMetadata | None = None
    encoded: str | None = None
    alpha: NDArray[np.uint8] | None = None

    def __repr__(self) -> str:
        """Return its size and name, not its pixels."""
        return f"Image({self.width} x {self.height}, id={self.ancestry.id!r})"

    def _repr_jpeg_(self) -> bytes:
        """Return the file that a notebook shows where an image stands at the end of a cell."""
        return encode_jpeg(self.pixels)

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @classmethod
    def from_array(cls, pixels: NDArray[Any], *, id: str = "image", video: VideoMetadata | None = None) -> Image:
        """Return the image of an array in memory, the root of its own ancestry.

        Raises:
            ValueError: The array is not 8-bit (H, W, 3) or (H, W), or has no pixels.
        """
        shape = pixels.shape
        if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or shape[2:] == (3,)) or not pixels.size:
            raise ValueError(
                f"an image is a uint8 array (height, width, 3) in blue-green-red order or (height, width) in grey; "
                f"found {pixels.dtype} {shape}"
            )
        return cls(pixels=pixels, ancestry=Ancestry.root(id, (shape[0], shape[1])), video=video)

    def with_pixels(self, pixels: NDArray[np.uint8]) -> Image:
        """Return the same view drawn otherwise: other pixels, the same ancestry and video."""
        ancestry = replace(self.ancestry, size=(pixels.shape[0], pixels.shape[1]))
        return Image(pixels=pixels, ancestry=ancestry, video=self.video)

    def crop(self, x1: int, y1: int, x2: int, y2: int, *, id: str, keep_video: bool = False) -> Image | None:
        """Return the view of columns ``x1:x2`` and rows ``y1:y2``, or ``None`` when none of it lies in the image."""
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, self.width), min(y2, self.height)
        if left >= right or top >= bottom:
            return None
        return Image(
            pixels=self.pixels[top:bottom, left:right],
            ancestry=self.ancestry.crop(id, left, top, (bottom - top, right - left)),
            video=self.video if keep_video else None,
        )

    def video_metadata(self) -> VideoMetadata:
        """Return the video metadata, or that of a single frame taken now when the image came without."""
        return self.video or VideoMetadata(
            video_identifier=self.ancestry.id, frame_number=0, frame_timestamp=datetime.now(), fps=DEFAULT_FPS
        )
