"""From encoded images to pixels and back: the only place where bytes of others become arrays.

The width and height are read from the file's header before anything is decoded, so that a picture that claims a billion
pixels costs microseconds. A format that is not in the table below is not decoded at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from workflow_engine.settings import Limits
from workflow_engine.vision import jpeg
from workflow_engine.vision.refusals import refusal

Size: TypeAlias = tuple[int, int]  # width, height: the order in which headers have them

# What a file is known by, and the byte and bit of its header that say whether it has an alpha channel.
ALPHA_FLAGS = ((b"\x89PNG", 25, 4), (b"VP8X", 20, 16), (b"VP8L", 24, 16))


def decode(data: bytes, *, limits: Limits, at: str = "") -> NDArray[np.uint8]:
    """Return the picture as blue-green-red, shape (H, W, 3), 8 bits, turned upright as its EXIF orientation says.

    Grey pictures get three equal channels, an alpha channel is dropped, 16 bits are reduced to 8, and of an animation
    the first frame is taken.

    Args:
        data: A whole JPEG, PNG, WebP, BMP, TIFF or GIF file.
        limits: Bounds on its size.
        at: JSON pointer for errors.

    Raises:
        InputError: The picture is larger than the limits allow (``image_too_large``), of another format, cut short or
            broken (``image_unreadable``).
    """
    if len(data) > limits.image_bytes:
        message = f"The image is a file of {len(data)} bytes; at most {limits.image_bytes} are allowed."
        raise refusal(message, at=at, code="image_too_large")
    name, size = _header(data)
    if not name:
        known = ", ".join(name for name, _, _ in FORMATS)
        raise _unreadable(f"The image is not in a format that can be read ({known}).", at)
    if size is None or min(size) < 1:
        raise _unreadable(f"The header of the {name} image is broken or cut short.", at)
    if limits.image_pixels is not None and size[0] * size[1] > limits.image_pixels:
        message = f"The image has {size[0]} x {size[1]} pixels; at most {limits.image_pixels} are allowed."
        raise refusal(message, at=at, code="image_too_large", hint="Send a smaller picture.")
    pixels = _plain_jpeg(data) if name == "JPEG" else None
    if pixels is None:
        pixels = _any_format(data)
    if pixels is None:
        raise _unreadable(f"The {name} image is broken, cut short, or of a rare variant.", at)
    return pixels


def _plain_jpeg(data: bytes) -> NDArray[np.uint8] | None:
    """Return the pixels of a JPEG file that is whole and upright, or ``None`` when it may not be.

    The decoder is OpenCV's, libjpeg-turbo, and the pixels are the same; asked for the whole picture instead of row by
    row, it takes a sixth to a quarter less time.
    """
    if not _is_upright(data):
        return None
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "BGR"), dtype=np.uint8)
    except ValueError:
        return None


def _any_format(data: bytes) -> NDArray[np.uint8] | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, dtype=np.uint8)


def alpha_of(data: bytes) -> NDArray[np.uint8] | None:
    """Return how opaque each pixel of a picture is, (H, W), for a PNG or WebP file with an alpha channel of 8 bits.

    Args:
        data: A file that ``decode`` has read, so that its size is known to be within bounds.
    """
    kind, at, flag = next((entry for entry in ALPHA_FLAGS if entry[0] in (data[:4], data[12:16])), (b"", 0, 0))
    if not (kind and data[at] & flag):
        return None
    pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint8 or pixels.shape[2:] != (4,):
        return None
    return np.ascontiguousarray(pixels[..., 3], dtype=np.uint8)


def read_file(path: str | Path, *, limits: Limits, at: str = "") -> NDArray[np.uint8]:
    """Return the picture in a file, as ``decode`` does.

    Raises:
        InputError: The file cannot be opened or is no picture that can be read.
    """
    return decode(read_bytes(path, limits=limits, at=at), limits=limits, at=at)


def read_bytes(path: str | Path, *, limits: Limits, at: str = "") -> bytes:
    """Return a file's bytes, at most one more than a picture may have.

    Raises:
        InputError: The file cannot be opened.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(limits.image_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _unreadable(f"The image file {str(path)!r} cannot be opened: {reason}.", at) from error


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = 95) -> bytes:
    """Return the picture, grey or blue-green-red, as a JPEG file of ``quality`` 0 to 100."""
    with _unwritable_explained(pixels, "jpg"):
        return jpeg.encode(pixels, quality)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return the picture, grey or blue-green-red, as a PNG file, which loses nothing."""
    with _unwritable_explained(pixels, "png"):
        return cv2.imencode(".png", pixels)[1].tobytes()


@contextmanager
def _unwritable_explained(pixels: NDArray[np.uint8], ending: str) -> Iterator[None]:
    try:
        yield
    except cv2.error as error:
        raise ValueError(f"an array {pixels.dtype} {pixels.shape} cannot be written as {ending}") from error


def _unreadable(message: str, at: str) -> Exception:
    return refusal(message, at=at, code="image_unreadable")


def _header(data: bytes) -> tuple[str, Size | None]:
    """Return the format's name, empty when it is not one of ours, and the size that the header declares, if any."""
    for name, is_format, read_size in FORMATS:
        if is_format(data):
            try:
                return name, read_size(data)
            except IndexError:
                return name, None
    return "", None


def _number(data: bytes, at: int, width: int, order: str) -> int:
    """Return the unsigned integer of ``width`` bytes at ``at``; ``IndexError`` when the data ends before it does."""
    if at + width > len(data):
        raise IndexError(at)
    return int.from_bytes(data[at : at + width], "big" if order == "big" else "little")


def _jpeg_size(data: bytes) -> Size | None:
    # A file is a chain of segments, of which the first with one of these markers is the frame's header. The decoder
    # passes over bytes that belong to no segment, and so must this.
    at = 2
    for _ in range(JPEG_SEGMENTS):
        found = JPEG_MARKER.search(data, at)
        if found is None or found[1] in b"\xd9\xda":
            return None
        at = found.end()
        if found[1] in b"\xc0\xc1\xc2\xc3\xc5\xc6\xc7\xc9\xca\xcb\xcd\xce\xcf":
            return _number(data, at + 5, 2, "big"), _number(data, at + 3, 2, "big")
        if found[1] not in b"\x01\xd0\xd1\xd2\xd3\xd4\xd5\xd6\xd7\xd8":
            at += _number(data, at, 2, "big")
    return None


def _png_size(data: bytes) -> Size | None:
    # The decoder makes room for as many bytes as a chunk says it has, so every chunk is held against the file's end.
    at = 8
    for _ in range(PNG_CHUNKS):
        length = _number(data, at, 4, "big")
        if at + 12 + length > len(data):
            return None
        if data[at + 4 : at + 8] == b"IEND":
            return _number(data, 16, 4, "big"), _number(data, 20, 4, "big")
        at += 12 + length
    return None


def _webp_size(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return _number(data, 24, 3, "little") + 1, _number(data, 27, 3, "little") + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _number(data, 26, 2, "little") & 0x3FFF, _number(data, 28, 2, "little") & 0x3FFF
    if kind == b"VP8L" and data[20:21] == b"\x2f":
        bits = _number(data, 21, 4, "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _bmp_size(data: bytes) -> Size:
    if _number(data, 14, 4, "little") == 12:
        return _number(data, 18, 2, "little"), _number(data, 20, 2, "little")
    width, height = _number(data, 18, 4, "little"), _number(data, 22, 4, "little")
    # A negative height, in two's complement, says that the rows run from top to bottom.
    return width, min(height, 2**32 - height)


def _tiff_size(data: bytes) -> Size | None:
    sizes = _tiff_numbers(data, {256, 257, 322, 323})  # ImageWidth, ImageLength, TileWidth, TileLength
    if 256 not in sizes or 257 not in sizes:
        return None
    # A tile is held whole, even one that is larger than the picture.
    return max(sizes[256], sizes.get(322, 0)), max(sizes[257], sizes.get(323, 0))


def _tiff_numbers(data: bytes, tags: Collection[int]) -> dict[int, int]:
    """Return the whole numbers that the first directory of a TIFF file has under ``tags``."""
    order = "big" if data[:1] == b"M" else "little"
    directory = _number(data, 4, 4, order)
    found = {}
    for index in range(_number(data, directory, 2, order)):
        entry = directory + 2 + 12 * index
        tag, kind = _number(data, entry, 2, order), _number(data, entry + 2, 2, order)
        if tag in tags and kind in (3, 4):
            found[tag] = _number(data, entry + 8, 2 if kind == 3 else 4, order)
    return found


def _is_upright(jpeg: bytes) -> bool:
    """Whether a JPEG file has no EXIF block that may say otherwise."""
    block = jpeg.find(EXIF)
    try:
        return block < 0 or _tiff_numbers(jpeg[block + len(EXIF) :], {ORIENTATION}) == {ORIENTATION: 1}
    except IndexError:
        return False


def _gif_size(data: bytes) -> Size:
    return _number(data, 6, 2, "little"), _number(data, 8, 2, "little")


JPEG_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
JPEG_SEGMENTS = 2000  # before the frame's header: more than any camera or colour profile needs
PNG_CHUNKS = 50_000  # of some 8,000 bytes each, as encoders write them
EXIF = b"Exif\0\0"  # before a TIFF file that tells of the picture
ORIENTATION = 0x0112  # EXIF's name for which way is up; 1 as it is

FORMATS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], Size | None]], ...] = (
    ("JPEG", lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg_size),
    ("PNG", lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png_size),
    ("WebP", lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp_size),
    ("BMP", lambda data: data.startswith(b"BM"), _bmp_size),
    ("TIFF", lambda data: data.startswith((b"II*\0", b"MM\0*")), _tiff_size),
    ("GIF", lambda data: data.startswith((b"GIF87a", b"GIF89a")), _gif_size),
)
