"""The ways to run a model that are there on this machine, in the order in which they are tried."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from workflow_engine.api import ModelError

# By falling speed on a processor, measured.
BACKENDS = {"openvino": "OpenVINO", "onnx": "ONNX Runtime", "torch": "torch"}
PACKAGES = {"openvino": "openvino", "onnx": "onnxruntime", "torch": "torch", "int8": "nncf"}

_log = logging.getLogger("segflow.models")


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a model."""

    backend: str
    precision: str

    def __str__(self) -> str:
        return f"{BACKENDS[self.backend]} in {self.precision}"


REFERENCE = Way("torch", "float32")


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


def installed(name: str) -> str | None:
    """Return the version of the package that a backend, or int8, needs, or ``None`` where it is not installed."""
    try:
        return version(PACKAGES[name])
    except PackageNotFoundError:
        return None


def ways(wanted: Wanted) -> Iterator[tuple[Way, ...]]:
    """Yield the ways to try, the preferred first; of several that stand together the fastest that holds is taken.

    The last is torch in float32, the reference.

    Raises:
        ModelError: If the backend is unknown or not installed.
    """
    backend = _backend(wanted)
    reduced = tuple(Way(backend, precision) for precision in _reduced(backend, wanted))
    exact = Way(backend, "float32")
    if wanted.precision == "auto" and reduced:
        yield (*reduced, exact)
    else:
        yield from ((way,) for way in (*reduced, exact))
    if exact != REFERENCE:
        yield (REFERENCE,)


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


def _reduced(backend: str, wanted: Wanted) -> tuple[str, ...]:
    """Return the precisions below float32 that are wanted and can be had."""
    if wanted.precision == "float32":
        return ()
    able = _able(backend, wanted.device)
    if wanted.precision == "auto":
        return able
    if wanted.precision in able:
        return (wanted.precision,)
    _log.warning("%s runs in float32: %s.", wanted.name, _lacking(backend, wanted.precision))
    return ()


def _able(backend: str, device: str) -> tuple[str, ...]:
    if device == "cuda":
        return ("float16", "bfloat16")
    if backend == "openvino":
        from blocks.instance_segmentation.backends.openvino import capabilities

        able = [name for name in capabilities() if name != "int8" or installed("int8")]
        return tuple(name for name in able if name != "float32")
    return ("bfloat16",) if backend == "torch" else ()


def _lacking(backend: str, precision: str) -> str:
    if precision == "int8" and backend == "openvino":
        return "int8 needs the package nncf (pip install 'segflow[int8]')"
    return f"{BACKENDS[backend]} does not compute in {precision} here"
