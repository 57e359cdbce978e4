"""Every block the engine knows: manifests found on disk, checked at first use, their code imported later still.

Built-in manifests and forms are the data packages ``manifests`` and ``ui_schema``. Another package adds blocks by an
entry point in the group ``segflow.blocks`` whose value is a data package with the two folders ``manifests`` and
``ui_schema``. A block that fails a check is left out and listed in ``load_errors``; the rest works.

Every block is checked before it is listed, and one of another package before a step uses it. For a built-in block the
engine's own tests have done that, so a step takes its manifest as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from workflow_engine.block_checks import check_content, check_manifest, check_signature
from workflow_engine.errors import ManifestError, Problem
from workflow_engine.forms import check_form
from workflow_engine.manifest import BlockManifest, load_entrypoint, read_manifest
from workflow_engine.refused import Refusal, refusals
from workflow_engine.step_type import StepType, step_type

ENTRY_POINTS = "segflow.blocks"


@dataclass(frozen=True, slots=True)
class Source:
    """Two folders: manifests, and a form for each of them under the same file name.

    Attributes:
        name: Who offers the blocks.
        manifests: The folder of manifests.
        forms: The folder of forms.
        tested: Whether the engine's own tests check these blocks, so that a step may use one unchecked.
    """

    name: str
    manifests: Traversable
    forms: Traversable
    tested: bool = False


def built_in() -> Source:
    """The blocks that come with the engine."""
    return Source("segflow", files("manifests"), files("ui_schema"), tested=True)


def installed() -> tuple[Source, ...]:
    """The built-in blocks and those of every installed package that offers some."""
    found = entry_points(group=ENTRY_POINTS)
    return (built_in(), *(Source(e.name, files(e.value) / "manifests", files(e.value) / "ui_schema") for e in found))


class Registry:
    """The blocks of some sources. Frozen after it is made; made once and passed on, never global."""

    def __init__(self, sources: Iterable[Source]) -> None:
        """Read every manifest's JSON; nothing is checked or imported yet."""
        self._entries: dict[str, _Entry] = {}
        self._broken: list[Problem] = []
        self._refusals: list[Refusal] = []
        for source in sources:
            self._refusals += refusals(source.manifests)
            for path in sorted(source.manifests.iterdir(), key=lambda path: path.name):
                if path.name.endswith(".json"):
                    self._add(_Entry(path, source.forms / path.name, tested=source.tested))

    def _add(self, entry: _Entry) -> None:
        try:
            names = entry.names
        except (ValueError, KeyError, TypeError) as error:
            self._broken.append(entry.problem(f"it is not a manifest: {type(error).__name__}: {error}"))
            return
        taken = next((name for name in names if name in self._entries), None)
        if taken is not None:
            other = self._entries[taken].path.name
            self._broken.append(entry.problem(f"it claims the type {taken!r}, which {other} has already"))
            return
        self._entries.update((name, entry) for name in names)

    @property
    def type_names(self) -> tuple[str, ...]:
        """Every type name that a document may use."""
        return tuple(self._entries)

    def blocks(self) -> tuple[BlockManifest, ...]:
        """Every block that passes its checks, in the order of the palette."""
        good = [entry.manifest for entry in self._unique() if entry.fault is None]
        return tuple(sorted(good, key=lambda manifest: (manifest.category, manifest.priority, manifest.type)))

    @property
    def load_errors(self) -> tuple[Problem, ...]:
        """What is wrong with the blocks that were left out."""
        faults = [entry.fault for entry in self._unique() if entry.fault is not None]
        return (*self._broken, *(problem for fault in faults for problem in fault.problems))

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The foreign types that are refused by name."""
        return tuple(self._refusals)

    def refusal(self, name: str) -> Refusal | None:
        """Return why the type ``name`` is refused, or ``None`` when nothing is known about it."""
        return next((refusal for refusal in self._refusals if name in refusal.names), None)

    def step_type(self, name: str) -> StepType:
        """Return what a step of type ``name`` looks like.

        Raises:
            KeyError: If no block has that type name.
            ManifestError: If the block with that name fails its checks; a tested one is only read.
        """
        return self._entries[name].step_type(name)

    def form(self, name: str) -> Mapping[str, Any]:
        """Return the form of the block of type ``name``; raises as ``step_type`` does."""
        entry = self._entries[name]
        entry.check()
        return entry.form

    def function(self, name: str) -> Callable[..., Any]:
        """Return the function (for a stateful block the class) of type ``name``, held against its manifest.

        Raises:
            KeyError: If no block has that type name.
            ManifestError: If its manifest or its function fails a check.
        """
        return self._entries[name].function

    def model_families(self) -> tuple[Any, ...]:
        """Return the family of models of every block that names one, imported."""
        names = dict.fromkeys(entry.model_family for entry in self._unique() if entry.model_family)
        return tuple(load_entrypoint(name) for name in names)

    def _unique(self) -> Iterable[_Entry]:
        return dict.fromkeys(self._entries.values())


class _Entry:
    """One manifest with its form; every part is read or checked when it is first asked for."""

    def __init__(self, path: Traversable, form_path: Traversable, *, tested: bool) -> None:
        self.path = path
        self._form_path = form_path
        self._tested = tested
        self._step_types: dict[str, StepType] = {}

    @cached_property
    def _content(self) -> Mapping[str, Any]:
        content: Mapping[str, Any] = json.loads(self.path.read_text("utf-8"))
        return content

    @cached_property
    def form(self) -> Mapping[str, Any]:
        try:
            content: Mapping[str, Any] = json.loads(self._form_path.read_text("utf-8"))
        except FileNotFoundError:
            raise _bad_form("it has no form in ui_schema.") from None
        except ValueError as error:
            raise _bad_form(f"its form is not JSON: {error}.") from None
        return content

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every type name, straight from the JSON, so that finding a block costs no check."""
        compat = self._content.get("compat", ())
        return (
            self._content["type"],
            *(name for entry in compat for name in (entry["type"], *entry.get("aliases", ()))),
        )

    @property
    def model_family(self) -> str | None:
        """The family of models that the block names, straight from the JSON."""
        return self._content.get("model_family")

    @cached_property
    def fault(self) -> ManifestError | None:
        """What is wrong with the manifest or the form, by every check there is."""
        try:
            check_content(self._content)
            check_manifest(self._manifest)
            check_form(self.form, self._manifest)
        except ManifestError as error:
            return self._named(error)
        return None

    def _named(self, error: ManifestError) -> ManifestError:
        return ManifestError(self.problem(problem.message, problem.at) for problem in error.problems)

    def problem(self, message: str, at: str = "") -> Problem:
        return Problem(code="bad_manifest", message=f"{self.path.name}: {message}", at=at, whose="block")

    def check(self) -> None:
        if self.fault is not None:
            raise self.fault

    @cached_property
    def _manifest(self) -> BlockManifest:
        return read_manifest(self._content)

    @property
    def manifest(self) -> BlockManifest:
        """The manifest of a block that a step may use: one that is tested, or passes its checks now."""
        if not self._tested:
            self.check()
        try:
            return self._manifest
        except ManifestError as error:
            raise self._named(error) from None

    def step_type(self, name: str) -> StepType:
        if name not in self._step_types:
            self._step_types[name] = step_type(self.manifest, name)
        return self._step_types[name]

    @cached_property
    def function(self) -> Callable[..., Any]:
        function: Callable[..., Any] = load_entrypoint(self.manifest.entrypoint)
        check_signature(self.manifest, function)
        return function


def _bad_form(message: str) -> ManifestError:
    return ManifestError(Problem(code="bad_form", message=message, whose="block"))
