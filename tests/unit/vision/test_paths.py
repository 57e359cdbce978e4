"""Paths: no name leaves its folder, no file is left half written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_engine.errors import WorkflowError
from workflow_engine.vision.paths import append, contained, write_atomic


@pytest.mark.parametrize("name", ["a", "a/b.png", "a/../b", ".hidden", "%2e%2e/a", "…", "a b", "C:a"])
def test_names_inside(tmp_path: Path, name: str) -> None:
    assert contained(tmp_path, name).is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../a", "a/../../b", "/etc/passwd", "//etc", "a/..", "./../" * 3, "/"),
        *("..\\a", "a\\..\\..\\b", "\\\\host\\share", "a\0b", "link/a", "link", "circle/a"),
    ],
)
def test_names_that_lead_outside(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    with pytest.raises(WorkflowError, match="does not stay inside its folder") as caught:
        contained(root, name)
    assert caught.value.problem.code == "path_refused"


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_atomic(path, b"one")
    write_atomic(str(path), b"two")
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.json"]
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert path.stat().st_mode == plain.stat().st_mode


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "out.json"
    path.write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkflowError, match=r"out\.json' cannot be written: No space left on device") as caught:
        write_atomic(path, b"after")
    assert (caught.value.problem.code, caught.value.problem.whose) == ("output_unwritable", "operator")
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"before"]


def test_a_file_that_outgrows_its_limit_leaves_nothing(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\n"
        "from workflow_engine.vision.paths import write_atomic\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_atomic(sys.argv[1], bytes(100_000))\n"
    )
    command = [sys.executable, "-B", "-c", program, str(tmp_path / "big")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "cannot be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_other_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path, sentence in (
        (tmp_path / "none" / "a", "No such file or directory"),
        (tmp_path / "folder", "Is a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(WorkflowError, match=sentence):
            write_atomic(path, b"data")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a", b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_a_file_is_not_written_to(tmp_path: Path) -> None:
    log, secret = tmp_path / "log.txt", tmp_path / "secret"
    append(log, b"one\n")
    append(log, b"two\n")
    assert log.read_bytes() == b"one\ntwo\n"
    secret.write_bytes(b"kept")
    log.unlink()
    log.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        append(log, b"three\n")
    assert secret.read_bytes() == b"kept"
