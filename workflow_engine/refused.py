"""Foreign block types that are refused by name, each with the reason and, where there is one, what to use instead."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable

FILE = "refused.json"
"""In the folder ``_meta`` beside the manifests: ``{"groups": [{reason, alternative, types, aliases}]}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the types of one group are refused.

    Attributes:
        reason: One sentence about such a block.
        alternative: What does the same or comes close, as a sentence, or an empty string.
        types: Their names.
        aliases: Short names of some of them.
    """

    reason: str
    alternative: str = ""
    types: tuple[str, ...]
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a document may use."""
        return (*self.types, *self.aliases)


def refusals(manifests: Traversable) -> Iterator[Refusal]:
    """Yield the refusals that a folder of manifests declares."""
    file = manifests / "_meta" / FILE
    if not file.is_file():
        return
    for group in json.loads(file.read_text("utf-8"))["groups"]:
        yield Refusal(
            reason=group["reason"],
            alternative=group.get("alternative", ""),
            types=tuple(group["types"]),
            aliases=tuple(group.get("aliases", ())),
        )
