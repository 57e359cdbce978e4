"""Damaged and hostile workflow documents, compiled while everything that the process does is watched."""

from __future__ import annotations

import codecs
import copy
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reliability import audit
from reliability.apart import ROOT
from reliability.mutation import damaged
from reliability.outcome import Figure, Given, Outcome, share
from workflow_engine.errors import CompileError, DefinitionError
from workflow_engine.settings import Settings
from workflow_engine.workflow import Engine

SOURCES = ("examples/*/workflow.json", "tests/conformance/workflows/cases/*.json")
ENCODINGS = ("utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le", "utf-8-sig")
"""What the standard library takes JSON for; Python imports each where it is met first."""
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1e308,
        2**63,
        10**400,
        "",
        " ",
        "\x00",
        "x" * 10_000,
        "\ud800",
    ),
    *(
        "$",
        "$inputs.",
        "$steps.",
        "$inputs.image.x",
        "$steps.*.x",
        "$steps.a.b.c",
        "$inputs.__class__",
        "$steps.__init__.__globals__",
    ),
    *([], {}, [[]], [{}], {"a": {}}, {"$ref": "file:///etc/passwd"}, {"$ref": "#"}, {"__class__": "os.system"}),
    *(
        "$inputs.ï",
        "../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "C:\\x",
        "\\\\host\\share",
    ),
    *("__import__('os').system('touch CANARY')", "{{ config }}", "{% import os %}", "${{jndi:ldap://localhost/a}}"),
    *("#{{7*7}}", "`touch CANARY`", "$(touch CANARY)", "!!python/object/apply:os.system ['touch CANARY']"),
    *("http://127.0.0.1:9/x", "cos\nsystem\n(S'touch CANARY'\ntR.", "(a|a)*b"),
    *("core/../os@v1", "os.system", "inner_workflow", "roboflow_core/inner_workflow@v1"),
)


def check(given: Given) -> Outcome:
    """Compile damaged documents: each compiles or is refused in words, and nothing else happens meanwhile."""
    known = Settings(home=given.folder, saved_workflows=given.folder, upstream_models=given.folder)
    engine = Engine(known, trusted=False)
    canary = given.folder / "canary"
    seeds = [*_seeds()] * 4 + [*_one_step_of_each(engine)]
    for document in seeds:  # what is read and imported once, such as manifests, is read now
        _fault(engine, json.dumps(document).encode())
    for encoding in ENCODINGS:
        codecs.lookup(encoding)
    chance, broken, spent, compiled = random.Random(given.seed), [], [], 0
    texts = [json.dumps(document).encode() for document in seeds]
    watched = (*audit.RUNS, *audit.PROGRAMS, *audit.FILES, *audit.NETWORK)
    for number in range(given.count):
        text = _hostile(number, seeds, texts, chance, canary)
        with audit.watching(*watched) as done:
            began = time.perf_counter()
            fault, good = _fault(engine, text)
            spent.append(time.perf_counter() - began)
        compiled += good
        if done:
            fault = f"{fault} did {done[:3]}"
        if fault:
            broken.append(f"document {number}: {fault}: {text[:600]!r}")
    if canary.exists():
        broken.append("the canary was touched")
    large = [_large_seconds(engine, name, document, broken) for name, document in large_documents()]
    figures = {
        "compiled all the same": Figure(value=100 * compiled / given.count, unit="%"),
        "99 % of documents": Figure(value=share(spent, 0.99) * 1000, unit="ms"),
        "slowest document": Figure(value=max(spent) * 1000, unit="ms", most=2000),
        "slowest one made to be slow": Figure(value=max(large), unit="s", most=10),
    }
    return Outcome(tried=given.count + len(large), broken=broken, figures=figures)


def _fault(engine: Engine, text: bytes) -> tuple[str, bool]:
    """Return what is wrong with how a document was dealt with, and whether it compiled."""
    try:
        engine.compile(text)
    except (DefinitionError, CompileError) as error:
        silent = [problem for problem in error.problems if not (problem.code and problem.message)]
        return (f"a problem without words: {silent}" if silent else ""), False
    except Exception as error:  # noqa: BLE001 -- whatever else it raises is a fault
        return f"{type(error).__name__}: {error}", False
    return "", True


def _large_seconds(engine: Engine, name: str, document: bytes, broken: list[str]) -> float:
    began = time.perf_counter()
    fault, _ = _fault(engine, document)
    if fault:
        broken.append(f"the large document {name}: {fault}")
    return time.perf_counter() - began


def large_documents() -> Iterator[tuple[str, bytes]]:
    """Yield documents of nearly the size that is allowed, made so that a careless reader takes very long."""

    def document(steps: list[Any], inputs: list[Any] | None = None, outputs: list[Any] | None = None) -> bytes:
        whole = {"version": "1.0", "inputs": inputs or [], "steps": steps, "outputs": outputs or []}
        return json.dumps(whole).encode()

    def output(number: int) -> dict[str, str]:
        return {"type": "JsonField", "name": f"o{number}", "selector": f"$inputs.p{number}q"}

    blur = "roboflow_core/image_blur@v1"
    numbers = range(256)
    yield "types that are nearly known", document([{"type": f"{blur}{n}", "name": f"s{n}"} for n in numbers])
    yield "types of great length", document([{"type": blur * 140, "name": f"s{n}"} for n in numbers])
    yield "fields", document([{"type": blur, "name": "s", **{f"kernel_siz{n}": 1 for n in range(45_000)}}])
    yield (
        "steps that name each other",
        document([{"type": blur, "name": f"s{n}", "image": f"$steps.s{255 - n}.image"} for n in numbers]),
    )
    inputs = [{"type": "WorkflowParameter", "name": f"p{n}"} for n in range(1000)]
    yield "ports", document([], inputs, [*map(output, range(1000))])
    yield "outputs", document([], [], [*map(output, range(12_000))])
    yield "keys", b"{" + b",".join(b'"a%d":1' % n for n in range(80_000)) + b',"a79999":2}'
    yield "brackets", b"[" * 900_000
    yield "digits", b'{"a":' + b"9" * 900_000 + b"}"
    yield "one text", document([{"type": blur, "name": "s", "image": "$steps." + "x" * 900_000 + ".y"}])


def _seeds() -> Iterator[dict[str, Any]]:
    for source in SOURCES:
        for file in sorted(ROOT.glob(source)):
            content = json.loads(file.read_text())
            yield content.get("definition", content)


def _one_step_of_each(engine: Engine) -> Iterator[dict[str, Any]]:
    """Yield a workflow for each block under each of its names, its fields filled with what some of them may take."""
    for name in engine.registry.type_names:
        step = {"type": name, "name": "step"}
        step |= dict.fromkeys(engine.registry.step_type(name).fields, "$inputs.image")
        inputs = [{"type": "WorkflowImage", "name": "image"}]
        outputs = [{"type": "JsonField", "name": "all", "selector": "$steps.step.*"}]
        yield {"version": "1.0", "inputs": inputs, "steps": [step], "outputs": outputs}


def _hostile(
    number: int, seeds: list[dict[str, Any]], texts: list[bytes], chance: random.Random, canary: Path
) -> bytes:
    which = chance.randrange(len(seeds))
    if number % 4 == 0:
        return damaged(texts[which], chance, texts)
    document = copy.deepcopy(seeds[which])
    for _ in range(chance.choice((1, 1, 2, 4))):
        chance.choice(WAYS)(document, chance, canary)
    text = json.dumps(document, allow_nan=True).encode()
    return damaged(text, chance, texts) if number % 16 == 1 else text


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every container in a document with each of its keys."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield value, key
        yield from _places(member)


def _place(document: Any, chance: random.Random) -> tuple[Any, Any]:
    return chance.choice([*_places(document)] or [({"": ""}, "")])


def _replace(document: Any, chance: random.Random, canary: Path) -> None:
    holder, key = _place(document, chance)
    odd = copy.deepcopy(chance.choice(ODD))
    holder[key] = odd.replace("CANARY", str(canary)) if isinstance(odd, str) else odd


def _remove(document: Any, chance: random.Random, canary: Path) -> None:
    holder, key = _place(document, chance)
    del holder[key]


def _rename(document: Any, chance: random.Random, canary: Path) -> None:
    holder, key = _place(document, chance)
    if isinstance(holder, dict):
        holder[chance.choice(("name", "type", "x", "__class__", "", "steps", "selector"))] = holder.pop(key)


def _exchange(document: Any, chance: random.Random, canary: Path) -> None:
    (one, at), (other, there) = _place(document, chance), _place(document, chance)
    one[at], other[there] = copy.deepcopy(other[there]), copy.deepcopy(one[at])


def _repeat(document: Any, chance: random.Random, canary: Path) -> None:
    lists = [holder[key] for holder, key in _places(document) if isinstance(holder[key], list) and holder[key]]
    if lists:
        chosen = chance.choice(lists)
        chosen += [copy.deepcopy(chance.choice(chosen)) for _ in range(chance.choice((1, 2, 300)))]


def _nest(document: Any, chance: random.Random, canary: Path) -> None:
    holder, key = _place(document, chance)
    for _ in range(chance.choice((1, 10, 40))):
        holder[key] = chance.choice(([holder[key]], {"a": holder[key]}))


WAYS: tuple[Callable[[Any, random.Random, Path], None], ...] = (
    *(_replace, _replace, _replace, _remove, _rename, _exchange, _repeat, _nest),
)
