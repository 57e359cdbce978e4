"""The values of a batch at run time: a mapping from index tuples to values.

The index of a value has one number per dimension of its lineage: ``()`` for a value of the whole run, ``(0,)`` for the
first image, ``(0, 3)`` for the fourth crop of it. An index that flow control pruned is absent; so is one whose value is
``None``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from workflow_engine.plan import Lineage

Index: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Values of one lineage by index."""

    lineage: Lineage
    values: Mapping[Index, Any]

    @classmethod
    def single(cls, value: Any) -> Batch:
        """One value for the whole run."""
        return cls((), {(): value})

    def at(self, index: Index) -> Any:
        """Return the value that an element at ``index`` sees, its own or its ancestor's; ``None`` when missing."""
        return self.values.get(index[: len(self.lineage)])


class Extents:
    """Which elements exist at each lineage of a run, present or pruned, in order."""

    def __init__(self) -> None:
        """Start with the one element of the whole run."""
        self._children: dict[Lineage, dict[Index, int]] = {}

    def spread(self, lineage: Lineage, counts: Mapping[Index, int]) -> None:
        """Note how many children each parent index has in the last dimension of ``lineage``."""
        self._children[lineage] = dict(counts)

    def below(self, lineage: Lineage, parent: Index) -> list[Index]:
        """Return the indices of ``lineage`` that begin with ``parent``, in order."""
        found = [parent]
        for depth in range(len(parent) + 1, len(lineage) + 1):
            counts = self._children.get(lineage[:depth], {})
            found = [(*index, child) for index in found for child in range(counts.get(index, 0))]
        return found

    def of(self, lineage: Lineage) -> list[Index]:
        """Return every index of ``lineage``, in order."""
        return self.below(lineage, ())


def nested(value: Any, depth: int, index: Index = ()) -> Iterable[tuple[Index, Any]]:
    """Yield every index and value of a list nested ``depth`` levels deep."""
    if depth == 0:
        yield index, value
    else:
        for i, element in enumerate(value):
            yield from nested(element, depth - 1, (*index, i))
