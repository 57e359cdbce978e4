"""What this process does, as the interpreter tells it: code made and run, files opened, connections, other programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Done = list[tuple[str, tuple[Any, ...]]]

RUNS = ("exec", "compile", "code.__new__", "function.__new__", "marshal.", "pickle.", "ctypes.", "import")
PROGRAMS = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "pty.")
FILES = (
    *("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir"),
    *("os.truncate", "os.chmod", "os.chdir", "shutil.", "tempfile.", "glob."),
)
NETWORK = ("socket.", "urllib.", "http.client.", "webbrowser.", "ftplib.", "smtplib.")

_listening: list[Callable[[str, tuple[Any, ...]], None]] = []
_hooked = False


@contextmanager
def watching(*events: str) -> Iterator[Done]:
    """Lend a list that fills with the events whose names begin with one of ``events``, and what they are about."""
    global _hooked
    done: Done = []

    def note(event: str, about: tuple[Any, ...]) -> None:
        if event.startswith(events):
            done.append((event, about))

    _listening.append(note)
    if not _hooked:  # a hook cannot be taken away again
        sys.addaudithook(_tell)
        _hooked = True
    try:
        yield done
    finally:
        _listening.remove(note)


def _tell(event: str, about: tuple[Any, ...]) -> None:
    for listener in _listening:
        listener(event, about)
