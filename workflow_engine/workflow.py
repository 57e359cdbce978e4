"""The face for Python: load a workflow, run it on pictures."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow_engine import settings as settings_module
from workflow_engine.cache import ResultCache
from workflow_engine.compiler import compile_workflow
from workflow_engine.context import RunContext, Stop
from workflow_engine.definition import Definition, parse
from workflow_engine.errors import DefinitionError, Problem
from workflow_engine.events import Event
from workflow_engine.library import Library
from workflow_engine.plan import Plan
from workflow_engine.registry import Registry, installed
from workflow_engine.settings import Settings

if TYPE_CHECKING:  # these load numpy and OpenCV, which checking a document does not need
    from workflow_engine.many import Ran
    from workflow_engine.models.catalogue import Catalogue
    from workflow_engine.models.pool import ModelPool
    from workflow_engine.results import RunResult
    from workflow_engine.session import Session
    from workflow_engine.stream.feed import Policy
    from workflow_engine.stream.frame import Notice, Source
    from workflow_engine.stream.rules import Reference, SourceRules
    from workflow_engine.stream.run import VideoRun
    from workflow_engine.vision.values import ImageAccess

ANYWHERE = ("0.0.0.0/0", "::/0")
"""Addresses that a caller in Python or on the command line may name: all of them, for it is the user who asks."""


class Engine:
    """What workflows share: settings, blocks and loaded models."""

    def __init__(
        self, settings: Settings | None = None, *, registry: Registry | None = None, trusted: bool = True
    ) -> None:
        """Take the settings of the environment and every installed block unless told otherwise.

        Args:
            settings: How this installation behaves.
            registry: The blocks to know.
            trusted: Whether callers may name files of this machine: pictures and weights by path, any address; and
                whether blocks may write below the current folder when the settings name none. True in Python and on
                the command line, false in a server.
        """
        self.settings = settings or settings_module.load()
        self.registry = registry or Registry(installed())
        self._trusted = trusted
        self._models: Any = None
        self._making_models = threading.Lock()

    @property
    def models(self) -> Any:
        """The loaded models, and the catalogue to find them by; made once, whichever thread asks first."""
        from workflow_engine.models.catalogue import Catalogue

        with self._making_models:
            if self._models is None:
                self._models = self._pool(Catalogue(self.settings, families=self.registry.model_families()))
            return self._models

    def _pool(self, catalogue: Catalogue) -> ModelPool:
        from workflow_engine.models.pool import ModelPool

        return ModelPool(catalogue, allow_paths=self._trusted)

    @property
    def library(self) -> Library:
        """The saved workflows."""
        return Library(self.settings.saved_workflows, limits=self.settings.limits)

    @property
    def access(self) -> ImageAccess:
        """What an image value of a run may be."""
        from workflow_engine.vision.values import ImageAccess

        return ImageAccess(
            limits=self.settings.limits, paths=self._trusted, urls=True, allowed_hosts=self._allowed_hosts
        )

    @property
    def _allowed_hosts(self) -> tuple[str, ...]:
        return ANYWHERE if self._trusted else self.settings.allowed_hosts

    def compile(self, document: bytes | str | Mapping[str, Any] | Definition) -> Plan:
        """Compile a document.

        Raises:
            DefinitionError: If it is not a workflow.
            CompileError: If it cannot run; with every problem found.
        """
        definition = document if isinstance(document, Definition) else parse(document, limits=self.settings.limits)
        return compile_workflow(definition, self.registry)

    def session(self, plan: Plan, *, workers: int = 1, cache: ResultCache | None = None) -> Session:
        """Return a fresh session of a plan; steps of which the cache knows what they will give need not run."""
        from workflow_engine.session import Session

        context = RunContext(
            settings=self.settings,
            models=_Lazily(self),
            folder=self.settings.write_folder or (Path.cwd() if self._trusted else None),
            allowed_hosts=self._allowed_hosts,
        )
        return Session(plan, self.registry, context=context, access=self.access, workers=workers, cache=cache)


class _Lazily:
    """The engine's models, made when a block first asks, so that workflows without a model never pay for them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, model_id: str, *, device: str, precision: str, resolution: int | None) -> Any:
        return self._engine.models.get(model_id, device=device, precision=precision, resolution=resolution)

    def version(self, model_id: str) -> str:
        version: str = self._engine.models.version(model_id)
        return version


@cache
def default_engine() -> Engine:
    """The engine that workflows share when none is named: the environment's settings, every installed block."""
    return Engine()


class Workflow:
    """A workflow ready to run.

    Example:
        >>> workflow = Workflow.load("workflow.json")
        >>> result = workflow.run(image="parts.jpg")
        >>> result["counts"]
    """

    def __init__(self, document: Mapping[str, Any] | str | bytes, *, engine: Engine | None = None) -> None:
        """Compile ``document``, the workflow as JSON text or as the object it stands for.

        Raises:
            DefinitionError: If it is not a workflow.
            CompileError: If it cannot run; with every problem found.
        """
        self.engine = engine or default_engine()
        self.plan = self.engine.compile(document)

    @classmethod
    def load(cls, path: str | Path, *, engine: Engine | None = None) -> Workflow:
        """Read and compile the workflow in a file.

        Raises:
            DefinitionError: If the file cannot be read or is not a workflow.
            CompileError: If the workflow cannot run.
        """
        return cls(read_document(path), engine=engine)

    def run(
        self, *, timeout: float | None = None, serialised: bool = False, sinks: bool = True, **inputs: Any
    ) -> RunResult:
        """Run once, without memory of earlier runs.

        An input that is called ``timeout``, ``serialised`` or ``sinks`` is given through ``session().run``.

        Args:
            timeout: Seconds after which the run gives up.
            serialised: Whether the outputs are JSON-ready rather than arrays and tables.
            sinks: Whether blocks that write files or call other machines do so.
            **inputs: A value for each input of the workflow. An image is a path, an address, base64 text, a BGR array
                of shape (height, width, 3), or a list of those.

        Raises:
            InputError: If the given values do not fit.
            StepFailed: If a step raised.
            RunCancelled: If the run passed its deadline.
        """
        return self.session().run(inputs, serialised=serialised, sinks=sinks, stop=Stop(timeout=timeout))

    def map(
        self,
        given: Iterable[Mapping[str, Any]],
        *,
        timeout: float | None = None,
        serialised: bool = False,
        sinks: bool = True,
        observers: tuple[Callable[[Event], None], ...] = (),
        workers: int | None = None,
    ) -> Generator[Ran]:
        """Run once for each of ``given``, several runs at once, and yield what came of them in that order.

        Every run is one by itself, as with ``run``, and gives what that gives; one that fails stops no other. Memory
        does not grow with the number of runs.

        Example:
            >>> for ran in workflow.map({"image": path} for path in folder.glob("*.jpg")):
            ...     print(ran.given["image"], ran.error or ran.result["counts"])

        Args:
            given: The inputs of each run, taken a few ahead of what has been yielded.
            timeout: Seconds after which a run gives up.
            serialised: Whether the outputs are JSON-ready rather than arrays and tables.
            sinks: Whether blocks that write files or call other machines do so.
            observers: Called with every event of every run, on the threads of the runs.
            workers: How many runs go on at once; by default what ``many.runs_at_once`` says.
        """
        from workflow_engine.many import Inputs, in_order, runs_at_once

        def run(inputs: Inputs, stop: Stop) -> RunResult:
            return self.session().run(inputs, serialised=serialised, sinks=sinks, stop=stop, observers=observers)

        return in_order(run, given, workers=workers or runs_at_once(self.plan), timeout=timeout)

    def session(self, *, workers: int = 1, cache: ResultCache | None = None) -> Session:
        """Return a session, whose blocks remember earlier runs: for the frames of one video.

        With a ``cache`` a step does not run again while its inputs and parameters stay as they were, nor does the
        network when only the confidence, the classes or the number of objects to keep change. The cache may be given to
        sessions of several workflows, such as the next version of this one. Arrays in its results are read-only.
        """
        return self.engine.session(self.plan, workers=workers, cache=cache)

    def video(
        self,
        *sources: Reference | Source,
        image_input: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        policy: Policy | None = None,
        every: int = 1,
        fps: float | None = None,
        max_frames: int | None = None,
        sinks: bool = True,
        rules: SourceRules | None = None,
        observers: Sequence[Callable[[Notice], None]] = (),
    ) -> VideoRun:
        """Return a run on videos, to iterate over; every source has a session of its own.

        Example:
            >>> for frame in workflow.video("conveyor.mp4"):
            ...     print(frame.number, frame.seconds, frame["counts"])

        Args:
            *sources: Paths of files, addresses (``rtsp://…``), numbers of cameras, or objects that are a ``Source``.
            image_input: The input that takes the frames, where there are several for images.
            parameters: Values for the other inputs.
            policy: What happens to frames that come faster than they are processed: ``all`` wait, or only the
                ``latest`` is kept; ``None`` for ``all`` of a file and the ``latest`` of a live source.
            every: Take every N-th frame.
            fps: Take at most so many frames per second of video.
            max_frames: Take at most so many frames of each source.
            sinks: Whether blocks that write files or call other machines do so.
            rules: Which sources may be opened; by default any.
            observers: Called with every notice, such as a lost connection; from threads of the run.

        Raises:
            InputError: A source is none or may not be used, an option does not fit, or the workflow has no image input
                for the frames. That a source cannot be opened is raised when the first result is asked for.
        """
        from workflow_engine.stream.rules import ANYTHING
        from workflow_engine.stream.run import Options, VideoRun, open_sources

        options = Options(
            image_input=image_input,
            parameters=parameters or {},
            policy=policy,
            every=every,
            fps=fps,
            max_frames=max_frames,
            sinks=sinks,
        )
        opened = open_sources(sources, rules or ANYTHING, max_pixels=self.engine.settings.limits.image_pixels)
        return VideoRun(self.plan, self.session, opened, options=options, observers=observers)

    def to_json(self) -> str:
        """Return the document as JSON text."""
        return json.dumps(self.plan.definition.model_dump(mode="json", exclude_unset=True), indent=2)


def read_document(path: str | Path) -> bytes:
    """Return the bytes of a workflow file.

    Raises:
        DefinitionError: If the file cannot be read; the sentence says why.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        message = f"The workflow {path} cannot be read: {(error.strerror or str(error)).lower()}."
        raise DefinitionError(Problem(code="unreadable", message=message, whose="caller")) from error
