"""A family of models without networks: its weights are texts."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from workflow_engine.models.family import Contract, Labels, ModelError, Published

CONTENT = b"published weights " * 10_000
CONTRACT = Contract(family="fake", classes={1: "cat", 3: "dog"}, id_space="coco", resolution=96, variant="fake-nano")


def published(content: bytes = CONTENT) -> Published:
    return Published(
        id="fake-nano",
        title="Fake Nano",
        aliases=("FakeNano", "fake-n"),
        file="fake-nano.pt",
        remote="fake nano.pth",
        md5=hashlib.md5(content).hexdigest(),
        contract=CONTRACT,
        facts={"coco_mask_ap": 40.3},
    )


@dataclass(frozen=True)
class FakeModel:
    """What was loaded, and how."""

    text: bytes
    contract: Contract
    device: str
    precision: str
    resolution: int | None
    nbytes: int = 100


class FakeFamily:
    """Counts what it is asked to do. A checkpoint that starts with ``bad`` is refused; loading takes ``seconds``."""

    name = "fake"

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.published: Sequence[Published] = (published(),)
        self.seconds = seconds
        self.converted: list[tuple[str, str | None, Labels | None]] = []
        self.loads = 0
        self._lock = Lock()

    def convert(
        self, source: Path, target: Path, *, model_type: str | None, labels: Labels | None, published: Published | None
    ) -> Contract:
        content = source.read_bytes()
        (target / "model.safetensors").write_bytes(content)
        (target / "config.json").write_text("{}")
        if content.startswith(b"bad"):
            raise ModelError("model_file", f"{source} is bad.")
        self.converted.append((source.name, model_type, labels))
        if published is not None:
            return published.contract
        names = labels if isinstance(labels, list) else ["thing"]
        return Contract(
            family="fake", classes=dict(enumerate(names)), id_space="index", resolution=48, source=source.name
        )

    def device(self, wanted: str, *, precision: str) -> str:
        if precision != "float32":
            raise ModelError("model_device", f"No {precision} here.")
        return "cpu" if wanted == "auto" else wanted

    def load(
        self,
        folder: Path,
        contract: Contract,
        *,
        device: str,
        precision: str,
        resolution: int | None,
        backend: str = "auto",
        compiled: Path | None = None,
        name: str = "the model",
    ) -> FakeModel:
        with self._lock:
            self.loads += 1
        time.sleep(self.seconds)
        text = (folder / "model.safetensors").read_bytes()
        if text.startswith(b"broken"):
            raise ModelError("model_keys", "These weights do not fit.")
        return FakeModel(text, contract, device, precision, resolution)

    def export(
        self, folder: Path, contract: Contract, *, form: str, resolution: int | None, target: Path, name: str
    ) -> tuple[Path, ...]:
        if form != "text":
            raise ModelError("model_export", f"No {form} here.")
        target.mkdir(parents=True, exist_ok=True)
        file = target / f"{name}.{form}"
        file.write_bytes((folder / "model.safetensors").read_bytes())
        return (file,)
