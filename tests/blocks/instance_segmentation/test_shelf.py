"""Compiled networks on disk."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from blocks.instance_segmentation.backends.interface import Facts
from blocks.instance_segmentation.gate import Verdict
from blocks.instance_segmentation.shelf import Shelf, digest

FACTS = Facts(side=48, outputs=4, nbytes=1000)
GOOD = Verdict(holds=True, figures={"score": 0.001})


def put(shelf: Shelf, content: bytes = b"graph") -> None:
    def save(folder: Path) -> None:
        (folder / "look.blob").write_bytes(content)

    shelf.write("key", FACTS, GOOD, save)


def test_what_was_put_there_is_there(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "new" / "shelf")
    assert shelf.read("key") is None
    put(shelf)
    entry = shelf.read("key")
    assert entry is not None
    assert (entry.facts, entry.verdict) == (FACTS, GOOD)
    assert (entry.folder / "look.blob").read_bytes() == b"graph"
    assert [folder.name for folder in (tmp_path / "new" / "shelf").iterdir()] == ["key"]


@pytest.mark.parametrize("damage", ["cut", "gone", "no json", "other format", "other facts"])
def test_what_is_damaged_counts_as_absent_and_is_replaced(damage: str, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    put(shelf)
    file, entry = tmp_path / "key" / "look.blob", tmp_path / "key" / "entry.json"
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
    assert shelf.read("key") is None
    put(shelf, b"anew")
    mended = shelf.read("key")
    assert mended is not None
    assert (mended.folder / "look.blob").read_bytes() == b"anew"
    assert [folder.name for folder in tmp_path.iterdir()] == ["key"]


def test_of_two_that_write_the_first_stays(tmp_path: Path) -> None:
    put(Shelf(tmp_path), b"first")
    put(Shelf(tmp_path), b"second")
    assert (tmp_path / "key" / "look.blob").read_bytes() == b"first"


def test_a_disk_that_refuses_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    shelf = Shelf(tmp_path / "file" / "below")

    def full(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with caplog.at_level(logging.WARNING):
        put(shelf)
        Shelf(tmp_path / "shelf").write("key", FACTS, GOOD, full)
    assert len(caplog.messages) == 2
    assert all("used but not kept" in message for message in caplog.messages)
    assert list((tmp_path / "shelf").iterdir()) == []


def test_no_folder_keeps_nothing(tmp_path: Path) -> None:
    shelf = Shelf(None)
    put(shelf)
    assert shelf.read("key") is None


def test_names_depend_on_every_part() -> None:
    assert digest({"a": "1", "b": "2"}) == digest({"b": "2", "a": "1"}) != digest({"a": "1", "b": "3"})
