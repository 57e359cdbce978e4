"""The graph of a workflow's steps: an order to run them in, or the circle that forbids one.

The only file that knows networkx, and it asks for it only when there is a circle.
"""

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
    position = {step: i for i, step in enumerate(after)}
    sorter = TopologicalSorter(after)
    try:
        sorter.prepare()
    except CycleError:
        raise Circle(_circle(after, position)) from None
    names, found, ready = list(after), list[str](), list[int]()
    while sorter:
        for step in sorter.get_ready():
            heappush(ready, position[step])
        found.append(names[heappop(ready)])
        sorter.done(found[-1])
    return found


def _circle(after: Mapping[str, Collection[str]], position: Mapping[str, int]) -> list[str]:
    # networkx takes 80 ms to import: too long for every start, but nobody waits for a circle to be named.
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(after)
    graph.add_edges_from((before, step) for step, earlier in after.items() for before in earlier)
    steps = [before for before, _ in nx.find_cycle(graph)]
    first = steps.index(min(steps, key=position.__getitem__))
    return steps[first:] + steps[:first]
