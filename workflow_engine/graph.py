"""The graph of a workflow's steps: an order to run them in, or the circle that forbids one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush


class Circle(Exception):
    """Steps that wait for each other; ``steps`` has each of them once, every one before those that wait for it."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__(" → ".join(steps))
        self.steps = steps


def order(after: Mapping[str, Collection[str]]) -> list[str]:
    """Return the steps so that each stands after those of ``after[step]``; ties keep the order of the document.

    Raises:
        Circle: If there is no such order; the circle begins with the step that comes first in the document.
    """
    names = list(after)
    position = {name: i for i, name in enumerate(names)}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, earlier in after.items():
        sorter.add(name, *sorted(earlier, key=position.__getitem__))
    try:
        sorter.prepare()
    except CycleError as error:
        steps: list[str] = error.args[1][1:]
        first = steps.index(min(steps, key=position.__getitem__))
        raise Circle(steps[first:] + steps[:first]) from None
    found: list[str] = []
    ready: list[int] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(ready, position[name])
        found.append(names[heappop(ready)])
        sorter.done(found[-1])
    return found
