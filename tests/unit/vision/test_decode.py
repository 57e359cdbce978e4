"""Decoding: every format, every header, every way in which a picture can be bad."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision import decode as module
from workflow_engine.vision.decode import decode, encode_jpeg, encode_png, read_file

LIMITS = Limits()
YY, XX = np.mgrid[:30, :40]
PICTURE = np.dstack([XX * 6, YY * 8, (XX + YY) * 3]).astype(np.uint8)
EXTENSIONS = ("jpg", "png", "webp", "bmp", "tiff", "gif")


def encoded(extension: str, pixels: Any = PICTURE, settings: tuple[int, ...] = ()) -> bytes:
    return cv2.imencode("." + extension, pixels, settings)[1].tobytes()


def problem(data: bytes, limits: Limits = LIMITS) -> Any:
    with pytest.raises(InputError) as caught:
        decode(data, limits=limits, at="/inputs/image")
    assert caught.value.problem.at == "/inputs/image"
    assert caught.value.problem.whose == "caller"
    return caught.value.problem


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_format_is_decoded(extension: str) -> None:
    pixels = decode(encoded(extension), limits=LIMITS)
    assert pixels.shape == (30, 40, 3)
    assert pixels.dtype == np.uint8
    # A GIF has few colours.
    assert np.abs(pixels.astype(int) - PICTURE).mean() < (30 if extension == "gif" else 3)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.95])
def test_what_is_cut_short_is_refused(extension: str, share: float) -> None:
    data = encoded(extension)
    assert problem(data[: int(len(data) * share)]).code == "image_unreadable"


@pytest.mark.parametrize(
    "pixels",
    [PICTURE.astype(np.uint16) * 257, np.dstack([PICTURE, PICTURE[..., 0]])],
    ids=["16 bits", "alpha"],
)
def test_deep_and_transparent_pictures_become_plain_ones(pixels: Any) -> None:
    assert np.array_equal(decode(encoded("png", pixels), limits=LIMITS), PICTURE)


def test_a_grey_picture_gets_three_channels() -> None:
    grey = PICTURE[..., 0]
    assert np.array_equal(decode(encode_png(grey), limits=LIMITS), np.dstack([grey] * 3))


def test_webp_and_bmp_variants_have_their_headers_read() -> None:
    lossless = encoded("webp", PICTURE, (cv2.IMWRITE_WEBP_QUALITY, 101))
    assert lossless[12:16] == b"VP8L"
    assert np.array_equal(decode(lossless, limits=LIMITS), PICTURE)
    extended = encoded("webp", np.dstack([PICTURE, PICTURE[..., 0]]))
    assert extended[12:16] in (b"VP8X", b"VP8L")
    assert decode(extended, limits=LIMITS).shape == (30, 40, 3)
    bottom_up = encoded("bmp")
    top_down = bottom_up[:22] + struct.pack("<i", -30) + bottom_up[26:]
    assert np.array_equal(decode(top_down, limits=LIMITS), PICTURE[::-1])


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


# Luminance and both colours: whole, halved in both directions, in one of them.
@pytest.mark.parametrize("sampling", [0x111111, 0x221111, 0x211111, 0x121111, 0x411111])
@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize("size", [(30, 40), (17, 33), (1, 1)])
def test_a_jpeg_has_the_pixels_that_opencv_gives(sampling: int, progressive: int, size: tuple[int, int]) -> None:
    settings = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    data = encoded("jpg", PICTURE[: size[0], : size[1]], settings)
    assert module._plain_jpeg(data) is not None
    assert np.array_equal(decode(data, limits=LIMITS), cv2.imdecode(np.frombuffer(data, np.uint8), 1))


def test_a_jpeg_that_only_opencv_reads_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError

    expected = decode(encode_jpeg(PICTURE), limits=LIMITS)
    monkeypatch.setattr(simplejpeg, "decode_jpeg", broken)
    assert np.array_equal(decode(encode_jpeg(PICTURE), limits=LIMITS), expected)


def test_an_exif_block_that_turns_nothing_costs_nothing() -> None:
    jpeg = encode_jpeg(PICTURE)
    assert module._plain_jpeg(with_orientation(jpeg, 1)) is not None
    assert module._plain_jpeg(with_orientation(jpeg, 6)) is None
    assert module._plain_jpeg(with_orientation(jpeg, 6)[:20] + jpeg) is None


def test_a_picture_is_turned_upright() -> None:
    turned = decode(with_orientation(encode_jpeg(PICTURE), 6), limits=LIMITS)
    assert turned.shape == (40, 30, 3)
    assert np.abs(turned.astype(int) - np.rot90(PICTURE, -1)).mean() < 3


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def huge(width: int, height: int) -> Iterator[tuple[str, bytes]]:
    """Small files whose headers claim ``width`` by ``height`` pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    yield "png", b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IEND", b"")
    yield "gif", b"GIF89a" + struct.pack("<HH", width, height) + bytes(20)
    yield "bmp", b"BM" + bytes(12) + struct.pack("<Iii", 40, width, -height) + bytes(30)
    yield "bmp of 1990", b"BM" + bytes(12) + struct.pack("<IHH", 12, width, height) + bytes(30)
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    yield "jpeg", b"\xff\xd8\xff\xe0\x00\x04ab" + b"noise\xff\xff\xff\xc2" + frame
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    yield "webp", b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<II", 10, 0) + canvas
    for order, magic in (("<", b"II*\0"), (">", b"MM\0*")):
        entries = struct.pack(order + "HHIIHHII", 256, 4, 1, width, 257, 4, 1, height)
        yield f"tiff {order}", magic + struct.pack(order + "IH", 8, 2) + entries
    small = struct.pack("<HHIHHHHIHH", 256, 3, 1, 40, 0, 257, 3, 1, 30, 0)
    tiles = struct.pack("<HHIIHHII", 322, 4, 1, width, 323, 4, 1, height)
    yield "tiff with a huge tile", b"II*\0" + struct.pack("<IH", 8, 4) + small + tiles


@pytest.mark.parametrize(("name", "data"), list(huge(20_000, 30_000)), ids=lambda value: str(value)[:20])
def test_a_bomb_is_refused_by_its_header(name: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "imdecode")
    monkeypatch.delattr(simplejpeg, "decode_jpeg")
    found = problem(data)
    assert found.code == "image_too_large"
    assert "20000 x 30000 pixels" in found.message


def test_a_chunk_that_claims_more_than_there_is_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    png = encoded("png")
    monkeypatch.delattr(cv2, "imdecode")
    for at in (8 + 25, len(png) - 12):
        assert problem(png[:at] + b"\x7f\xff\xff\xf0" + png[at + 4 :]).code == "image_unreadable"


@pytest.mark.parametrize("data", [data for _, data in huge(60_000, 60_000)][:3])
def test_without_a_limit_the_decoder_has_its_own(data: bytes) -> None:
    assert problem(data, Limits(image_pixels=None)).code == "image_unreadable"


def test_the_limits_can_be_lifted_and_lowered() -> None:
    assert decode(encoded("png"), limits=Limits(image_pixels=None)).shape == (30, 40, 3)
    assert decode(encoded("png"), limits=Limits(image_pixels=1200)).shape == (30, 40, 3)
    assert problem(encoded("png"), Limits(image_pixels=1199)).code == "image_too_large"
    assert problem(encoded("png"), Limits(image_bytes=100)).code == "image_too_large"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\x00\x00" * 3,
        b"\xff\xd8\xff" + bytes(100),
        b"\xff\xd8" + b"\xff" * 100,
        b"\xff\xd8\xff\xda\x00\x02",
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 2001,
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"tEXt", b"") * 50_001,
        b"RIFF\0\0\0\0WEBPVP8 " + bytes(40),
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\x00\x00" + bytes(20),
        b"GIF89a" + bytes(20),
        b"P6 4 4 255 " + bytes(48),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert problem(data).code == "image_unreadable"


@given(st.sampled_from(EXTENSIONS), st.binary(min_size=1, max_size=12), st.data())
def test_a_damaged_header_never_crashes(extension: str, noise: bytes, draw: st.DataObject) -> None:
    data = encoded(extension)
    at = draw.draw(st.integers(0, min(len(data), 200)))
    name, size = module._header(data[:at] + noise + data[at + len(noise) :])
    assert size is None or (name and len(size) == 2)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(encode_png(PICTURE))
    assert np.array_equal(read_file(path, limits=LIMITS), PICTURE)
    for bad, sentence in ((tmp_path / "none.png", "No such file"), (tmp_path, "Is a directory"), ("a\0b", "null byte")):
        with pytest.raises(InputError, match=sentence) as caught:
            read_file(bad, limits=LIMITS, at="/inputs/image")
        assert caught.value.problem.code == "image_unreadable"


def test_what_is_written_is_read_back() -> None:
    assert np.array_equal(decode(encode_png(PICTURE), limits=LIMITS), PICTURE)
    assert len(encode_jpeg(PICTURE, 20)) < len(encode_jpeg(PICTURE))
    with pytest.raises(ValueError, match="float64"):
        encode_png(np.zeros((0, 4)))  # type: ignore[arg-type]
