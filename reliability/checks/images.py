"""Damaged pictures in every format, and pictures that claim to be huge."""

from __future__ import annotations

import random
import resource
import struct
import time
import zlib
from collections.abc import Iterator

import cv2
import numpy as np

from reliability.mutation import damaged
from reliability.outcome import Figure, Given, Outcome, share
from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision.decode import alpha_of, decode

LIMITS = Limits()
MEMORY = 4 << 30
"""Bytes of data that the decoding process may have: what a worker of a small machine has."""
YY, XX = np.mgrid[:48, :64]
PICTURE = np.dstack([XX * 4, YY * 5, (XX + YY) * 2]).astype(np.uint8)
SOLID = np.dstack([PICTURE, PICTURE[..., 0]])
VARIANTS: tuple[tuple[str, np.ndarray, tuple[int, ...]], ...] = (
    (".jpg", PICTURE, ()),
    (".jpg", PICTURE, (cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)),
    (".jpg", PICTURE[..., 0], (cv2.IMWRITE_JPEG_OPTIMIZE, 1)),
    (".png", PICTURE, ()),
    (".png", SOLID, (cv2.IMWRITE_PNG_COMPRESSION, 0)),
    (".png", PICTURE.astype(np.uint16) * 257, ()),
    (".png", (PICTURE[..., 0] > 99).astype(np.uint8), (cv2.IMWRITE_PNG_BILEVEL, 1)),
    (".webp", PICTURE, (cv2.IMWRITE_WEBP_QUALITY, 60)),
    (".webp", SOLID, (cv2.IMWRITE_WEBP_QUALITY, 101)),
    (".webp", SOLID, (cv2.IMWRITE_WEBP_QUALITY, 70)),
    (".bmp", PICTURE, ()),
    (".bmp", SOLID, ()),
    (".tiff", PICTURE, ()),
    (".tiff", PICTURE.astype(np.uint16) * 257, (cv2.IMWRITE_TIFF_COMPRESSION, 8)),
    (".tiff", PICTURE, (cv2.IMWRITE_TIFF_COMPRESSION, 1)),
    (".gif", PICTURE, ()),
)


def check(given: Given) -> Outcome:
    """Decode damaged files under a limit of memory; each gives a plain picture or is refused in words."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    chance = random.Random(given.seed)
    files = [cv2.imencode(extension, pixels, settings)[1].tobytes() for extension, pixels, settings in VARIANTS]
    last, broken, spent, decoded = given.folder / "last", [], [], 0
    for number in range(given.count):
        data = damaged(files[number % len(files)], chance, files)
        if data.startswith(b"\x89PNG") and chance.random() < 0.5:
            data = _with_sums(data)
        last.write_bytes(data)  # to be found there when the process has died of it
        began = time.perf_counter()
        fault, good = _fault(data)
        spent.append(time.perf_counter() - began)
        decoded += good
        if fault:
            broken.append(f"file {number}, {VARIANTS[number % len(files)][0]}, {fault}: {data[:200].hex()}")
    refusals = [_bomb(name, data, broken) for name, data in bombs()]
    figures = {
        "decoded all the same": Figure(value=100 * decoded / given.count, unit="%"),
        "slowest file": Figure(value=max(spent) * 1000, unit="ms", most=2000),
        "99 % of files": Figure(value=share(spent, 0.99) * 1000, unit="ms"),
        "slowest bomb refused in": Figure(value=max(refusals) * 1000, unit="ms", most=20),
    }
    return Outcome(tried=given.count + len(refusals), broken=broken, figures=figures)


def _fault(data: bytes) -> tuple[str, bool]:
    """Return what is wrong with how a file was dealt with, and whether it was decoded."""
    try:
        pixels = decode(data, limits=LIMITS)
        alpha_of(data)
    except InputError:
        return "", False
    except Exception as error:  # noqa: BLE001 -- whatever else it raises is a fault
        return f"{type(error).__name__}: {error}", False
    plain = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size > 0
    return "" if plain else f"gave {pixels.dtype} {pixels.shape}", True


def _with_sums(data: bytes) -> bytes:
    """Return a PNG file with the checksum of every chunk made right, so that damage gets past them."""
    result, at = bytearray(data), 8
    while at + 12 <= len(result):
        (length,) = struct.unpack_from(">I", result, at)
        end = at + 8 + length
        if end + 4 > len(result):
            break
        struct.pack_into(">I", result, end, zlib.crc32(result[at + 4 : end]))
        at = end + 4
    return bytes(result)


def _bomb(name: str, data: bytes, broken: list[str]) -> float:
    """Return the seconds that it took to refuse a bomb."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    try:
        decode(data, limits=LIMITS)
        broken.append(f"the bomb {name} was decoded")
    except InputError as error:
        if error.problem.code != "image_too_large":
            broken.append(f"the bomb {name} was refused as {error.problem.code}")
    spent = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if grown > 10 << 10:
        broken.append(f"the bomb {name} took {grown >> 10} MiB")
    return spent


def bombs() -> Iterator[tuple[str, bytes]]:
    """Yield small files that would be huge pictures; all of them whole, as far as the decoder would read."""
    width, height = 20_000, 2_500
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(height)) + packer.flush()
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    )
    yield "PNG", b"\x89PNG\r\n\x1a\n" + chunks
    small = {
        extension: cv2.imencode(extension, PICTURE)[1].tobytes() for extension in (".jpg", ".bmp", ".gif", ".tiff")
    }
    frame = small[".jpg"].index(b"\xff\xc0")
    yield "JPEG", small[".jpg"][: frame + 5] + struct.pack(">HH", 65_500, 65_500) + small[".jpg"][frame + 9 :]
    profile = b"\xff\xe2" + struct.pack(">H", 65_535) + bytes(65_533)
    jpeg = small[".jpg"]
    yield "JPEG with profiles", jpeg[:2] + profile * 600 + jpeg[2 : frame + 5] + b"\xff\xdc" * 2 + jpeg[frame + 9 :]
    yield "BMP", small[".bmp"][:18] + struct.pack("<ii", 30_000, -30_000) + small[".bmp"][26:]
    yield "GIF", small[".gif"][:6] + struct.pack("<HH", 65_535, 65_535) + small[".gif"][10:]
    yield "WebP", b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + b"\xfe\xff\x00" * 2
    yield (
        "TIFF",
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", 2)
        + b"".join(struct.pack("<HHII", tag, 4, 1, 1 << 20) for tag in (256, 257)),
    )
