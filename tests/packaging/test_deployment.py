"""What operators are told and given agrees with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from workflow_engine.settings import Limits, variable

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")]
VARIABLE = re.compile(r"\bSEGFLOW_[A-Z_]+\b")


def test_every_setting_is_told_and_no_other() -> None:
    code = (ROOT / "workflow_engine" / "settings.py").read_text()
    limits = {variable(name) for name in Limits.__dataclass_fields__}
    told = set(VARIABLE.findall((ROOT / "docs" / "operations.md").read_text()))
    assert told == set(VARIABLE.findall(code)) | limits
    for page in PAGES:
        assert set(VARIABLE.findall(page.read_text())) <= told, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_the_image_is_made_of_what_there_is() -> None:
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    wanted = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    sources = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", recipe, re.MULTILINE) for name in line.split()]
    assert sorted(sources) == sorted(line[1:] for line in wanted if line.startswith("!"))
    assert all((ROOT / source).exists() for source in sources)
    assert re.search(r"^USER segflow$", recipe, re.MULTILINE)


def test_the_container_is_published_to_this_machine_and_wants_a_token() -> None:
    (service,) = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"].values()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert ":?" in service["environment"]["SEGFLOW_API_TOKEN"]
