"""The graph of a workflow's steps; the only file that knows networkx."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import networkx as nx


def build(after: Mapping[str, Iterable[str]]) -> nx.DiGraph[str]:
    """Return the graph in which each step follows the steps of ``after[step]``."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(after)
    graph.add_edges_from((before, step) for step, earlier in after.items() for before in earlier)
    return graph


def cycle(graph: nx.DiGraph[str]) -> list[str] | None:
    """Return the steps of one cycle in order, or ``None`` when there is none."""
    try:
        return [before for before, _ in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return None


def order(graph: nx.DiGraph[str]) -> list[str]:
    """Return the steps so that each stands after all it depends on; ties keep the order of the document."""
    position = {step: i for i, step in enumerate(graph)}
    return list(nx.lexicographical_topological_sort(graph, key=position.__getitem__))
