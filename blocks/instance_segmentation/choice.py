"""Which backend and precision a model runs with: what is wanted, is there, passes the gate and, of several, is fastest.

torch is imported only where something is compiled or compared, or torch is what runs: a model that was compiled before
starts in OpenVINO without it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation import references
from blocks.instance_segmentation.backends.interface import GRAPHS_VERSION, Backend, Facts
from blocks.instance_segmentation.batching import Batching
from blocks.instance_segmentation.gate import Verdict, judge
from blocks.instance_segmentation.model import RfDetrSeg
from blocks.instance_segmentation.preprocess import RESIZERS, to_array
from blocks.instance_segmentation.shelf import Entry, Key, Shelf, digest, file_checksum
from blocks.instance_segmentation.ways import REFERENCE, Wanted, Way, installed, ways
from workflow_engine.api import Contract, ModelError

if TYPE_CHECKING:
    from blocks.instance_segmentation.network import Network

LOOKS = 3
"""How often a backend looks at a picture before its time is believed: the quickest is the least disturbed."""

_log = logging.getLogger("segflow.models")


def load(folder: Path, contract: Contract, wanted: Wanted) -> RfDetrSeg:
    """Load the model in ``folder`` with the first way that holds.

    Raises:
        ModelError: If the files do not fit each other, the resolution does not suit, or the backend is not there.
    """
    if contract.resize not in RESIZERS:
        message = f"The contract of this model says resize {contract.resize!r}; known are {', '.join(RESIZERS)}."
        raise ModelError("model_contract", message, whose="operator")
    loading = _Loading(folder, contract, wanted)
    way, backend = next(found for together in ways(wanted) if (found := loading.attempt(together)) is not None)
    loading.tell(way)
    return RfDetrSeg(Batching(backend) if wanted.device == "cuda" else backend, contract)


class _Loading:
    """One model being loaded; its torch form is built at most once, and only if needed."""

    def __init__(self, folder: Path, contract: Contract, wanted: Wanted) -> None:
        self._folder = folder
        self._contract = contract
        self._wanted = wanted
        self._made: dict[Way, Backend] = {}
        self._refused: dict[Way, str] = {}
        self._timed: dict[Way, float] = {}
        weights = contract.sha256 or file_checksum(folder / "model.safetensors") if wanted.kept else ""
        self._shelf = Shelf(wanted.kept / weights if wanted.kept else None)

    def attempt(self, together: Sequence[Way]) -> tuple[Way, Backend] | None:
        """Return the fastest way that holds with its backend, or ``None`` where none does."""
        if together == (REFERENCE,):
            return REFERENCE, self._reference
        known = {way: entry for way in together if (entry := self._known(way)) is not None and entry.verdict.holds}
        fastest_first = sorted(known, key=lambda way: known[way].seconds)
        if len(known) > 1 and self._made:
            self._timed = {way: known[way].seconds for way in fastest_first}
        return next(((way, backend) for way in fastest_first if (backend := self._opened(way, known[way]))), None)

    def tell(self, taken: Way) -> None:
        """Say in one line what runs, if there was a choice: what was slower, and what does not hold, and why."""
        line = [f"{self._wanted.name} runs with {taken}."]
        if self._timed:
            figures = (f"{way.precision} {seconds * 1e3:.0f} ms" for way, seconds in self._timed.items())
            line.append(f"A look took in {', '.join(figures)}.")
        line += (f"With {way}, {reason}." for way, reason in self._refused.items())
        if self._refused:
            _log.warning(" ".join(line))
        elif self._timed:
            _log.info(" ".join(line))

    def _known(self, way: Way) -> Entry | None:
        """Return what is known of a way, or ``None`` where it cannot be gone."""
        key = self._key(way)
        entry = self._shelf.read(key)
        if entry is None:
            with self._shelf.alone():
                entry = self._shelf.read(key) or self._tried(way)
        return self._noted(way, entry)

    def _noted(self, way: Way, entry: Entry | None) -> Entry | None:
        if entry is not None and not entry.verdict.holds:
            self._refused[way] = entry.verdict.reason
        return entry

    def _opened(self, way: Way, entry: Entry) -> Backend | None:
        if way in self._made:
            return self._made[way]
        try:
            if way.backend == "torch":
                return self._in_torch(way.precision)
            folder = self._shelf.folder(self._key(way))
            return _compiler(way.backend).restored(folder, entry.facts, precision=way.precision)
        except (OSError, RuntimeError) as error:
            _log.warning("What was compiled of %s for %s cannot be used: %s", self._wanted.name, way, _told(error))
            with self._shelf.alone():
                self._shelf.drop(self._key(way))
                self._noted(way, self._tried(way))
            return self._made.get(way)

    def _tried(self, way: Way) -> Entry | None:
        """Compile, compare, time and keep; ``None`` where it cannot be compiled."""
        started = time.monotonic()
        _log.info("Preparing %s for %s, once: this may take a minute.", self._wanted.name, way)
        try:
            backend = self._compiled(way)
        except (RuntimeError, ImportError) as error:
            self._refused[way] = f"it cannot be compiled ({_told(error)})"
            return None
        verdict = Verdict(holds=True)
        if way != REFERENCE:
            candidate, reference = (RfDetrSeg(form, self._contract) for form in (backend, self._reference))
            verdict = judge(candidate, reference, self._pictures, reduced=way.precision != "float32")
        entry = Entry(facts=backend.facts, verdict=verdict, seconds=_seconds(backend, self._samples[0]))
        self._shelf.write(self._key(way), entry, backend.save if verdict.holds else _nothing)
        if verdict.holds:
            self._made[way] = backend
            _log.info("Prepared in %.1f s.", time.monotonic() - started)
        return entry

    def _compiled(self, way: Way) -> Backend:
        if way.backend == "torch":
            return self._in_torch(way.precision)
        return _compiler(way.backend).compiled(self._network, precision=way.precision, samples=self._samples)

    @cached_property
    def _pictures(self) -> list[NDArray[np.uint8]]:
        return references.pictures(self._folder)

    @cached_property
    def _samples(self) -> list[NDArray[np.float32]]:
        """The reference pictures, mirrored and in parts as well, as the network reads them."""
        side, resize = self._network.side, self._contract.resize
        views = [view for picture in self._pictures for view in references.views(picture)]
        return [to_array([view], side=side, resize=resize) for view in views]

    @cached_property
    def _network(self) -> Network:
        from blocks.instance_segmentation.loading import network

        wanted = self._wanted
        return network(self._folder, self._contract, device=wanted.device, resolution=wanted.resolution)

    @cached_property
    def _reference(self) -> Backend:
        return self._in_torch("float32")

    def _in_torch(self, precision: str) -> Backend:
        from blocks.instance_segmentation.backends.torch import TorchBackend

        return TorchBackend(self._network, precision=precision)

    def _key(self, way: Way) -> Key:
        """Return what a compiled network, and its verdict, depend on besides the weights."""
        side = self._wanted.resolution or self._contract.resolution
        parts = {
            "config": file_checksum(self._folder / "config.json"),
            "resize": self._contract.resize,
            "device": self._wanted.device,
            "references": " ".join(file_checksum(file) for file in references.own(self._folder)),
            "machine": _machine(way.backend),
        }
        return Key(
            way=f"{way.backend}-{way.precision}-{side}",
            version=f"{installed(way.backend)}-{GRAPHS_VERSION}",
            rest=digest(parts),
        )


class _Compiler(Protocol):
    """What the modules of backends that compile have in common."""

    def compiled(self, network: Network, *, precision: str, samples: Sequence[NDArray[np.float32]]) -> Backend:
        """Compile a network that is on the CPU; ``samples`` are inputs to take the scale of integers from."""

    def restored(self, folder: Path, facts: Facts, *, precision: str) -> Backend:
        """Return what was compiled, and saved into a folder, before."""

    def machine(self) -> str:
        """Return what compiled graphs depend on besides the network."""


def _compiler(backend: str) -> _Compiler:
    if backend == "openvino":
        from blocks.instance_segmentation.backends import openvino

        return openvino
    from blocks.instance_segmentation.backends import onnx

    return onnx


def _machine(backend: str) -> str:
    """Return what a compiled network, or the time that a look takes, depends on besides the network."""
    if backend != "torch":
        return _compiler(backend).machine()
    from blocks.instance_segmentation.backends.torch import machine

    return machine()


def _seconds(backend: Backend, pixels: NDArray[np.float32]) -> float:
    """Return how long a look takes, the quickest of some, for that one was disturbed least."""
    taken = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        backend.look(pixels)
        taken.append(time.perf_counter() - started)
    return min(taken)


def _told(error: Exception) -> str:
    """Return what an error says in one line; OpenVINO begins with lines that say where in its sources it is."""
    lines = [line.strip() for line in str(error).splitlines() if not line.startswith("Exception from")]
    return next(filter(None, lines), type(error).__name__)


def _nothing(folder: Path) -> None:
    """Save nothing: what does not hold is not used again."""
