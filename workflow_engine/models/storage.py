"""Files of models: checksums, and what goes wrong with disks, as sentences."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow_engine.models.family import ModelError

_REASONS = {
    errno.ENOSPC: ("disk_full", "the disk is full", "Make room and run again; nothing half-written was kept."),
    errno.EDQUOT: (
        "disk_full",
        "your disk quota is used up",
        "Make room and run again; nothing half-written was kept.",
    ),
    errno.EROFS: ("disk_read_only", "the disk is read-only", "Set SEGFLOW_HOME to a folder that can be written."),
    errno.EACCES: ("disk_refused", "access is refused", "Check the rights of the folder, or set SEGFLOW_HOME."),
}


def checksum(path: Path, algorithm: str) -> str:
    """Return the hexadecimal checksum of a file; ``algorithm`` is one of hashlib's names."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


@contextmanager
def disk_errors_explained(action: str) -> Iterator[None]:
    """Turn errors of the file system into one sentence; ``action`` says what was being done, as in ``Keeping x``.

    Raises:
        ModelError: In place of any ``OSError``.
    """
    try:
        yield
    except OSError as error:
        fallback = ("disk_failed", (error.strerror or str(error)).lower(), "")
        code, reason, hint = _REASONS.get(error.errno or 0, fallback)
        place = f" ({error.filename})" if error.filename else ""
        raise ModelError(code, f"{action} failed: {reason}{place}.", hint=hint, whose="operator") from error
