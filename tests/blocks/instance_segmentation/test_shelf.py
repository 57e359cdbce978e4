"""Compiled networks on disk."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from blocks.instance_segmentation.backends.interface import Facts
from blocks.instance_segmentation.gate import Verdict
from blocks.instance_segmentation.shelf import Entry, Key, Shelf, digest

FACTS = Facts(side=48, outputs=4, nbytes=1000)
KEY = Key(way="openvino-float32-48", version="1.0-2", rest="abc")
GOOD = Verdict(holds=True, figures={"score": 0.001})
ENTRY = Entry(facts=FACTS, verdict=GOOD, seconds=0.02)


def put(shelf: Shelf, content: bytes = b"graph", *, key: Key = KEY) -> None:
    def save(folder: Path) -> None:
        (folder / "look.blob").write_bytes(content)

    shelf.write(key, ENTRY, save)


def test_what_was_put_there_is_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "new" / "shelf")
    assert shelf.read(KEY) is None
    put(shelf)
    assert shelf.read(KEY) == ENTRY
    assert (shelf.folder(KEY) / "look.blob").read_bytes() == b"graph"
    assert [folder.name for folder in (tmp_path / "new" / "shelf").iterdir()] == [str(KEY)]


@pytest.mark.parametrize("damage", ["cut", "gone", "no json", "other format", "other facts"])
def test_what_is_damaged_counts_as_absent_and_is_replaced(damage: str, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    put(shelf)
    file, entry = tmp_path / str(KEY) / "look.blob", tmp_path / str(KEY) / "entry.json"
    match damage:
        case "cut":
            file.write_bytes(b"gra")
        case "gone":
            file.unlink()
        case "no json":
            entry.write_bytes(b"\xff{")
        case "other format":
            entry.write_text(json.dumps(json.loads(entry.read_text()) | {"format": 0}))
        case _:
            entry.write_text(json.dumps(json.loads(entry.read_text()) | {"facts": {"side": 48}}))
    assert shelf.read(KEY) is None
    put(shelf, b"anew")
    assert shelf.read(KEY) == ENTRY
    assert (shelf.folder(KEY) / "look.blob").read_bytes() == b"anew"
    assert [folder.name for folder in tmp_path.iterdir()] == [str(KEY)]


def test_of_two_that_write_the_first_stays(tmp_path: Path) -> None:
    put(Shelf(tmp_path), b"first")
    put(Shelf(tmp_path), b"second")
    assert (tmp_path / str(KEY) / "look.blob").read_bytes() == b"first"


def test_a_new_version_takes_the_place_of_others(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    others = [replace(KEY, way="openvino-float32-480"), replace(KEY, way="openvino-bfloat16-48")]
    here = replace(KEY, version="1.10-2", rest="of another processor")
    for key in (KEY, replace(KEY, version="1.0-1"), *others, here):
        put(shelf, key=key)
    put(shelf, key=replace(KEY, version="1.10-2"))
    left = {folder.name for folder in tmp_path.iterdir()}
    assert left == {str(key) for key in (*others, here, replace(KEY, version="1.10-2"))}


def test_a_disk_that_refuses_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    shelf = Shelf(tmp_path / "file" / "below")

    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with caplog.at_level(logging.WARNING):
        put(shelf)
        Shelf(tmp_path / "shelf").write(KEY, ENTRY, full)
    assert len(caplog.messages) == 2
    assert all("used but not kept" in message for message in caplog.messages)
    assert list((tmp_path / "shelf").iterdir()) == []


def test_no_folder_keeps_nothing(tmp_path: Path) -> None:
    shelf = Shelf(None)
    put(shelf)
    assert shelf.read(KEY) is None


def test_names_depend_on_every_part() -> None:
    assert digest({"a": "1", "b": "2"}) == digest({"b": "2", "a": "1"}) != digest({"a": "1", "b": "3"})
