"""Every example runs and gives what it is there to show; scores and single pixels may move."""

from __future__ import annotations

import json
from typing import Any

import pytest

from examples.clips import DRAWN
from examples.expectations import EXAMPLES, RUNS, outline, run

CASES = [(name, number) for name, runs in RUNS.items() for number in range(len(runs))]


@pytest.mark.parametrize(("name", "number"), CASES, ids=lambda value: str(value))
def test_an_example_gives_what_it_promises(name: str, number: int) -> None:
    expected = json.loads((EXAMPLES / name / "expected.json").read_text())[number]
    assert expected["inputs"] == RUNS[name][number]
    outputs = {key: outline(value) for key, value in run(name, expected["inputs"]).items()}
    assert outputs.keys() == expected["outputs"].keys()
    for key, value in expected["outputs"].items():
        assert_alike(outputs[key], value, f"{name}: {key}")


def assert_alike(found: Any, expected: Any, where: str) -> None:
    """Counts may differ by one, as an object near the threshold may come or go elsewhere; the rest is equal."""
    if isinstance(expected, dict):
        for key in found.keys() | expected.keys():
            assert_alike(found.get(key, 0), expected.get(key, 0), f"{where}.{key}")
    elif isinstance(expected, int):
        assert abs(found - expected) <= 1, f"{where}: {found}, expected {expected}"
    else:
        assert found == expected, where


@pytest.mark.parametrize("name", [*RUNS, *DRAWN])
def test_an_example_can_be_read_in_a_minute(name: str) -> None:
    folder = EXAMPLES / name
    readme = (folder / "README.md").read_text()
    assert len(readme.splitlines()) <= 30
    assert "result.jpg" in readme
    assert f"examples/{name}/workflow.json" in readme
    assert (folder / "result.jpg").stat().st_size < 200_000
