"""What every benchmark is given: where things are, and how long to measure."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import materials, peers
from benchmarks.worker import Contestant, Worker

OURS = Path(sys.executable)
BACKENDS = ("openvino", "onnx", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where things are, and how long to measure.

    Attributes:
        work: Folder for weights, pictures, logs and answers; kept from one call to the next.
        peers: Folder of the peers' environments.
        rounds: Runs of each contestant that count, where one takes less than a second or so.
        threads: Threads that every library may use; ``None`` for as many as there are cores.
        clock: ``wall``, or ``cpu`` for processor time, which a machine that is busy with other things disturbs less.
    """

    work: Path
    peers: Path
    rounds: int
    threads: int | None = None
    clock: str = "wall"

    @property
    def rfdetr(self) -> Path:
        """The interpreter that has rfdetr."""
        return peers.python(peers.RFDETR, self.peers)

    @property
    def inference(self) -> Path:
        """The interpreter that has inference-models, roboflow-workflows and its server."""
        return peers.python(peers.INFERENCE, self.peers)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the variables for a contestant's process: quiet peers, and the threads that it may use."""
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        threads = {} if self.threads is None else dict.fromkeys(names, str(self.threads))
        return {**QUIET, **threads, "SEGFLOW_HOME": str(self.home), **more}

    @property
    def home(self) -> Path:
        """Where our models are kept for these benchmarks."""
        return self.work / "home"

    def segflow(self, size: str, picture: Path, confidence: float, *, backend: str, dense: bool = False) -> Contestant:
        """Return us, with one backend."""
        model_id = materials.kept_model(self.home, self.work, size)
        return Contestant(
            name=f"segflow, {backend}" + (", dense masks" if dense else ""),
            python=OURS,
            side="with_segflow",
            arguments={"model_id": model_id, "picture": str(picture), "confidence": confidence, "dense": dense},
            environment=self.environment(SEGFLOW_BACKEND=backend),
        )

    def demo(self, picture: Path, *, backend: str, precision: str) -> Contestant:
        """Return us with the demo model, with one backend in one precision."""
        return Contestant(
            name=f"segflow, {backend}, {precision}",
            python=OURS,
            side="with_segflow",
            arguments={
                "model_id": "demo/fasteners",
                "picture": str(picture),
                "confidence": 0.5,
                "precision": precision,
            },
            environment=self.environment(SEGFLOW_BACKEND=backend),
        )

    def upstream(self, size: str, picture: Path, confidence: float, *, optimised: bool = True) -> Contestant:
        """Return rfdetr, with or without its ``inference()`` called."""
        return Contestant(
            name="rfdetr, inference()" if optimised else "rfdetr, as loaded",
            python=self.rfdetr,
            side="with_rfdetr",
            arguments={
                "size": size,
                "checkpoint": str(materials.checkpoint(self.work, size)),
                "picture": str(picture),
                "confidence": confidence,
                "optimised": optimised,
            },
            environment=self.environment(),
        )

    @contextmanager
    def workers(self, contestants: Sequence[Contestant]) -> Iterator[Mapping[str, Worker]]:
        """Start every contestant and end them all."""
        with ExitStack() as stack:
            yield {
                one.name: stack.enter_context(Worker(one, log=self.work / f"{_plain(one.name)}.log"))
                for one in contestants
            }

    def answer(self, name: str) -> Path:
        """Return where a contestant's answer goes."""
        return self.work / f"answer-{_plain(name)}.npz"


QUIET = {
    "TELEMETRY_OPT_OUT": "True",
    "DISABLE_VERSION_CHECK": "True",
    "METRICS_ENABLED": "False",
    "ALLOW_CUSTOM_PYTHON_EXECUTION_IN_WORKFLOWS": "False",
    "PYTHONWARNINGS": "ignore",
    "HF_HUB_OFFLINE": "1",
}
"""What keeps the peers from reporting, checking versions and asking the network."""


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)
