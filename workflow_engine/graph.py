"""The graph of a workflow's steps: an order to run them in, or the circle that forbids one.

The only file that knows networkx, and it asks for it only when there is something to order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


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
    import networkx as nx

    position = {step: i for i, step in enumerate(after)}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(after)
    graph.add_edges_from((before, step) for step, earlier in after.items() for before in earlier)
    try:
        return list(nx.lexicographical_topological_sort(graph, key=position.__getitem__))
    except nx.NetworkXUnfeasible:
        steps = [before for before, _ in nx.find_cycle(graph)]
        first = steps.index(min(steps, key=position.__getitem__))
        raise Circle(steps[first:] + steps[:first]) from None
