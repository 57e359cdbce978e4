"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path


def describe() -> dict[str, str]:
    """Return the machine and what runs on it, in words."""
    return {
        "date": date.today().isoformat(),
        "processor": f"{_processor()}, {cpus()} cores",
        "instructions": ", ".join(_instructions()) or "not known",
        "memory": f"{_memory() / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "load before": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "segflow": f"{version('segflow')} ({_commit()})",
        "packages": ", ".join(f"{name} {_version(name)}" for name in ("torch", "openvino", "onnxruntime", "numpy")),
    }


def cpus() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _facts() -> dict[str, str]:
    """Return what Linux says of the first processor."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().split("\n\n")[0].splitlines() if file.exists() else []
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _processor() -> str:
    facts = _facts()
    name = facts.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{word} {facts[key]}" for word, key in (("family", "cpu family"), ("model", "model")) if key in facts]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def _instructions() -> list[str]:
    known = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "i8mm")
    facts = _facts()
    present = f"{facts.get('flags', '')} {facts.get('Features', '')}".split()
    return [name for name in known if name in present]


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _version(package: str) -> str:
    try:
        return version(package)
    except ModuleNotFoundError:
        return "not installed"


def _commit() -> str:
    root = Path(__file__).parents[1]
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "no commit known"
