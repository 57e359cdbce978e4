"""Names that try to lead out of a folder, at every door where a name of a request becomes a path."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from reliability import audit
from reliability.outcome import Given, Outcome
from workflow_engine import settings
from workflow_engine.errors import WorkflowError
from workflow_engine.workflow import Engine

UPWARDS = (
    *("..", "%2e%2e", "..%00", ".%2e", "\uff0e\uff0e", "..;", "....//", "..\\"),
    *("%252e%252e", "\u2024\u2024", ". .", "..\x00", "..\n"),
)
SEPARATORS = ("/", "\\", "%2f", "%5c", "//", "/./", "\u2215", "\uff0f", "%c0%af")
TARGETS = ("secret.json", "secret", "etc/passwd", "")
ABSOLUTE = (
    *(
        "{outside}/secret.json",
        "/{outside}/secret.json",
        "file://{outside}/secret.json",
    ),
    *("~/secret", "~root/x", "$HOME/x"),
    *("C:\\secret", "C:secret", "\\\\host\\share", "\\\\?\\C:\\x", "//host/share", "/dev/zero", "/proc/self/environ"),
    *("link/secret.json", "link", "deep/../../outside/secret.json", "circle/x", "x/" * 5000, "a" * 300),
    *("nul", "con.json", "secret.json\x00.png", "\x00", " ", ".", "", "-", "{{outside}}", "data:,{outside}"),
    "1/../../outside/secret.json",
)
SECRET = "SECRET-CANARY"


def check(given: Given) -> Outcome:
    """Use every spelling at every door; nothing outside may be opened, changed or told."""
    root, outside = given.folder / "root", given.folder / "outside"
    for folder in (root / "workflows" / "deep", root / "models", root / "written", outside):
        folder.mkdir(parents=True)
    for file in ("secret.json", "secret", "contract.json"):
        (outside / file).write_text(f'{{"secret": "{SECRET}"}}')
    for place in ("workflows", "models", "written"):
        (root / place / "link").symlink_to(outside)
        (root / place / "circle").symlink_to(root / place / "circle")
    before = _contents(outside)
    doors, broken = _doors(root), []
    for use in doors.values():  # what is imported on first use is imported now
        _told(use, "plain")
    spellings = [*_spellings(outside)]
    random.Random(given.seed).shuffle(spellings)
    for number in range(given.count):
        name = spellings[number % len(spellings)]
        for door, use in doors.items():
            with audit.watching(*audit.FILES) as done:
                fault = _told(use, name)
            touched = [place for _, about in done for place in _outside(about, root)]
            if fault or touched:
                broken.append(f"{door}, {name[:80]!r}: {fault} {touched}")
    if _contents(outside) != before:
        broken.append(f"outside is {_contents(outside)} now")
    note = f"Each spelling at {len(doors)} doors: {', '.join(doors)}."
    return Outcome(tried=given.count, broken=broken, notes=[note])


def _doors(root: Path) -> dict[str, Callable[[str], Any]]:
    known = settings.load({"HOME": str(root)})
    known = replace(known, home=root, saved_workflows=root / "workflows", write_folder=root / "written")
    engine = Engine(known, trusted=False)
    document = {"version": "1.0", "steps": []}
    return {
        "a workflow to read": engine.library.read,
        "a workflow to save": lambda name: engine.library.save(name, document),
        "a workflow to delete": engine.library.delete,
        "a model to find": engine.models.catalogue.find,
        "a model to load": engine.models.get,
        "a folder to write to": lambda name: _written(engine, target_directory=name),
        "a prefix of files to write": lambda name: _written(engine, file_name_prefix=name),
        "an image of a run": lambda name: _shown(engine, name),
        "an image of a run, as an object": lambda name: _shown(engine, {"type": "file", "value": name}),
    }


def _written(engine: Engine, **fields: str) -> Any:
    step = {"type": "roboflow_core/local_file_sink@v1", "name": "file", "content": "x", "file_type": "txt"}
    step |= {"output_mode": "append_log", "target_directory": "d", "file_name_prefix": "p", **fields}
    return _run(engine, step, {})


def _shown(engine: Engine, value: Any) -> Any:
    step = {"type": "roboflow_core/image_blur@v1", "name": "blur", "image": "$inputs.image"}
    return _run(engine, step, {"image": value})


def _run(engine: Engine, step: dict[str, Any], given: dict[str, Any]) -> Any:
    inputs = [{"type": "WorkflowImage", "name": name} for name in given]
    outputs = [{"type": "JsonField", "name": "all", "selector": f"$steps.{step['name']}.*"}]
    plan = engine.compile({"version": "1.0", "inputs": inputs, "steps": [step], "outputs": outputs})
    return engine.session(plan).run(given, serialised=True).outputs


def _told(use: Callable[[str], Any], name: str) -> str:
    """Return what is wrong with how a name was dealt with, if anything: it may be used inside, or refused in words."""
    try:
        answer = str(use(name))
    except WorkflowError as error:
        answer = str(error)
    except Exception as error:  # noqa: BLE001 -- whatever else it raises is a fault
        return f"{type(error).__name__}: {error}"
    return f"told {answer[:200]}" if SECRET in answer else ""


def _outside(about: tuple[Any, ...], root: Path) -> Iterator[str]:
    """Yield the paths of an event that lie outside of ``root``; a file that is open already is told by a number."""
    for place in about[:2]:
        if isinstance(place, str | bytes | Path) and (text := str(place)).startswith(("/", ".")):
            resolved = Path(text).parent.resolve() / Path(text).name
            if not resolved.is_relative_to(root.resolve()):
                yield text


def _spellings(outside: Path) -> Iterator[str]:
    yield from (text.replace("{outside}", str(outside)) for text in ABSOLUTE)
    for up in UPWARDS:
        for separator in SEPARATORS:
            for target in TARGETS:
                yield f"{up}{separator}{'outside' + separator if target else ''}{target}"
                yield f"deep{separator}{up}{separator}{up}{separator}outside{separator}{target}"


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}
