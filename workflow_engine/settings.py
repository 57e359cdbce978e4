"""Every setting of the engine, read from the environment in this one place."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from workflow_engine.errors import Problem, WorkflowError

MEGAPIXEL = 1_000_000
GPU = Path("/dev/nvidiactl")
"""Exists where there is a GPU that PyTorch may use; to ask PyTorch would take seconds."""
PUBLISHED_WEIGHTS = "https://storage.googleapis.com/rfdetr/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what a run may be given, and a server be asked. Numbers of bytes, pixels, seconds and items.

    Each is set by a variable of the environment: ``body_bytes`` by ``SEGFLOW_BODY_BYTES``, and so on.

    Attributes:
        definition_bytes: Largest workflow document.
        body_bytes: Largest HTTP request body.
        json_depth: Deepest nesting of a JSON document.
        steps: Most steps in one workflow.
        image_pixels: Most pixels (height times width) of one image; ``None`` lifts the limit.
        image_bytes: Largest encoded image, fetched or sent.
        batch: Most images in one run of a server.
        table_rows: Most rows of one table of detections that a run is given.
        fetch_seconds: Time that fetching one image from a URL may take in all.
        fetch_hops: Most redirects that a fetch follows.
        bodies_bytes: Most bytes of HTTP request bodies that a server holds at once, of all requests together.
        body_seconds: Time that an HTTP request's body may take to arrive.
        head_seconds: Time that a request's head may take to arrive once its client is connected.
        send_seconds: Time that a client may take for what it has been sent before it is sent more.
        connections: Most connections at once.
        run_seconds: Time that a run for an HTTP request may take, its wait for a free slot included.
        worker_bytes: Memory that one worker of a server may take; 0 for its share of three quarters of the machine's.
        drain_seconds: Time that accepted requests have to finish when a server is told to stop.
        queue: Requests that may wait for a slot of a server; one more is refused.
        pipelines: Most pipelines (workflows on videos) of a server at once, each a process of its own.
        listeners: Most clients at once that follow pipelines live.
        frame_seconds: Time that a pipeline may take for one frame, the loading of models with the first included.
    """

    definition_bytes: int = 1_000_000
    body_bytes: int = 100_000_000
    json_depth: int = 32
    steps: int = 256
    image_pixels: int | None = 40 * MEGAPIXEL
    image_bytes: int = 50_000_000
    batch: int = 256
    table_rows: int = 10_000
    fetch_seconds: float = 10.0
    fetch_hops: int = 3
    bodies_bytes: int = 1_000_000_000
    body_seconds: float = 30.0
    head_seconds: float = 10.0
    send_seconds: float = 60.0
    connections: int = 1000
    run_seconds: float = 60.0
    worker_bytes: int = 0
    drain_seconds: float = 25.0
    queue: int = 8
    pipelines: int = 4
    listeners: int = 16
    frame_seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this installation behaves.

    Attributes:
        home: Folder of the model catalogue and of whatever else is kept between runs (``SEGFLOW_HOME``).
        saved_workflows: Folder of the saved workflows (``SEGFLOW_WORKFLOWS``). Left out, it is ``workflows`` in
            ``SEGFLOW_HOME``, or where that is not set in the user's data folder, for it is no cache.
        upstream_models: Folder where the ``rfdetr`` package keeps its downloads (``RF_HOME`` or ``ROBOFLOW_HOME``).
        weights_url: Base address of the published weights (``SEGFLOW_WEIGHTS_URL``), for a mirror.
        device: Device that ``auto`` means: ``cpu``, ``cuda`` or ``auto`` (``SEGFLOW_DEVICE``).
        backend: What computes networks: ``torch``, ``openvino``, ``onnx``, or ``auto`` for the fastest that is there
            (``SEGFLOW_BACKEND``). A GPU is used through torch.
        allowed_hosts: Hosts and networks (CIDR) that a URL in a request may name although they are not public
            (``SEGFLOW_ALLOWED_HOSTS``, comma separated).
        video_folder: Folder below which requests may name video files (``SEGFLOW_VIDEO_FOLDER``); without one they may
            name none. Streams come from ``allowed_hosts``.
        cameras: Numbers of this machine's cameras that requests may use (``SEGFLOW_CAMERAS``, comma separated).
        write_folder: Folder below which workflows may write files (``SEGFLOW_WRITE_FOLDER``); without one a server
            writes none, and Python and the command line write below the current folder.
        secrets: What workflows may read of the environment: the variables named in ``SEGFLOW_SECRETS``, comma
            separated, each with its value or ``None`` when it is not set.
        api_token: What callers of a server must show (``SEGFLOW_API_TOKEN``); without one it listens to this machine
            only.
        server_names: Names besides those of this machine that a server without a token answers to
            (``SEGFLOW_SERVER_NAMES``, comma separated): those that a proxy before it is asked for.
        workers: Processes in which a server runs workflows (``SEGFLOW_WORKERS``). Left out, there are two where there
            are two processors, so that one goes on while the other loads a model or is replaced, and one with a GPU.
        threads: Runs at once in each of them (``SEGFLOW_THREADS``). Left out, it is one, and four with a GPU, whose
            memory holds a model once for all runs of a process.
        preload: Models that a server loads before it is ready (``SEGFLOW_PRELOAD``, comma separated).
        json_logs: Whether a server logs lines of JSON (``SEGFLOW_LOG=json``) instead of text.
        traces: Address of an OTLP collector over HTTP that a server sends traces to (``SEGFLOW_TRACES``).
        debug: Whether errors carry tracebacks (``SEGFLOW_DEBUG=1``).
        limits: Bounds on what a run may be given.
    """

    home: Path
    saved_workflows: Path
    upstream_models: Path
    weights_url: str = PUBLISHED_WEIGHTS
    device: str = "auto"
    backend: str = "auto"
    allowed_hosts: tuple[str, ...] = ()
    video_folder: Path | None = None
    cameras: tuple[int, ...] = ()
    write_folder: Path | None = None
    secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    api_token: str | None = field(default=None, repr=False)
    server_names: tuple[str, ...] = ()
    workers: int = 1
    threads: int = 1
    preload: tuple[str, ...] = ()
    json_logs: bool = False
    traces: str | None = None
    debug: bool = False
    limits: Limits = field(default_factory=Limits)

    @property
    def unsafe(self) -> tuple[str, ...]:
        """What is switched on that is fit for trusted callers only, in sentences."""
        said = []
        if self.debug:
            said.append("SEGFLOW_DEBUG is on: answers tell what exceptions of blocks and of this machine say.")
        if any("/" in host and not ip_network(host, strict=False).prefixlen for host in self.allowed_hosts):
            said.append("SEGFLOW_ALLOWED_HOSTS is open: a request can make this machine call any address.")
        return tuple(said)

    @property
    def slots(self) -> int:
        """Runs that a server has at once."""
        return self.workers * self.threads

    @property
    def models(self) -> Path:
        """Folder of the model catalogue."""
        return self.home / "models"

    @property
    def compiled(self) -> Path:
        """Folder of compiled networks, by the checksum of their weights."""
        return self.home / "compiled"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ``, by default the process's environment."""
    env = os.environ if environ is None else environ
    user = Path(env.get("HOME") or Path.home())
    cache = Path(env["XDG_CACHE_HOME"]) if env.get("XDG_CACHE_HOME") else user / ".cache"
    upstream = env.get("RF_HOME") or env.get("ROBOFLOW_HOME") or str(user / ".roboflow")
    gpu = env.get("SEGFLOW_DEVICE") != "cpu" and GPU.exists()
    return Settings(
        home=Path(env.get("SEGFLOW_HOME") or cache / "segflow").expanduser(),
        saved_workflows=_workflows_folder(env, user),
        upstream_models=Path(upstream).expanduser() / "models",
        weights_url=env.get("SEGFLOW_WEIGHTS_URL", PUBLISHED_WEIGHTS),
        device=_choice(env, "SEGFLOW_DEVICE", "auto", "cpu", "cuda"),
        backend=env.get("SEGFLOW_BACKEND", "auto"),
        allowed_hosts=_hosts(env, "SEGFLOW_ALLOWED_HOSTS"),
        video_folder=_folder(env, "SEGFLOW_VIDEO_FOLDER"),
        cameras=tuple(_number("SEGFLOW_CAMERAS", one, whole=True) for one in _listed(env.get("SEGFLOW_CAMERAS", ""))),
        write_folder=_folder(env, "SEGFLOW_WRITE_FOLDER"),
        secrets={name: env.get(name) for name in _listed(env.get("SEGFLOW_SECRETS", ""))},
        api_token=env.get("SEGFLOW_API_TOKEN") or None,
        server_names=_listed(env.get("SEGFLOW_SERVER_NAMES", "")),
        workers=_count(env, "SEGFLOW_WORKERS", 1 if gpu else min(2, os.cpu_count() or 1)),
        threads=_count(env, "SEGFLOW_THREADS", 4 if gpu else 1),
        preload=_listed(env.get("SEGFLOW_PRELOAD", "")),
        json_logs=_choice(env, "SEGFLOW_LOG", "text", "json") == "json",
        traces=env.get("SEGFLOW_TRACES") or None,
        debug=_choice(env, "SEGFLOW_DEBUG", "0", "1") == "1",
        limits=_limits(env),
    )


def _limits(env: Mapping[str, str]) -> Limits:
    changed = {}
    for limit in fields(Limits):
        text = env.get(variable(limit.name))
        if text:
            changed[limit.name] = _number(variable(limit.name), text, whole=isinstance(limit.default, int))
    return Limits(**changed)


def variable(limit: str) -> str:
    """Return the name of the variable that sets a limit."""
    return f"SEGFLOW_{limit.upper()}"


def _count(env: Mapping[str, str], name: str, otherwise: int) -> int:
    return _number(name, env[name], whole=True, least=1) if env.get(name) else otherwise


def _number(name: str, text: str, *, whole: bool, least: int = 0) -> Any:
    """Return the number that a variable holds.

    Raises:
        WorkflowError: If it is none, or less than ``least``.
    """
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = -1
    if not least <= value < math.inf:
        raise _bad(name, text, f"a {'whole ' if whole else ''}number from {least}")
    return value


def _choice(env: Mapping[str, str], name: str, usual: str, *others: str) -> str:
    text = env.get(name) or usual
    if text not in (usual, *others):
        raise _bad(name, text, f"one of {', '.join((usual, *others))}")
    return text


def _hosts(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the hosts and networks that a variable lists."""
    listed = _listed(env.get(name, ""))
    for host in listed:
        try:
            if "/" in host:
                ip_network(host, strict=False)
        except ValueError:
            raise _bad(name, host, "a host, or a network such as 10.0.5.0/24,") from None
    return listed


def _bad(name: str, text: str, expected: str) -> WorkflowError:
    message = f"{name} is {text!r} where {expected} is expected."
    return WorkflowError(Problem(code="bad_setting", message=message, whose="operator"))


def _folder(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]).expanduser() if env.get(name) else None


def _workflows_folder(env: Mapping[str, str], user: Path) -> Path:
    if env.get("SEGFLOW_WORKFLOWS"):
        return Path(env["SEGFLOW_WORKFLOWS"]).expanduser()
    if env.get("SEGFLOW_HOME"):
        return Path(env["SEGFLOW_HOME"]).expanduser() / "workflows"
    data = Path(env["XDG_DATA_HOME"]) if env.get("XDG_DATA_HOME") else user / ".local" / "share"
    return data / "segflow" / "workflows"


def without_token(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment for processes that need not know the server's token."""
    env = os.environ if environ is None else environ
    return {name: value for name, value in env.items() if name != "SEGFLOW_API_TOKEN"}


def forbid_reports() -> None:
    """Keep OpenVINO and ONNX Runtime from reporting to their makers; to be called before either is imported.

    ONNX Runtime asks the environment. OpenVINO would send a report whenever it is imported, but does without the
    package for it where that is not to be found, which is what ``None`` means to ``import``.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]


def _listed(text: str) -> tuple[str, ...]:
    """Return what a comma-separated list names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
