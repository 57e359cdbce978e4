"""What the README shows in Python can be pasted and run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from examples.expectations import EXAMPLES

README = (EXAMPLES.parent / "README.md").read_text()
(WORKFLOW,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
# The ecosystem's own client has an environment of its own, and a test there.
CODE = [
    code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "photo" in code and "_sdk" not in code
]


def test_there_is_something_to_paste() -> None:
    assert len(CODE) >= 3


@pytest.mark.parametrize("code", CODE, ids=[code.strip().splitlines()[-1] for code in CODE])
def test_it_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "workflow.json").write_text(WORKFLOW)
    shutil.copy(EXAMPLES / "count_fasteners" / "tray.jpg", tmp_path / "photo.jpg")
    (tmp_path / "photos").mkdir()
    shutil.copy(tmp_path / "photo.jpg", tmp_path / "photos")
    names: dict[str, Any] = {"workflow": json.loads(WORKFLOW)}
    exec(code, names)
    result = names["result"] if "result" in names else names["ran"].result
    assert sum(result["counts"].values()) > 8
