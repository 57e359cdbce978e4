"""Images in every form that an input may have, and as JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision.decode import encode_png
from workflow_engine.vision.image import Ancestry, Image
from workflow_engine.vision.image_json import ImageAccess, image_to_json, load_image

PICTURE = np.random.default_rng(0).integers(0, 255, (12, 16, 3), dtype=np.uint8)
PNG = encode_png(PICTURE)
TEXT = b64encode(PNG).decode()
SERVER = ImageAccess(limits=Limits(), paths=False, urls=False)
LOCAL = replace(SERVER, paths=True, urls=True)
VIDEO = {"video_identifier": "cam", "frame_number": 3, "frame_timestamp": "2026-01-02T03:04:05", "fps": 10.0}
ORIGIN = {"offset_x": 5, "offset_y": 6, "width": 80, "height": 60}


def load(value: Any, access: ImageAccess = SERVER, index: tuple[int, ...] = ()) -> Image:
    return load_image(value, name="photo", index=index, access=access)


def problem(value: Any, access: ImageAccess = SERVER) -> Any:
    with pytest.raises(InputError) as caught:
        load(value, access, index=(1,))
    assert caught.value.problem.at.startswith("/inputs/photo/1")
    assert caught.value.problem.whose == "caller"
    return caught.value.problem


@pytest.mark.parametrize(
    "value",
    [
        TEXT,
        f"data:image/png;base64,{TEXT}",
        "\n".join(TEXT[i : i + 60] for i in range(0, len(TEXT), 60)),
        {"type": "base64", "value": TEXT},
        {"type": "url", "value": f"data:image/png;base64,{TEXT}"},
        {"value": PICTURE},
        PICTURE,
        Image.from_array(PICTURE),
        {"value": Image.from_array(PICTURE)},
    ],
)
def test_every_form_is_read(value: Any) -> None:
    assert np.array_equal(load(value).pixels, PICTURE)


def test_files_are_read_where_that_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(PNG)
    for value in (path, str(path), {"type": "base64", "value": str(path)}):
        image = load(value, LOCAL)
        assert np.array_equal(image.pixels, PICTURE)
        assert image.encoded is None
        assert problem(value).code == "image_unreadable"
    assert load(TEXT, LOCAL).encoded == TEXT
    assert "'none.png'" in problem("none.png", LOCAL).message
    assert "not in a format" in problem("A" * 5000, LOCAL).message


def test_addresses_are_fetched_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def fetch(url: str, **options: Any) -> bytes:
        asked.append((url, options))
        return PNG

    monkeypatch.setattr("workflow_engine.vision.fetch.fetch", fetch)
    access = replace(LOCAL, paths=False, allowed_hosts=("camera.lan",))
    image = load({"value": "HTTPS://camera.lan/a"}, access)
    assert np.array_equal(image.pixels, PICTURE)
    assert image.encoded is None
    assert asked == [
        ("HTTPS://camera.lan/a", {"limits": Limits(), "allowed_hosts": ("camera.lan",), "at": "/inputs/photo"})
    ]
    assert problem("http://camera.lan/a").code == "url_refused"
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (7, "must be given as base64 text or an object .*; found 7"),
        (None, "found None"),
        ([TEXT], "found a list"),
        ({"type": "base64"}, "found an object"),
        ({"value": {"value": TEXT}}, "found an object"),
        ("photo.png", "found 'photo.png', which is none of them"),
        ("", "not in a format"),
        ("aGVsbG8=", "not in a format that can be read"),
        (TEXT[:200], "cut short"),
        ("ä" * 50, "found a longer text, which is none of them"),
        (PICTURE.astype(np.float32), "float32"),
        (Path("/etc/hostname"), "PosixPath"),
        ({"value": TEXT, "parent_id": 3}, "'parent_id' must be text; found 3"),
        ({"value": TEXT, "parent_origin": ORIGIN | {"width": 0}}, "origin must be an object"),
        ({"value": TEXT, "root_parent_origin": [1, 2, 3, 4]}, "origin must be an object"),
        ({"value": TEXT, "video_metadata": {}}, "'video_identifier' must be text; found None"),
    ],
)
def test_what_is_refused(value: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        load(value)
    problem(value)


def test_where_paths_are_taken_a_wrong_one_is_thought_of() -> None:
    assert problem("photo.png", LOCAL).hint == "If it is a path, there is no such file."
    assert problem("photo.png").hint == ""


def test_sizes_are_limited() -> None:
    assert problem(TEXT, replace(SERVER, limits=Limits(image_bytes=100))).code == "image_too_large"
    assert problem(TEXT, replace(SERVER, limits=Limits(image_pixels=100))).code == "image_too_large"


@pytest.mark.parametrize(("index", "name"), [((), "photo"), ((2,), "photo.[2]"), ((2, 0), "photo.[2].[0]")])
def test_an_input_is_called_after_its_place(index: tuple[int, ...], name: str) -> None:
    assert load(TEXT, index=index).ancestry == Ancestry.root(name, (12, 16))


def test_a_crop_sent_from_elsewhere_keeps_its_ancestry() -> None:
    outer = ORIGIN | {"offset_x": 7}
    given = {
        "type": "base64",
        "value": TEXT,
        "video_metadata": VIDEO,
        "parent_id": "crop",
        "parent_origin": ORIGIN,
        "root_parent_id": "frame",
        "root_parent_origin": outer,
    }
    image = load(given)
    assert image.ancestry == Ancestry(
        id="crop",
        size=(12, 16),
        root_id="frame",
        parent_offset=(5, 6),
        parent_size=(60, 80),
        root_offset=(7, 6),
        root_size=(60, 80),
    )
    none = {"measured_fps": None, "comes_from_video_file": None, "total_frames": None}
    assert image_to_json(image) == given | {"video_metadata": VIDEO | none}


def test_a_name_without_a_place_is_the_whole_input() -> None:
    image = load({"value": TEXT, "parent_id": "crop"})
    assert (image.ancestry.id, image.ancestry.root_id) == ("crop", "photo")
    assert image.ancestry.root_size == (12, 16)
    assert load({"value": TEXT, "parent_id": None}).ancestry.is_root


@pytest.mark.parametrize("text", [TEXT, f"data:image/png;base64,{TEXT}"])
def test_an_untouched_image_is_given_back_as_it_came(text: str) -> None:
    written = image_to_json(load(text))
    assert written["value"] == text
    assert list(written) == ["type", "value", "video_metadata"]
    assert list(written["video_metadata"])[:3] == ["video_identifier", "frame_number", "frame_timestamp"]
    assert written["video_metadata"]["video_identifier"] == "photo"


@pytest.mark.parametrize("pixels", [PICTURE, PICTURE[..., 0]], ids=["color", "grey"])
def test_a_drawn_image_becomes_a_jpeg(pixels: Any) -> None:
    written = image_to_json(load(TEXT).with_pixels(pixels))
    data = np.frombuffer(b64decode(written["value"]), np.uint8)
    assert data[:3].tobytes() == b"\xff\xd8\xff"
    decoded = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert decoded.shape == pixels.shape


@pytest.mark.parametrize("extension", [".png", ".webp"])
def test_a_picture_with_an_alpha_channel_keeps_it_beside_its_pixels(extension: str) -> None:
    alpha = np.random.default_rng(1).integers(0, 256, (12, 16, 1), dtype=np.uint8)
    quality = [cv2.IMWRITE_WEBP_QUALITY, 101] if extension == ".webp" else []
    _, data = cv2.imencode(extension, np.dstack([PICTURE, alpha]), quality)
    image = load(b64encode(data.tobytes()).decode())
    assert image.pixels.shape == (12, 16, 3)
    assert image.alpha is not None
    assert np.array_equal(image.alpha, alpha[..., 0])
    assert image.with_pixels(image.pixels).alpha is None


def test_other_pictures_have_no_alpha_channel() -> None:
    assert load(TEXT).alpha is None
    _, deep = cv2.imencode(".png", np.zeros((4, 4, 4), dtype=np.uint16))
    assert load(b64encode(deep.tobytes()).decode()).alpha is None
