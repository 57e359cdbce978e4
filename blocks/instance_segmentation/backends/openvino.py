"""The network in OpenVINO: the fastest on x86 and ARM processors. torch is needed to compile, not to run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import openvino
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import Facts, Looked, together

if TYPE_CHECKING:
    from torch import Tensor, nn

    from blocks.instance_segmentation.network import Network

# What is not in 8-bit integers is in float32 beside them.
HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16", "int8": "f32"}
CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16", "int8": "INT8"}
FILES = ("look.blob", "maps.blob")
# Names of the operations that the backbone's modules have no part in.
NOT_BACKBONE = r"(?!__module\.network\.model\.model\.backbone\.backbone\.).*"

# The binding makes its tables of types when it first needs them. Two threads whose first looks coincide would wait for
# each other for ever: one makes a table and wants the interpreter, the other has the interpreter and wants the table.
openvino.Type.f32.to_dtype()
openvino.Tensor(np.zeros(1, dtype=np.float32))


class OpenVinoBackend:
    """Two compiled graphs, for one image at a time."""

    batch = 1

    def __init__(self, look: openvino.CompiledModel, maps: openvino.CompiledModel, facts: Facts) -> None:
        """Run compiled graphs of a network with these facts."""
        self.facts = facts
        self._graphs = (look, maps)
        self._look, self._maps = _Runner(look), _Runner(maps)

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        """Return what is found in normalised red-green-blue images, (N, 3, side, side)."""
        found = [self._look(image[None]) for image in pixels]
        return Looked(*(together(arrays) for arrays in zip(*found, strict=True)))

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return feature maps, (N, d, h, w), at mask resolution, (N, d, m, m)."""
        return together([self._maps(one[None])[0] for one in features])

    def save(self, folder: Path) -> None:
        """Write the compiled graphs into a folder.

        Raises:
            OSError: If the disk refuses.
        """
        for name, graph in zip(FILES, self._graphs, strict=True):
            (folder / name).write_bytes(graph.export_model().getvalue())


class _Runner:
    """Runs one compiled graph from several threads: each call has a request of its own, used again afterwards."""

    def __init__(self, graph: openvino.CompiledModel) -> None:
        self._graph = graph
        self._idle: SimpleQueue[openvino.InferRequest] = SimpleQueue()

    def __call__(self, array: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        with self._request() as request:
            # The binding looks at a tensor quicker than at an array, and does not copy it either.
            request.set_input_tensor(openvino.Tensor(np.ascontiguousarray(array), shared_memory=True))
            return tuple(request.infer().to_tuple())

    @contextmanager
    def _request(self) -> Iterator[openvino.InferRequest]:
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._graph.create_infer_request()
        try:
            yield request
        finally:
            self._idle.put(request)


def machine() -> str:
    """Return what compiled graphs depend on besides the network: OpenVINO's build and the processor."""
    core = openvino.Core()
    return f"{openvino.get_version()} {core.get_property('CPU', 'FULL_DEVICE_NAME')} {capabilities()}"


def capabilities() -> list[str]:
    """Return the precisions in which the processor computes by itself."""
    able: list[str] = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [precision for precision, name in CAPABILITIES.items() if name in able]


def compiled(network: Network, *, precision: str, samples: Sequence[NDArray[np.float32]]) -> OpenVinoBackend:
    """Compile a network that is on the CPU; ``samples`` are images, (1, 3, side, side), from which int8 is scaled."""
    from blocks.instance_segmentation.backends.graphs import Look, Maps, example_features, example_pixels

    core, settings = openvino.Core(), _settings(precision)
    look = converted(Look(network), example_pixels(network))
    maps = converted(Maps(network), example_features(network))
    if precision == "int8":
        look = _in_integers(look, samples)
    return OpenVinoBackend(
        core.compile_model(look, "CPU", settings), core.compile_model(maps, "CPU", settings), network.facts
    )


def restored(folder: Path, facts: Facts, *, precision: str) -> OpenVinoBackend:
    """Return what was compiled before.

    Raises:
        OSError: If a file cannot be read.
        RuntimeError: If OpenVINO cannot use it.
    """
    core, settings = openvino.Core(), _settings(precision)
    look, maps = (core.import_model((folder / name).read_bytes(), "CPU", settings) for name in FILES)
    return OpenVinoBackend(look, maps, facts)


def converted(graph: nn.Module, example: Tensor) -> openvino.Model:
    """Return a module as OpenVINO's graph, for inputs of the example's shape.

    The front end is asked directly: ``openvino.convert_model`` does the same, but reports to its makers that it did.
    """
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    from blocks.instance_segmentation.backends.graphs import quiet

    with quiet():
        jit: Any = torch.jit  # has no types
        traced = jit.freeze(jit.trace(graph.eval(), example, strict=False, check_trace=False))
        # The front end reads from the decoder until it has converted all, but does not keep it alive.
        decoder = TorchScriptPythonDecoder(traced)
        front_end = FrontEndManager().load_by_framework("pytorch")
        model = front_end.convert(front_end.load(decoder))
    model.inputs[0].get_node().set_element_type(openvino.Type.f32)
    model.reshape({model.inputs[0]: list(example.shape)})
    return model


def _in_integers(look: openvino.Model, samples: Sequence[NDArray[np.float32]]) -> openvino.Model:
    """Return a graph with the backbone in 8-bit integers, scaled by what its layers meet in the samples.

    What stands behind the backbone, and the graph of the masks, stay as they are: there integers cost most accuracy and
    save least time. On the demo model's 100 pictures they take 0.006 off the masks' AP in the backbone, 0.013 in all.

    Raises:
        ImportError: If the package ``nncf`` is not installed.
    """
    import nncf
    import rich

    from blocks.instance_segmentation.backends.graphs import quiet

    console = rich.get_console()  # NNCF draws bars on it, which is standard output
    before, console.quiet = console.quiet, True
    try:
        with quiet():
            return nncf.quantize(
                look,
                nncf.Dataset(samples),
                subset_size=len(samples),
                model_type=nncf.ModelType.TRANSFORMER,
                ignored_scope=nncf.IgnoredScope(patterns=[NOT_BACKBONE]),
            )
    finally:
        console.quiet = before


def _settings(precision: str) -> dict[str, str]:
    # One image at a time on all cores; without the second hint OpenVINO takes bfloat16 by itself where it can.
    return {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": HINTS[precision]}
