"""What a measurement was made on: processor, memory, system, and the versions that matter."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PACKAGES = ("segflow", "torch", "openvino", "onnxruntime", "transformers", "numpy", "opencv-python")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """This machine and what is installed on it.

    Attributes:
        processor: Name of the processor's model.
        cores: Processors that the system counts.
        memory: Bytes of main memory, or ``None`` where the system does not tell.
        gpu: Name of the first CUDA device, or ``None``; known only once torch is loaded.
        system: Name and version of the operating system.
        python: Version of the interpreter.
        packages: Versions of the packages that do the work, those installed.
    """

    processor: str
    cores: int
    memory: int | None
    gpu: str | None
    system: str
    python: str
    packages: dict[str, str]

    def in_words(self) -> str:
        """Return all of it on two lines."""
        memory = "" if self.memory is None else f", {self.memory / 2**30:.0f} GiB"
        gpu = "" if self.gpu is None else f", {self.gpu}"
        versions = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        hardware = f"{self.processor}, {self.cores} cores{memory}{gpu}"
        return f"{hardware}, {self.system}\nPython {self.python}, {versions}"


def this_machine() -> Machine:
    """Describe the machine that this process runs on."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory=_memory(),
        gpu=_gpu(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages=dict(_packages()),
    )


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text(errors="replace").splitlines() if table.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _gpu() -> str | None:
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None


def _packages() -> list[tuple[str, str]]:
    found = []
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found
