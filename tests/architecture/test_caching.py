"""A block whose results are kept depends on its inputs and parameters alone: its code is searched for other sources."""

from __future__ import annotations

import inspect
import types
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from workflow_engine.manifest import BlockManifest, load_entrypoint
from workflow_engine.registry import Registry, built_in

REGISTRY = Registry([built_in()])
OURS = ("blocks", "workflow_engine")

# Clocks, chance, the environment, the network, files and state. Ids from uuid are names, and as good the second time.
MODULES = ("time", "random", "secrets", "os", "socket", "urllib", "requests", "subprocess", "tempfile")
NAMES = {
    *("now", "today", "utcnow", "video_metadata", "default_rng", "shuffle", "open", "read_text", "read_bytes"),
    *("FlannBasedMatcher", "kmeans", "randu", "randn"),  # OpenCV's own chance
    *("environ", "secrets", "shared", "folder", "request", "fetch", "Recent"),
}


def reached(found: Any, seen: set[Any], members: Collection[str] | None = None) -> Iterator[tuple[str, str]]:
    """Yield every such name in the code of a function, or of those of ours that it names, and where it is.

    Of a class, the code that makes an instance counts, and the ``members`` that are named; all when ``None``.
    """
    found = inspect.unwrap(found) if callable(found) else found
    if found in seen or not getattr(found, "__module__", "").startswith(OURS):
        return
    seen.add(found)
    if inspect.isclass(found):
        for name, member in vars(found).items():
            if members is not None and name not in {"__init__", "__post_init__", "__new__", *members}:
                continue
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if inspect.isfunction(function):
                yield from reached(function, seen)
    elif inspect.isfunction(found):
        names = set(used(found.__code__))
        for name in names:
            named = found.__globals__.get(name)
            origin = named.__name__ if inspect.ismodule(named) else getattr(named, "__module__", None) or ""
            if name in NAMES or origin.split(".")[0] in MODULES:
                yield name, f"{found.__module__}.{found.__qualname__}"
            if inspect.ismodule(named) and named.__name__.startswith(OURS):
                for member in names & vars(named).keys():
                    yield from reached(vars(named)[member], seen, names)
            elif callable(named):
                yield from reached(named, seen, names)


def used(code: types.CodeType) -> Iterator[str]:
    """Yield the global names and the attributes in some code and in the functions that it defines."""
    yield from code.co_names
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from used(constant)


def sources(block: BlockManifest) -> set[tuple[str, str]]:
    adapters = [load_entrypoint(entry.adapter) for entry in block.compat if entry.adapter]
    seen: set[Any] = set()
    return {source for code in (REGISTRY.function(block.type), *adapters) for source in reached(code, seen)}


@pytest.mark.parametrize(
    "block", [b for b in REGISTRY.blocks() if b.execution.cache == "by_inputs"], ids=lambda block: block.type
)
def test_a_block_that_is_kept_has_no_other_source(block: BlockManifest) -> None:
    assert sources(block) == set()


@pytest.mark.parametrize(
    "block", [b for b in REGISTRY.blocks() if b.execution.cache == "never"], ids=lambda block: block.type
)
def test_a_block_that_always_runs_has_a_reason(block: BlockManifest) -> None:
    assert block.execution.stateful or sources(block)
