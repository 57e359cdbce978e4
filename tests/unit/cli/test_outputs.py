"""Outputs on disk, and in words."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from workflow_engine.cli.outputs import Folder, PictureFile, plain_name
from workflow_engine.cli.summary import in_words
from workflow_engine.errors import WorkflowError

PNG = b"\x89PNG\r\n\x1a\n rest"
JPEG = b"\xff\xd8\xff rest"


def image(data: bytes) -> dict[str, Any]:
    return {"type": "base64", "value": b64encode(data).decode(), "video_metadata": {}}


def table(*classes: str) -> dict[str, Any]:
    return {"image": {"width": 4, "height": 3}, "predictions": [{"class": name} for name in classes]}


def test_nested_pictures_go_into_folders(tmp_path: Path) -> None:
    kept = Folder(tmp_path / "out").keep(
        {"crops": [image(JPEG), None, [image(PNG)]], "all": {"drawn": image(JPEG), "n": 3}}, under="photo"
    )
    assert kept == {
        "crops": ["photo/crops/0.jpg", None, ["photo/crops/2/0.png"]],
        "all": {"drawn": "photo/all/drawn.jpg", "n": 3},
    }
    assert (tmp_path / "out" / "photo" / "crops" / "2" / "0.png").read_bytes() == PNG


def test_many_pictures_sort_by_name(tmp_path: Path) -> None:
    kept = Folder(tmp_path).keep({"crops": [image(JPEG)] * 11})
    assert kept["crops"] == sorted(kept["crops"])


def test_an_output_may_be_called_anything(tmp_path: Path) -> None:
    kept = Folder(tmp_path / "out").keep(
        {"../../etc/passwd": image(JPEG), "Größe in mm²": image(JPEG), "…": image(JPEG)}
    )
    assert list(kept.values()) == ["etc_passwd.jpg", "Größe_in_mm².jpg", "_.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_data_uri_is_read_too(tmp_path: Path) -> None:
    value = {"type": "base64", "value": "data:image/png;base64," + b64encode(PNG).decode()}
    assert Folder(tmp_path).keep({"echo": value}) == {"echo": "echo.png"}
    assert (tmp_path / "echo.png").read_bytes() == PNG


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkflowError, match="cannot be made: not a directory"):
        Folder(tmp_path / "file" / "out")


@pytest.mark.parametrize(
    ("text", "name"), [("a b", "a_b"), ("..", "_"), ("", "_"), (".hidden", "hidden"), ("x" * 99, "x" * 80)]
)
def test_plain_names(text: str, name: str) -> None:
    assert plain_name(text) == name


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (True, "yes"),
        (0.123456, "0.1235"),
        ({"bolt": 2, "nut": 1}, "bolt 2, nut 1"),
        ({}, "{}"),
        (
            {"image": {}, "predictions": [{"class": "nut"}, {"class": "bolt"}, {"class": "nut"}]},
            "3 objects: 2 nut, 1 bolt",
        ),
        ({"image": {}, "predictions": [{"class": "nut"}]}, "1 object: 1 nut"),
        ({"image": {}, "predictions": []}, "no objects"),
        (image(JPEG), "a picture (--out DIR keeps it)"),
        ([image(JPEG)] * 2, "2 pictures (--out DIR keeps them)"),
        ([PictureFile("a.jpg"), PictureFile("b.jpg")], "a.jpg and 1 more"),
        ([1, "a"], '[1, "a"]'),
        ("x" * 300, "x" * 300),
        (list(range(100)), "[" + ", ".join(map(str, range(100)))[:98] + "…"),
    ],
)
def test_values_in_words(value: Any, words: str) -> None:
    assert in_words(value) == words
