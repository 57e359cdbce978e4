"""The peers, each in an environment of its own with exact versions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
TORCH = ("torch==2.13.0", "torchvision==0.28.0")
OPERATORS = HERE / "torchvision_operators.py"


@dataclass(frozen=True, slots=True)
class Peer:
    """An environment to measure against.

    Attributes:
        name: Of its folder.
        packages: What pip installs there, after torch.
    """

    name: str
    packages: tuple[str, ...]


RFDETR = Peer("rfdetr", ("rfdetr[onnx,openvino]==1.11.2", "opencv-python-headless==4.13.0.92"))
INFERENCE = Peer("inference", ("inference-cpu[http]==1.8.3", "inference-models==0.39.5", "roboflow-workflows==0.2.13"))


def python(peer: Peer, folder: Path) -> Path:
    """Return a peer's interpreter.

    Raises:
        FileNotFoundError: If the peer is not set up below ``folder``.
    """
    found = folder / peer.name / "bin" / "python"
    if not found.exists():
        raise FileNotFoundError(f"{peer.name} is not set up in {folder}: python -m benchmarks --set-up")
    return found


def set_up(folder: Path, *, torch_index: str | None = None) -> None:
    """Install every peer below ``folder`` that is not there yet; some 4 GB and a few minutes.

    Args:
        folder: Where the environments go.
        torch_index: Package index to take torch and torchvision from, such as that of their CPU builds.
    """
    for peer in (RFDETR, INFERENCE):
        place = folder / peer.name
        if (place / ".complete").exists():
            continue
        print(f"Setting up {peer.name} in {place}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        # An older pip loses its way among the versions that the peers allow.
        _install(peer, folder, ("pip",), "--upgrade")
        _install(peer, folder, TORCH, *([] if torch_index is None else ["--index-url", torch_index]))
        _install(peer, folder, (*TORCH, *peer.packages))
        _make_importable(peer, folder)
        (place / ".complete").touch()


def _install(peer: Peer, folder: Path, packages: Sequence[str], *options: str) -> None:
    command = [str(python(peer, folder)), "-m", "pip", "install", "--quiet", *options, *packages]
    subprocess.run(command, check=True)


def declares_operators(peer: Peer, folder: Path) -> bool:
    """Whether torchvision's operators are only declared in a peer's environment."""
    return _operators_file(peer, folder).exists()


def _make_importable(peer: Peer, folder: Path) -> None:
    """Declare torchvision's compiled operators where its build has none that fit torch.

    Without them ``import torchvision`` fails. What is measured here calls none of them.
    """
    if _imports_torchvision(peer, folder):
        return
    place = _operators_file(peer, folder)
    place.write_text(OPERATORS.read_text())
    place.with_name("torchvision_operators.pth").write_text("import torchvision_operators\n")
    if not _imports_torchvision(peer, folder):
        raise RuntimeError(f"torchvision cannot be imported in {folder / peer.name}.")


def _operators_file(peer: Peer, folder: Path) -> Path:
    (packages,) = (folder / peer.name / "lib").glob("python*/site-packages")
    return packages / OPERATORS.name


def _imports_torchvision(peer: Peer, folder: Path) -> bool:
    command = [str(python(peer, folder)), "-c", "import torchvision"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
