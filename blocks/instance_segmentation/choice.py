"""Which backend and precision a model runs with: the first that is wanted, is there, and passes the gate.

torch is imported only where something is compiled or compared, or torch is what runs: a model that was compiled before
starts in OpenVINO without it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from blocks.instance_segmentation import references
from blocks.instance_segmentation.backends.interface import GRAPHS_VERSION, Backend, Facts
from blocks.instance_segmentation.batching import Batching
from blocks.instance_segmentation.gate import Verdict, judge
from blocks.instance_segmentation.model import RfDetrSeg
from blocks.instance_segmentation.preprocess import RESIZERS
from blocks.instance_segmentation.shelf import Entry, Key, Shelf, digest, file_checksum
from workflow_engine.api import Contract, ModelError

if TYPE_CHECKING:
    from blocks.instance_segmentation.network import Network

# By falling speed on a processor, measured.
BACKENDS = {"openvino": "OpenVINO", "onnx": "ONNX Runtime", "torch": "torch"}
PACKAGES = {"openvino": "openvino", "onnx": "onnxruntime", "torch": "torch"}

_log = logging.getLogger("segflow.models")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a model."""

    backend: str
    precision: str

    def __str__(self) -> str:
        return f"{BACKENDS[self.backend]} in {self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a model is to be run.

    Attributes:
        device: ``cpu`` or ``cuda``.
        precision: One of the family's.
        resolution: Side of the square to look at; ``None`` for the contract's.
        backend: One of ``BACKENDS``, or ``auto``.
        kept: Folder for what is compiled; ``None`` to keep nothing.
        name: What messages call the model.
    """

    device: str
    precision: str
    resolution: int | None
    backend: str
    kept: Path | None
    name: str


def installed(backend: str) -> str | None:
    """Return the version of a backend's package, or ``None`` where it is not installed."""
    try:
        return version(PACKAGES[backend])
    except PackageNotFoundError:
        return None


def ways(wanted: Wanted) -> Iterator[Way]:
    """Yield the ways to try, the preferred first; the last is torch in float32, the reference.

    Raises:
        ModelError: If the backend is unknown or not installed.
    """
    backend = _backend(wanted)
    for precision in _faster(backend, wanted):
        yield Way(backend, precision)
    if backend != "torch":
        yield Way(backend, "float32")
    yield Way("torch", "float32")


def _backend(wanted: Wanted) -> str:
    if wanted.backend not in ("auto", *BACKENDS):
        message = f"There is no backend {wanted.backend!r}."
        hint = f"SEGFLOW_BACKEND is one of auto, {', '.join(BACKENDS)}."
        raise ModelError("model_backend", message, hint=hint, whose="operator")
    if wanted.device == "cuda":
        return "torch"
    if wanted.backend == "auto":
        return next(name for name in BACKENDS if installed(name) is not None)
    if installed(wanted.backend) is None:
        message = f"The backend {wanted.backend} was asked for, but {PACKAGES[wanted.backend]} is not installed."
        hint = "pip install 'segflow[onnx]'" if wanted.backend == "onnx" else f"pip install {wanted.backend}"
        raise ModelError("model_backend", message, hint=hint, whose="operator")
    return wanted.backend


def _faster(backend: str, wanted: Wanted) -> tuple[str, ...]:
    """Return the precisions to try before float32, the fastest first."""
    if wanted.precision == "float32" or backend == "onnx":
        able: tuple[str, ...] = ()
    elif wanted.device == "cuda":
        able = ("float16", "bfloat16")
    elif backend == "openvino":
        from blocks.instance_segmentation.backends.openvino import capabilities

        able = tuple(name for name in ("float16", "bfloat16") if name in capabilities())
    else:
        able = ("bfloat16",)
    if wanted.precision in ("auto", "float32") or wanted.precision in able:
        return able if wanted.precision == "auto" else tuple(name for name in able if name == wanted.precision)
    _log.warning(
        "%s runs in float32: %s does not compute in %s here.", wanted.name, BACKENDS[backend], wanted.precision
    )
    return ()


def load(folder: Path, contract: Contract, wanted: Wanted) -> RfDetrSeg:
    """Load the model in ``folder`` with the first way that holds.

    Raises:
        ModelError: If the files do not fit each other, the resolution does not suit, or the backend is not there.
    """
    if contract.resize not in RESIZERS:
        message = f"The contract of this model says resize {contract.resize!r}; known are {', '.join(RESIZERS)}."
        raise ModelError("model_contract", message, whose="operator")
    loading = _Loading(folder, contract, wanted)
    backend = next(found for way in ways(wanted) if (found := loading.attempt(way)) is not None)
    return RfDetrSeg(Batching(backend) if wanted.device == "cuda" else backend, contract)


class _Loading:
    """One model being loaded; its torch form is built at most once, and only if needed."""

    def __init__(self, folder: Path, contract: Contract, wanted: Wanted) -> None:
        self._folder = folder
        self._contract = contract
        self._wanted = wanted
        weights = contract.sha256 or file_checksum(folder / "model.safetensors") if wanted.kept else ""
        self._shelf = Shelf(wanted.kept / weights if wanted.kept else None)

    def attempt(self, way: Way) -> Backend | None:
        """Return the model's backend, or ``None`` after saying why this way does not hold."""
        if way == Way("torch", "float32"):
            return self._reference
        entry = self._shelf.read(self._key(way))
        if entry is not None and not entry.verdict.holds:
            self._step_back(way, entry.verdict)
            return None
        if entry is not None:
            backend = self._restored(way, entry)
            if backend is not None:
                return backend
        return self._made(way)

    def _restored(self, way: Way, entry: Entry) -> Backend | None:
        try:
            if way.backend == "torch":
                return self._in_torch(way.precision)
            return _compiler(way.backend).restored(entry.folder, entry.facts, precision=way.precision)
        except (OSError, RuntimeError) as error:
            _log.warning("What was compiled of %s for %s cannot be used: %s", self._wanted.name, way, error)
            return None

    def _made(self, way: Way) -> Backend | None:
        """Compile, compare, keep, and say so."""
        started = time.monotonic()
        _log.info("Compiling %s for %s, once: this takes some seconds.", self._wanted.name, way)
        try:
            backend = self._compiled(way)
        except (RuntimeError, ImportError) as error:
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            self._step_back(way, Verdict(holds=False, reason=f"it cannot be compiled ({reason})"))
            return None
        candidate, reference = (RfDetrSeg(form, self._contract) for form in (backend, self._reference))
        verdict = judge(candidate, reference, references.pictures(self._folder), half=way.precision != "float32")
        self._shelf.write(self._key(way), backend.facts, verdict, backend.save if verdict.holds else _nothing)
        if not verdict.holds:
            self._step_back(way, verdict)
            return None
        _log.info("Compiled, and compared with torch in float32, in %.1f s.", time.monotonic() - started)
        return backend

    def _compiled(self, way: Way) -> Backend:
        if way.backend == "torch":
            return self._in_torch(way.precision)
        return _compiler(way.backend).compiled(self._network, precision=way.precision)

    def _step_back(self, way: Way, verdict: Verdict) -> None:
        _log.warning("%s does not run with %s, for %s.", self._wanted.name, way, verdict.reason)

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
        }
        if way.backend != "torch":
            parts["machine"] = _compiler(way.backend).machine()
        return Key(
            way=f"{way.backend}-{way.precision}-{side}",
            version=f"{installed(way.backend)}-{GRAPHS_VERSION}",
            rest=digest(parts),
        )


class _Compiler(Protocol):
    """What the modules of backends that compile have in common."""

    def compiled(self, network: Network, *, precision: str) -> Backend:
        """Compile a network that is on the CPU."""

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


def _nothing(folder: Path) -> None:
    """Save nothing: what does not hold is not used again."""
