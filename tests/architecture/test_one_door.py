"""What may happen in one place only: reading the environment, opening sockets, decoding pictures, loading pickles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for package in ("workflow_engine", "blocks") for path in (ROOT / package).rglob("*.py"))


def dotted(node: ast.AST) -> str:
    """Return ``a.b.c`` for such an expression, and nothing for others."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
    return ""


def uses(*names: str) -> Iterator[str]:
    """Yield the path of every source, once per use of one of the dotted ``names`` or import of such a module."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Attribute():
                    found = {dotted(node)}
                case ast.Import(names=imported):
                    found = {alias.name for alias in imported}
                case ast.ImportFrom(module=module, names=imported):
                    found = {str(module), *(f"{module}.{alias.name}" for alias in imported)}
                case _:
                    continue
            if found & set(names):
                yield path.relative_to(ROOT).as_posix()


def test_the_environment_is_read_in_the_settings() -> None:
    assert set(uses("os.environ", "os.getenv", "os.environb")) == {"workflow_engine/settings.py"}


def test_sockets_are_for_the_fetcher_for_pull_for_clients_and_for_workers() -> None:
    found = set(uses("socket", "http.client", "urllib.request", "requests", "httpx", "aiohttp"))
    outward = ("vision/fetch", "models/pull", "stream/rules", "stream/reader")
    clients = ("server/serve", "server/connection")
    workers = ("server/frames", "server/process", "server/child")  # a pair of sockets between two of our processes
    assert found == {f"workflow_engine/{name}.py" for name in (*outward, *clients, *workers)}


def test_bytes_become_pixels_in_decode() -> None:
    decoders = (
        "cv2.imdecode",
        "cv2.imread",
        "cv2.imdecodemulti",
        "cv2.imreadmulti",
        "PIL.Image",
        "PIL",
        "simplejpeg.decode_jpeg",
    )
    assert set(uses(*decoders)) == {"workflow_engine/vision/decode.py"}


def test_videos_are_opened_by_the_stream() -> None:
    stream = {f"workflow_engine/stream/{name}.py" for name in ("encode", "files", "reader")}
    assert set(uses("av.open", "cv2.VideoCapture", "cv2.VideoWriter")) == stream


def test_a_pickle_is_loaded_once() -> None:
    assert len(list(uses("torch.load"))) == 1
    loaders = (
        "pickle.load",
        "pickle.loads",
        "pickle.Unpickler",
        "joblib",
        "numpy.load",
        "np.load",
        "shelve",
        "marshal",
    )
    assert list(uses(*loaders)) == []


def test_nothing_evaluates_text() -> None:
    for path in SOURCES:
        calls = [node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        assert not {dotted(call) for call in calls} & {"eval", "exec", "compile", "__import__"}, path


def test_layers() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
