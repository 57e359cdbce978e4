"""Compiled networks on disk, each with the verdict of the gate: there whole or not at all, and never trusted blindly.

An entry is a folder with ``entry.json``, which has a checksum of every other file. It is written elsewhere and renamed
into place, so several processes may write the same one. What is damaged counts as absent and is written anew. An entry
takes the place of those that other versions wrote for the same way of running.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from blocks.instance_segmentation.backends.interface import Facts
from blocks.instance_segmentation.gate import Verdict

ENTRY = "entry.json"
LOCK = ".lock"
FORMAT = 2

_log = logging.getLogger("segflow.models")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What an entry is found by.

    Attributes:
        way: How the network is run.
        version: Of what compiled it; only entries of the version that wrote last are kept.
        rest: Digest of all else that it depends on.
    """

    way: str
    version: str
    rest: str

    def __str__(self) -> str:
        return f"{self.way}-{self.version}-{self.rest}"

    def is_other_version(self, name: str) -> bool:
        """Whether an entry of this name is for the same way, but of another version."""
        return name.startswith(f"{self.way}-") and not name.startswith(f"{self.way}-{self.version}-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of one network in one backend and precision.

    Attributes:
        facts: Of the network.
        verdict: Whether it may be used.
        seconds: What one look took when it was tried.
    """

    facts: Facts
    verdict: Verdict
    seconds: float


class Shelf:
    """Keeps what was compiled of one model. Safe to use from several processes."""

    def __init__(self, folder: Path | None) -> None:
        """Keep entries below ``folder``; ``None`` keeps nothing."""
        self._root = folder

    def folder(self, key: Key) -> Path:
        """Return where the files of an entry that was read are."""
        assert self._root is not None
        return self._root / str(key)

    def read(self, key: Key) -> Entry | None:
        """Return the entry of this key, if it is there and undamaged."""
        if self._root is None:
            return None
        folder = self.folder(key)
        try:
            content = json.loads((folder / ENTRY).read_bytes())
            whole = content["format"] == FORMAT and all(
                file_checksum(folder / name) == checksum for name, checksum in content["files"].items()
            )
            facts, verdict = Facts(**content["facts"]), Verdict(**content["verdict"])
            entry = Entry(facts=facts, verdict=verdict, seconds=float(content["seconds"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return entry if whole else None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time make what is not there; where the disk refuses, each makes its own."""
        with ExitStack() as stack:
            if self._root is not None:
                with suppress(OSError):
                    self._root.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(FileLock(self._root / LOCK))
            yield

    def drop(self, key: Key) -> None:
        """Forget an entry that is whole and of no use. It goes at once, so that nobody finds half of it."""
        if self._root is not None:
            gone = self._root / f".gone-{uuid4().hex}"
            with suppress(OSError):  # another process drops it too, or holds it open
                (self._root / str(key)).rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def write(self, key: Key, entry: Entry, save: Callable[[Path], None]) -> None:
        """Keep an entry; ``save`` writes its files into a folder. A disk that refuses costs a warning, no more."""
        if self._root is None:
            return
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            place = Path(tempfile.mkdtemp(prefix=".new-", dir=self._root))
        except OSError as error:
            _unkept(error)
            return
        try:
            fresh = place / "entry"
            fresh.mkdir()
            save(fresh)
            files = {file.name: file_checksum(file) for file in fresh.iterdir()}
            content = {"format": FORMAT, "files": files, **asdict(entry)}
            (fresh / ENTRY).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            self._put(fresh, key, self._root)
            self._drop_other_versions(key, self._root, place)
        except OSError as error:
            _unkept(error)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _put(self, fresh: Path, key: Key, root: Path) -> None:
        target = root / str(key)
        try:
            fresh.rename(target)
        except OSError:
            # Another process was faster, or what lies there is damaged.
            if self.read(key) is not None:
                return
            if target.exists():
                target.rename(fresh.with_name("damaged"))
            fresh.rename(target)

    def _drop_other_versions(self, key: Key, root: Path, place: Path) -> None:
        """Move them whole to where they are deleted, so that nobody finds half of one."""
        for folder in root.iterdir():
            if key.is_other_version(folder.name):
                with suppress(OSError):  # another process drops it too, or holds it open
                    folder.rename(place / folder.name)


def digest(parts: Mapping[str, str]) -> str:
    """Return a short name for what an entry depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def file_checksum(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _unkept(error: OSError) -> None:
    _log.warning("What was compiled is used but not kept, so the next start compiles again: %s.", error)
