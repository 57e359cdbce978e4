"""Models in memory: each loaded once, however many steps and threads ask, and let go when memory is short."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from workflow_engine.models.catalogue import Catalogue, Entry, verify
from workflow_engine.models.family import LoadedModel, ModelError
from workflow_engine.models.pull import Progress
from workflow_engine.models.storage import disk_errors_explained
from workflow_engine.vision.paths import at_home

BUDGET_BYTES = 8 << 30
WEIGHT_SUFFIXES = (".pt", ".pth", ".ckpt", ".safetensors")

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Once(Generic[K, V]):
    """Values made once per key: of the threads that ask for the same one, the first makes it and the others wait.

    When making fails, all who wait get the error, and the next to ask tries again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: OrderedDict[K, Future[V]] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of ``key``, calling ``make`` if there is none yet."""
        with self._lock:
            found = self._values.get(key)
            value = self._values.setdefault(key, Future())
            self._values.move_to_end(key)
        if found is None:
            try:
                value.set_result(make())
            except BaseException as error:
                with self._lock:
                    del self._values[key]
                value.set_exception(error)
                raise
        return value.result()

    def made(self) -> dict[K, V]:
        """Return the values that are there, the least recently asked for first."""
        with self._lock:
            return {key: value.result() for key, value in self._values.items() if value.done()}

    def forget(self, key: K) -> None:
        """Let go of a value, if it is there."""
        with self._lock:
            self._values.pop(key, None)


@dataclass(frozen=True, slots=True)
class Key:
    """What makes two loaded models different; ``contract`` is the text of it, so that one new under a name is seen."""

    model: str
    contract: str
    device: str
    precision: str
    resolution: int


class ModelPool:
    """Lends loaded models to blocks. Safe to use from several threads."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        allow_paths: bool = False,
        budget: int = BUDGET_BYTES,
        progress: Progress | None = None,
    ) -> None:
        """Load models of ``catalogue`` when they are asked for.

        Args:
            catalogue: Where names are looked up.
            allow_paths: Whether a model may be named by the path of a checkpoint, an ``add`` for the life of this pool.
                For the command line and Python; never for requests from elsewhere.
            budget: Bytes that loaded weights may take; beyond it the least recently used are let go.
            progress: Told about downloads of published weights that a workflow asks for.
        """
        self.catalogue = catalogue
        self._allow_paths = allow_paths
        self._budget = budget
        self._progress = progress
        self._entries: Once[str, Entry] = Once()
        self._models: Once[Key, LoadedModel] = Once()

    # What a model can do is between its family and the block, so its type is not known here.
    def get(
        self, model_id: str, *, device: str = "auto", precision: str = "float32", resolution: int | None = None
    ) -> Any:
        """Return a model ready to predict, pulling and loading it at the first call.

        Args:
            model_id: A name in the catalogue, or a path where paths are allowed.
            device: ``cpu``, ``cuda``, or ``auto`` for what the settings say, or else the best there is.
            precision: ``float32``, ``float16``, ``bfloat16``, ``int8``, or ``auto`` for the fastest that gives the same
                answers; one that does not is stepped back from, with a warning in the log.
            resolution: Side in pixels of the square to look at; ``None`` for the model's own.

        Raises:
            ModelError: If the model is unknown, or cannot be had, read, or used like this.
        """
        entry = self._here(self.entry(model_id))
        contract = entry.contract
        family = self.catalogue.family(entry)
        settings = self.catalogue.settings
        place = family.device(settings.device if device == "auto" else device, precision=precision)
        side = contract.resolution if resolution is None else resolution
        key = Key(entry.id, repr(contract), place, precision, side)

        def load() -> LoadedModel:
            assert entry.folder is not None
            with disk_errors_explained(f"Loading {entry.id}"):
                verify(entry.folder, contract)
                return family.load(
                    entry.folder,
                    contract,
                    device=place,
                    precision=precision,
                    resolution=side,
                    backend=settings.backend,
                    compiled=settings.compiled,
                    name=entry.id,
                )

        model = self._models.get(key, load)
        self._make_room(key)
        return model

    def version(self, model_id: str) -> str:
        """Return what changes whenever a name or path stands for other weights or classes, or they run on another way.

        Raises:
            ModelError: If the model is unknown.
        """
        entry = self.entry(model_id)
        settings = self.catalogue.settings
        return f"{entry.id} {entry.contract!r} {settings.device} {settings.backend}"

    @property
    def loaded(self) -> tuple[Key, ...]:
        """The models in memory, the least recently used first."""
        return tuple(self._models.made())

    def entry(self, model_id: str) -> Entry:
        """Return what is known of the model that a name or, where allowed, a path stands for.

        Raises:
            ModelError: If the model is unknown.
        """
        try:
            return self.catalogue.find(model_id)
        except ModelError:
            if not self._allow_paths and _looks_like_path(model_id):
                message = f"{model_id!r} is a path, but a request names a model by its id."
                hint = "The operator can add the file: segflow models add NAME PATH."
                raise ModelError("model_path", message, hint=hint) from None
            path = at_home(model_id)
            if self._allow_paths and path.exists():
                return self._borrowed(path.resolve())
            if self._allow_paths and _looks_like_path(model_id):
                raise ModelError("model_file", f"There is no checkpoint at {path}.") from None
            raise

    def _borrowed(self, path: Path) -> Entry:
        """Read the checkpoint at ``path``, again only when the file has changed."""
        status = path.stat()

        def read() -> Entry:
            folder = tempfile.mkdtemp(prefix="segflow-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
            return self.catalogue.borrow(path, Path(folder))

        return self._entries.get(f"{path}:{status.st_mtime_ns}:{status.st_size}", read)

    def _here(self, entry: Entry) -> Entry:
        """Return the entry with its files, pulled if need be, once for all threads that want them."""
        if entry.folder is not None:
            return entry
        pulled = self._entries.get(entry.id, lambda: self.catalogue.pull(entry.id, progress=self._progress))
        # From now on the catalogue finds it, for as long as it is kept.
        self._entries.forget(entry.id)
        return pulled

    def _make_room(self, wanted: Key) -> None:
        models = self._models.made()
        taken = sum(model.nbytes for model in models.values())
        for key, model in models.items():
            if taken <= self._budget:
                return
            if key != wanted:
                self._models.forget(key)
                taken -= model.nbytes


def _looks_like_path(text: str) -> bool:
    return text.endswith(WEIGHT_SUFFIXES) or text.startswith((".", "/", "~")) or "\\" in text
