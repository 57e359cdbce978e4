"""A block's manifest, as the JSON says it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflow_engine.errors import ManifestError, Problem, pointer
from workflow_engine.faults import misfits

KINDS = "x-kinds"
ALIASES = "x-aliases"
STEPS = "x-steps"
BATCH = "x-batch"
"""Keywords that a parameter's JSON Schema may have beside the standard ones; the meta-schema describes them."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Port(_Part):
    """A named, typed end of a block: an input or an output."""

    name: str
    title: str
    description: str = ""
    kinds: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    required: bool = True
    multiple: bool = False
    dimensionality_offset: int = 0
    preview: str = "none"


class OtherKinds(_Part):
    """Kinds of an output where a foreign type differs from ours."""

    kinds: tuple[str, ...]


class Compat(_Part):
    """A foreign block type that a block stands in for; the meta-schema describes the fields."""

    type: str
    aliases: tuple[str, ...] = ()
    rename: dict[str, str] = {}
    set: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    ignore: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = {}
    adapter: str | None = None
    single_settings: bool = False
    outputs: dict[str, OtherKinds] = {}


class Execution(_Part):
    """How the engine is to run a block."""

    cache: Literal["by_inputs", "never"]
    device: Literal["cpu", "any", "gpu"]
    deterministic: bool = True
    stateful: bool = False
    side_effects: bool = False
    batch: Literal["per_item", "whole_batch"] = "per_item"
    accepts_missing: bool = False
    output_dimensionality: Literal[-1, 0, 1] = 0
    dimensionality_reference: str | None = None


class Parameters(_Part):
    """The block's settings as one JSON Schema object."""

    properties: dict[str, dict[str, Any]]
    required: tuple[str, ...] = ()


class Example(_Part):
    """A step that shows a use of the block."""

    title: str
    step: dict[str, Any]


class BlockManifest(_Part):
    """The facts about one version of a block."""

    type: str
    version: str
    title: str
    summary: str
    description: str = ""
    icon: str = "box"
    category: str
    keywords: tuple[str, ...] = ()
    priority: int = 100
    status: str = "stable"
    deprecated: dict[str, str] | None = None
    license: str
    entrypoint: str
    model_family: str | None = None
    compat: tuple[Compat, ...] = ()
    inputs: tuple[Port, ...]
    parameters: Parameters
    outputs: tuple[Port, ...]
    outputs_from: str | None = None
    fields_check: str | None = None
    execution: Execution
    requires: dict[str, Any] = {}
    examples: tuple[Example, ...] = Field(default=())

    @property
    def type_names(self) -> tuple[str, ...]:
        """Every name by which a document may call this block: ours, the foreign ones, their short aliases."""
        return (self.type, *(name for entry in self.compat for name in (entry.type, *entry.aliases)))

    @property
    def listed(self) -> frozenset[str]:
        """The arguments that are lists, one value per element, in a block that takes the whole batch."""
        marked = (name for name, schema in self.parameters.properties.items() if schema.get(BATCH))
        return frozenset((*(port.name for port in self.inputs), *marked))


def read_manifest(content: Mapping[str, Any]) -> BlockManifest:
    """Return what a manifest's JSON says, as far as the engine reads it; ``block_checks`` asks for more.

    Raises:
        ManifestError: If a part is missing or misshapen.
    """
    try:
        return BlockManifest.model_validate(content)
    except ValidationError as error:
        found = [(pointer(*one.location), one.text) for one in misfits(error.errors(include_url=False), content)]
    raise ManifestError(
        Problem(code="bad_manifest", message=f"{at} {text}.", at=at, whose="block") for at, text in found
    )


def load_entrypoint(entrypoint: str) -> Any:
    """Import what ``package.module:name`` names.

    Raises:
        ManifestError: If the module or the name in it does not exist, or the module fails to import.
    """
    module, _, name = entrypoint.partition(":")
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        message = f"{entrypoint} cannot be loaded ({reason})."
        raise ManifestError(Problem(code="bad_manifest", message=message, at="/entrypoint", whose="block")) from error
