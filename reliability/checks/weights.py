"""Files of weights that are programs, and files that are broken, given to ``segflow models add``."""

from __future__ import annotations

import argparse
import builtins
import importlib
import io
import json
import pickle
import random
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from reliability import audit
from reliability.mutation import damaged
from reliability.outcome import Given, Outcome
from workflow_engine import settings
from workflow_engine.models.family import ModelError
from workflow_engine.workflow import Engine

CALLS: tuple[tuple[str, tuple[Any, ...]], ...] = (
    *(("os.system", ("touch CANARY",)), ("os.popen", ("touch CANARY",)), ("os.mkdir", ("CANARY",))),
    *(("os.putenv", ("A", "b")), ("os.execl", ("/bin/touch", "touch", "CANARY"))),
    *(("os.symlink", ("/", "CANARY")), ("subprocess.Popen", (["touch", "CANARY"],))),
    *(("subprocess.check_output", (["touch", "CANARY"],)), ("builtins.exec", ("open('CANARY','w')",))),
    *(("builtins.eval", ("open('CANARY','w')",)), ("builtins.open", ("CANARY", "w"))),
    *(("builtins.getattr", ("text", "upper")), ("builtins.compile", ("1", "", "eval"))),
    *(("builtins.__import__", ("antigravity",)), ("importlib.import_module", ("this",))),
    *(("runpy.run_path", ("CANARY",)), ("pathlib.Path", ("CANARY",)), ("shutil.rmtree", ("CANARY",))),
    *(("shutil.copy", ("/etc/passwd", "CANARY")), ("socket.create_connection", (("127.0.0.1", 9),))),
    *(("urllib.request.urlopen", ("http://127.0.0.1:9/",)), ("webbrowser.open", ("http://127.0.0.1:9/",))),
    *(("pty.spawn", ("/bin/true",)), ("ctypes.CDLL", ("libc.so.6",)), ("pickle.loads", (b".",))),
    *(("marshal.loads", (b"N",)), ("torch.load", ("CANARY",)), ("torch.hub.load", ("a", "b"))),
    *(("numpy.load", ("CANARY",)), ("logging.FileHandler", ("CANARY",)), ("zipfile.ZipFile", ("CANARY", "w"))),
    *(("timeit.timeit", ("open('CANARY','w')",)), ("code.interact", ()), ("bdb.Bdb", ()), ("pdb.run", ("1",))),
    *(("functools.partial", (print, "x")), ("operator.attrgetter", ("__class__",)), ("threading.Thread", ())),
    *(("asyncio.run", (None,)), ("tempfile.mkdtemp", ()), ("sqlite3.connect", ("CANARY",))),
    *(("signal.raise_signal", (9,)), ("multiprocessing.Process", ())),
    *(("torch.utils.cpp_extension.load_inline", ("a", "b")), ("sys.exit", (3,))),
    *(("torch.jit.load", ("CANARY",)), ("http.server.test", ())),
)
"""What a pickle can ask to be called. The last are harmless by themselves, and no weights need them."""

HEADERS = (
    b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,64]}}',
    b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}',
    b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
    b'{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}}',
    b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}',
    b'{"a":{"dtype":"OBJECT","shape":[1],"data_offsets":[0,4]}}',
    b'{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}',
    b'{"a":{"dtype":"F32","shape":[1]}}',
    *(b'{"a":1}', b"[]", b"null", b"", b"{", b'{"__metadata__":{"format":1}}', b"\xff" * 40, b"[" * 4000),
    b'{"a":' * 4000,
    b'{"__metadata__":{"format":"pt"}}',
)
WATCHED = (*audit.PROGRAMS, *audit.NETWORK, "os.mkdir", "os.symlink", "shutil.rmtree", "webbrowser.")


class Gadget:
    """Pickles as a call."""

    def __init__(self, call: Any, *arguments: Any) -> None:
        self._reduced = (call, arguments)

    def __reduce__(self) -> Any:
        return self._reduced


def check(given: Given) -> Outcome:
    """Add every file to the catalogue; each must be refused in words, and nothing of it may run."""
    canary, chance, broken = given.folder / "canary", random.Random(given.seed), []
    known = settings.load({"HOME": str(given.folder), "SEGFLOW_HOME": str(given.folder / "home")})
    catalogue = Engine(known).models.catalogue
    files = [*_gadgets(canary), *_broken_files()]
    chance.shuffle(files)
    for number in range(max(given.count, len(files))):
        name, content = files[number % len(files)]
        if number >= len(files):
            content = damaged(content, chance, [other for _, other in files if other])
        path = given.folder / f"weights{Path(name).suffix}"
        path.write_bytes(content)
        with audit.watching(*WATCHED) as done:
            try:
                catalogue.add(f"m{number}", path, model_type="nano", labels=["a"])
                fault = "was taken"
            except ModelError as error:
                fault = "" if error.problem.message.endswith(".") else f"refused as {error.problem.message!r}"
            except Exception as error:  # noqa: BLE001 -- whatever else it raises is a fault
                fault = f"{type(error).__name__}: {error}"
        ran = [event for event in done if not _own(event, given.folder / "home")]
        if fault or ran or canary.exists():
            broken.append(f"{name}: {fault} {ran} {'touched the canary' if canary.exists() else ''}")
            if canary.exists():
                canary.rename(given.folder / f"touched by {number}")
    return Outcome(tried=max(given.count, len(files)), broken=broken)


def _own(event: tuple[str, tuple[Any, ...]], home: Path) -> bool:
    """Whether an event is the catalogue's own: it makes and removes its workplace."""
    return event[0] in ("os.mkdir", "shutil.rmtree") and str(event[1][0]).startswith(str(home))


def _gadgets(canary: Path) -> Iterator[tuple[str, bytes]]:
    for number, (called, arguments) in enumerate(CALLS):
        gadget = Gadget(_found(called), *_placed(arguments, canary))
        beside = {"model": {"a": torch.zeros(1)}, "args": argparse.Namespace(x=gadget)}
        held = (gadget, beside, {"model": {"a": gadget}})
        kind = number % 4
        if kind < 2:
            file = io.BytesIO()
            torch.save(held[number % 3], file, _use_new_zipfile_serialization=kind == 0)
            yield f"{called}.pth", file.getvalue()
        else:
            yield f"{called}.pt", pickle.dumps(held[number % 3], protocol=number % 5 + 1)
    for protocol in (b"", b"\x80\x02", b"\x80\x04"):
        yield "opcodes.ckpt", protocol + f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()
        yield "inst.ckpt", protocol + f"(S'touch {canary}'\nios\nsystem\n.".encode()
        yield "object.ckpt", protocol + f"(cos\nsystem\nS'touch {canary}'\no.".encode()
    yield "persistent.pth", b"\x80\x02X\x01\x00\x00\x00aQ."
    yield "extension.pth", b"\x80\x02\x82\x01."


def _found(called: str) -> Any:
    module, _, name = called.rpartition(".")
    return getattr(builtins if module == "builtins" else importlib.import_module(module), name)


def _placed(arguments: Any, canary: Path) -> Any:
    match arguments:
        case str():
            return arguments.replace("CANARY", str(canary))
        case tuple() | list():
            return type(arguments)(_placed(each, canary) for each in arguments)
    return arguments


def _broken_files() -> Iterator[tuple[str, bytes]]:
    for number, header in enumerate(HEADERS):
        yield f"header {number}.safetensors", struct.pack("<Q", len(header)) + header + bytes(16)
    good = save({"a": torch.zeros(4)})
    for length in (0, 1, 8, 20, len(good) - 1):
        yield f"first {length} bytes.safetensors", good[:length]
    for length in (1 << 24, 1 << 40, (1 << 64) - 1):
        yield f"header of {length} bytes.safetensors", struct.pack("<Q", length) + good[8:]
    yield "not a network.safetensors", good
    for name, content in (("list", [1]), ("empty", {}), ("mixed", {"model": {"a": torch.zeros(1), "b": "text"}})):
        file = io.BytesIO()
        torch.save(content, file)
        yield f"{name}.pth", file.getvalue()
        squeezed = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(file.getvalue())) as old, zipfile.ZipFile(squeezed, "w", 8) as new:
            for entry in old.namelist():
                new.writestr(entry, old.read(entry))
        yield f"compressed {name}.pth", squeezed.getvalue()
    yield "text.pth", json.dumps({"model": {}}).encode()
    with io.BytesIO() as empty:
        zipfile.ZipFile(empty, "w").close()
        yield "empty archive.pth", empty.getvalue()
