"""Names that become paths, and files that are whole or absent."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from workflow_engine.errors import Problem, WorkflowError


def at_home(name: str) -> Path:
    """Return the path of a name that may begin with ``~``; one that begins so and names no user is taken as it is."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def contained(root: str | Path, name: str) -> Path:
    """Return the path of ``name`` inside the folder ``root``.

    Every link on the way is followed before the answer is given, so that none leads outside.

    Raises:
        WorkflowError: The name is empty or leads out of the folder (``path_refused``).
    """
    base = Path(root).resolve()
    try:
        # A backslash separates folders on other systems; nobody needs it in a name on this one.
        path = base if "\\" in name else (base / name).resolve()
    except (OSError, RuntimeError, ValueError):
        path = base  # a name that is too long, goes in circles or has a null byte
    if path == base or not path.is_relative_to(base):
        message = f"The name {name[:80]!r} does not stay inside its folder."
        hint = "Give a relative name without '..' and backslashes."
        raise WorkflowError(Problem(code="path_refused", message=message, hint=hint, whose="caller"))
    return path


def append(path: Path, data: bytes) -> None:
    """Write ``data`` at the end of a file, which is made if there is none.

    The path should be one that ``contained`` gave. A link that has taken the file's place since is not followed.

    Raises:
        OSError: The file cannot be written, or is a link.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # Windows has no such flag
    with open(os.open(path, flags, 0o666), "ab") as file:  # noqa: PTH123 -- pathlib cannot pass the flags
        file.write(data)


def write_atomic(path: str | Path, data: bytes) -> None:
    """Write a file so that it holds all of ``data``, or what it held before, whatever happens.

    Raises:
        WorkflowError: The folder cannot be written to, or the disk is full (``output_unwritable``); nothing is left.
    """
    target = Path(path)
    # In the same folder, so that the last step is a rename and not a copy.
    part = target.with_name(f".{target.name[:40]}.{uuid4().hex}.part")
    try:
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
    except OSError as error:
        message = f"The file {str(target)!r} cannot be written: {error.strerror or error}."
        hint = "Check that the folder exists, may be written to, and has room left."
        raise WorkflowError(Problem(code="output_unwritable", message=message, hint=hint, whose="operator")) from error
