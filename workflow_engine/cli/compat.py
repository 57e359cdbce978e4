"""``segflow blocks compat``: which block types of the ecosystem run here, as what, and which are refused and why."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workflow_engine.cli import exits, terminal
from workflow_engine.inner import INNER_TYPES
from workflow_engine.manifest import BlockManifest
from workflow_engine.refused import Refusal
from workflow_engine.registry import Registry, built_in


def add(actions: terminal.Commands) -> None:
    """Add the action's arguments."""
    parser = actions.add_parser("compat", help="which block types of the ecosystem run here, and why others do not")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print an object with two lists")
    form.add_argument("--markdown", action="store_true", help="print a page")
    parser.set_defaults(command=_compat)


@dataclass(frozen=True, slots=True, kw_only=True)
class Supported:
    """A type of the ecosystem that a block stands in for.

    Attributes:
        type: Its name.
        aliases: Its short names.
        block: The block that runs in its place.
        ignored: Fields that mean nothing here.
    """

    type: str
    aliases: tuple[str, ...] = ()
    block: str
    ignored: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"type": self.type, "aliases": self.aliases, "block": self.block, "ignored": self.ignored}


INNER = Supported(type=INNER_TYPES[0], block=INNER_TYPES[1])
"""Has no manifest: its steps take its place."""


def supported(blocks: tuple[BlockManifest, ...]) -> list[Supported]:
    """Return every foreign type that a block's manifest names, in alphabetical order."""
    found = [
        Supported(type=entry.type, aliases=entry.aliases, block=block.type, ignored=entry.ignore)
        for block in blocks
        for entry in block.compat
    ]
    return sorted([INNER, *found], key=lambda one: one.type)


def page(registry: Registry) -> str:
    """Return the table as a Markdown page."""
    return "\n".join(_page(supported(registry.blocks()), registry.refusals)) + "\n"


def _page(runs: list[Supported], refusals: tuple[Refusal, ...]) -> Iterator[str]:
    yield "# Blocks of the ecosystem"
    yield ""
    yield "<!-- Written by: segflow blocks compat --markdown -->"
    yield ""
    yield (
        f"{_counted(runs, refusals)} A document keeps its own names of blocks and fields; what a block gives is the "
        "same. Fields listed as ignored are accepted and change nothing."
    )
    yield ""
    yield "## Supported"
    yield ""
    yield "| type | also called | runs as | ignored fields |"
    yield "|---|---|---|---|"
    for one in runs:
        yield f"| `{one.type}` | {_code(one.aliases)} | `{one.block}` | {_code(one.ignored)} |"
    yield ""
    yield "## Refused"
    yield ""
    yield "A workflow that uses one of these is told so before it runs, and the rest of it is checked all the same."
    for refusal in refusals:
        yield ""
        yield f"**{refusal.reason}** {refusal.alternative}".rstrip()
        yield ""
        yield f"{_code(refusal.names)}"


def _code(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _counted(runs: list[Supported], refusals: tuple[Refusal, ...]) -> str:
    refused = sum(len(refusal.types) for refusal in refusals)
    return f"{len(runs)} types are supported, {refused} are refused."


def _compat(asked: argparse.Namespace) -> int:
    registry = Registry([built_in()])
    runs, refusals = supported(registry.blocks()), registry.refusals
    if asked.markdown:
        terminal.show(page(registry).rstrip("\n"))
    elif asked.json:
        terminal.show_json({"supported": [one.to_json() for one in runs], "refused": list(_refused(refusals))})
    else:
        rows = [(one.type, ", ".join(one.aliases), one.block) for one in runs]
        terminal.table(["supported", "also called", "runs as"], rows)
        reasons = [(one["type"], f"{one['reason']} {one['alternative']}") for one in _refused(refusals)]
        terminal.table(["refused", "why"], reasons)
        terminal.show(_counted(runs, refusals))
    terminal.warn(registry.load_errors)
    return exits.OK


def _refused(refusals: tuple[Refusal, ...]) -> Iterator[dict[str, str]]:
    for refusal in refusals:
        for name in refusal.types:
            yield {"type": name, "reason": refusal.reason, "alternative": refusal.alternative}
