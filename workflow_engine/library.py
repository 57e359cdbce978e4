"""Saved workflows: a folder for each, a JSON file for each of its versions, none of which ever changes.

``parts/3.json`` is the third version of the workflow ``parts``: the document itself, to be read, copied and compared
with any tool. A version is written elsewhere, flushed to the disk and then linked to its name, which works for one
writer only. So a file is whole or absent whatever happens, and of two who save at once, in one process or in several,
one is the earlier.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from workflow_engine.definition import read
from workflow_engine.errors import Problem, Whose, WorkflowError, nearest
from workflow_engine.settings import Limits

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
_FILE = re.compile(r"([1-9][0-9]{0,8})\.json", re.ASCII)
_PART, _GONE = ".part", ".gone"
_LISTED = "GET /api/workflows and segflow workflows list name those there are."
_ATTEMPTS = 100
_ABANDONED_SECONDS = 3600.0
"""Age after which a part belongs to no writer that still lives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One version of a saved workflow.

    Attributes:
        id: The workflow's name.
        version: 1 for the first that was saved.
        saved_at: When, in UTC.
        nbytes: Size of its file.
    """

    id: str
    version: int
    saved_at: datetime
    nbytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A version with its content: the document as it was saved, which need not be one that runs."""

    entry: Entry
    definition: Mapping[str, Any]


class Library:
    """The saved workflows of one folder. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, *, limits: Limits) -> None:
        """Keep workflows in ``folder``, which is made when the first is saved; ``limits`` bound a document."""
        self._root, self._limits = folder.resolve(), limits

    def list(self) -> tuple[Entry, ...]:
        """Return the latest version of every workflow, by name."""
        with _explained("The saved workflows cannot be listed"):
            names = sorted(name for name in _names(self._root) if _ID.fullmatch(name))
            return tuple(entry for name in names for entry in self._entries(name, self._numbers(name)[:1]))

    def versions(self, workflow_id: str) -> tuple[Entry, ...]:
        """Return every version of a workflow, the latest first.

        Raises:
            WorkflowError: If there is no such workflow (``workflow_unknown``).
        """
        with _explained(f"The workflow {workflow_id!r} cannot be read"):
            return tuple(self._entries(workflow_id, self._known(workflow_id)))

    def read(self, workflow_id: str, version: int | None = None) -> Saved:
        """Return one version of a workflow, by default the latest.

        Raises:
            WorkflowError: If there is none (``workflow_unknown``, ``workflow_version_unknown``), or somebody damaged
                its file (``workflow_damaged``).
        """
        with _explained(f"The workflow {workflow_id!r} cannot be read"):
            numbers = self._known(workflow_id)
            number = numbers[0] if version is None else version
            if number not in numbers:
                message = f"The workflow {workflow_id!r} has no version {version}; its latest is {numbers[0]}."
                raise _error(
                    "workflow_version_unknown", message, "Ask for one of its versions, or for none: the latest."
                )
            try:
                content = json.loads(_content(self._root / workflow_id / f"{number}.json"))
                entry = _entry(self._root / workflow_id, number)
            except FileNotFoundError:
                raise self._unknown(workflow_id) from None
            except (ValueError, RecursionError):
                content = None
        if not isinstance(content, dict):
            message = f"The file {number}.json of the workflow {workflow_id!r} holds no JSON object."
            hint = "Somebody changed it by hand; an earlier version may help."
            raise _error("workflow_damaged", message, hint, whose="operator")
        return Saved(entry=entry, definition=content)

    def save(
        self, workflow_id: str, document: bytes | str | Mapping[str, Any], *, expected: int | None = None
    ) -> Saved:
        """Keep ``document`` as the workflow's next version; once this returns, the disk has it.

        Args:
            workflow_id: The workflow's name: small letters, digits, ``-`` and ``_``.
            document: Any JSON object; one that would not run is saved as well, being work in progress.
            expected: The version that it was made from, 0 for none; ``None`` when that does not matter.

        Raises:
            DefinitionError: If the document is not a JSON object, or passes a limit.
            WorkflowError: If the name is none (``workflow_name``), another version came first (``workflow_changed``),
                or the disk cannot take it (``library_failed``).
        """
        if not _is_id(workflow_id):
            raise _bad_name(workflow_id)
        content = read(document, limits=self._limits)
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        if len(text) > self._limits.definition_bytes:  # which does not count the indentation
            read(json.dumps(content, separators=(",", ":"), ensure_ascii=False), limits=self._limits)
        with _explained(f"The workflow {workflow_id!r} cannot be saved"):
            for _ in range(_ATTEMPTS):
                latest = next(iter(self._numbers(workflow_id)), 0)
                if expected not in (None, latest):
                    raise _changed(workflow_id, latest, expected)
                with suppress(FileExistsError, FileNotFoundError):  # somebody saved or deleted it at this moment
                    entry = self._write(workflow_id, latest + 1, text)
                    return Saved(entry=entry, definition=content)
            raise InterruptedError("others save and delete it all the time")

    def delete(self, workflow_id: str) -> None:
        """Delete a workflow with all its versions.

        Raises:
            WorkflowError: If there is no such workflow (``workflow_unknown``).
        """
        with _explained(f"The workflow {workflow_id!r} cannot be deleted"):
            self._known(workflow_id)
            try:
                # The name is gone at once, however long the rest takes.
                (self._root / workflow_id).rename(self._root / f".{uuid4().hex}{_GONE}")
            except FileNotFoundError:
                raise self._unknown(workflow_id) from None
            _flush(self._root)
            for name in _names(self._root):
                if name.startswith(".") and name.endswith(_GONE):
                    shutil.rmtree(self._root / name, ignore_errors=True)

    def _numbers(self, workflow_id: str) -> Sequence[int]:
        """Return the numbers of a workflow's versions, the latest first."""
        found = (_FILE.fullmatch(name) for name in _names(self._root / workflow_id))
        return sorted((int(match[1]) for match in found if match), reverse=True)

    def _known(self, workflow_id: str) -> Sequence[int]:
        """Return the same of a workflow that there is.

        Raises:
            WorkflowError: If there is none (``workflow_unknown``).
        """
        numbers = self._numbers(workflow_id) if _is_id(workflow_id) else ()
        if not numbers:
            raise self._unknown(workflow_id)
        return numbers

    def _entries(self, workflow_id: str, numbers: Iterable[int]) -> Iterator[Entry]:
        for number in numbers:
            with suppress(FileNotFoundError):  # deleted at this moment
                yield _entry(self._root / workflow_id, number)

    def _write(self, workflow_id: str, version: int, text: bytes) -> Entry:
        """Write a version that is not there yet.

        Raises:
            FileExistsError: If it is there by now.
            FileNotFoundError: If the folder was deleted meanwhile.
        """
        folder = self._root / workflow_id
        if folder.is_symlink():
            raise NotADirectoryError("its folder is a link")
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{uuid4().hex}{_PART}"
        try:
            with part.open("xb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            (folder / f"{version}.json").hardlink_to(part)
        finally:
            part.unlink(missing_ok=True)
        for changed in (folder, self._root, self._root.parent)[: 3 if version == 1 else 1]:
            _flush(changed)
        _sweep(folder)
        return _entry(folder, version)

    def _unknown(self, workflow_id: str) -> WorkflowError:
        hint = nearest(workflow_id, (name for name in _names(self._root) if _ID.fullmatch(name))) or _LISTED
        return _error("workflow_unknown", f"There is no saved workflow {workflow_id[:80]!r}.", hint)


def _is_id(text: str) -> bool:
    return bool(_ID.fullmatch(text)) and text not in _DEVICES


def _names(folder: Path) -> tuple[str, ...]:
    """Return what is in a folder: nothing when it is missing, or a link to somewhere else."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    try:
        return tuple(entry.name for entry in os.scandir(descriptor))
    finally:
        os.close(descriptor)


def _entry(folder: Path, version: int) -> Entry:
    status = (folder / f"{version}.json").stat(follow_symlinks=False)
    saved_at = datetime.fromtimestamp(status.st_mtime, UTC)
    return Entry(id=folder.name, version=version, saved_at=saved_at, nbytes=status.st_size)


def _content(path: Path) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read()


def _flush(folder: Path) -> None:
    """Bring the folder's list of names to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove what writers left behind that were killed."""
    for name in _names(folder):
        if name.startswith(".") and name.endswith(_PART):
            with suppress(FileNotFoundError):
                if time.time() - (folder / name).stat().st_mtime > _ABANDONED_SECONDS:
                    (folder / name).unlink()


@contextmanager
def _explained(failure: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{failure}: {(error.strerror or str(error)).lower()}."
        hint = "Check that the folder of saved workflows may be written to and has room left (SEGFLOW_WORKFLOWS)."
        raise _error("library_failed", message, hint, whose="operator") from error


def _error(code: str, message: str, hint: str = "", *, whose: Whose = "caller") -> WorkflowError:
    return WorkflowError(Problem(code=code, message=message, hint=hint, whose=whose))


def _bad_name(text: str) -> WorkflowError:
    reason = (
        "some systems know it as a device" if text in _DEVICES else "use up to 64 small letters, digits, '-' and '_'"
    )
    message = f"{text[:80]!r} cannot name a workflow: {reason}."
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:64].strip("-")
    return _error("workflow_name", message, f"Such as {plain!r}." if _is_id(plain) else "Such as 'count-parts'.")


def _changed(workflow_id: str, latest: int, expected: int | None) -> WorkflowError:
    if not expected:
        message = f"There is a saved workflow {workflow_id!r} already, at version {latest}."
        return _error("workflow_changed", message, "Choose another name, or save it as the next version of that one.")
    found = f"is at version {latest}" if latest else "was deleted"
    message = f"The workflow {workflow_id!r} {found}, not at version {expected}: somebody was faster."
    return _error("workflow_changed", message, "Read it again, and save what you want to keep of both.")
