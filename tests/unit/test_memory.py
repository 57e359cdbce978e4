"""What becomes of freed memory, seen in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workflow_engine import memory

PICTURES = """
import resource, sys
import numpy as np
from workflow_engine import memory

if "kept" in sys.argv:
    memory.keep_freed()
pictures = [np.ones((480, 640, 3), dtype=np.uint8) for _ in range(9)]
del pictures
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    pictures = [np.ones((480, 640, 3), dtype=np.uint8) for _ in range(9)]
    del pictures
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
FILLED = """
from pathlib import Path
from workflow_engine import memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

memory.keep_freed()
pieces = [b"x" * (1 << 20) for _ in range(100)]
del pieces
kept = resident()
memory.give_back()
print(kept - resident())
"""

glibc = pytest.mark.skipif(memory._glibc() is None, reason="this C library is not glibc, whose malloc this is about")


def told(program: str, *arguments: str) -> int:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return int(done.stdout)


@glibc
def test_what_a_picture_has_freed_is_there_for_the_next_one() -> None:
    pages = 9 * 480 * 640 * 3 // 4096
    assert told(PICTURES, "kept") < pages
    assert told(PICTURES) > 2 * pages  # how many more depends on what else lies in the heap


@glibc
def test_what_is_kept_can_be_given_back() -> None:
    assert told(FILLED) > 50 << 20


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    memory.keep_freed()
    memory.give_back()
