"""Ways to damage bytes, as faults of disks and networks do, and as attackers do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def damaged(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Return ``data`` after one to eight random changes; parts of ``others`` may get into it."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        if changed:
            chance.choice(WAYS)(changed, chance, others)
    return bytes(changed)


def _flip(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _flip_early(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    data[chance.randrange(min(64, len(data)))] = chance.randrange(256)


def _number(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    width, at = chance.choice((1, 2, 4)), chance.randrange(len(data))
    value = chance.choice(EXTREMES) & ((1 << 8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, chance.choice(("big", "little")))


def _cut(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    del data[chance.randrange(len(data)) :]


def _remove(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randint(1, 64)]


def _repeat(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + chance.randint(1, 256)] * chance.randint(1, 16)


def _splice(data: bytearray, chance: random.Random, others: Sequence[bytes]) -> None:
    other = chance.choice(others)
    at = chance.randrange(len(other))
    data[chance.randrange(len(data)) :] = other[at:]


WAYS: tuple[Callable[[bytearray, random.Random, Sequence[bytes]], None], ...] = (
    *(_flip, _flip_early, _number, _cut, _remove, _repeat, _splice),
)
