"""The promises of safety and steadiness, tried with fewer cases than ``make reliability`` does, and without a clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reliability import apart, report
from reliability.checks import CHECKS
from reliability.outcome import Figure, Outcome, share


@pytest.mark.flaky(reruns=1)  # servers and clients are processes, which may come too late on a crowded machine
@pytest.mark.parametrize("name", CHECKS)
def test_the_promise_is_kept(name: str) -> None:
    outcome = apart.run(name, CHECKS[name].few, seconds=600)
    assert not outcome.broken, "\n".join(outcome.broken)
    assert outcome.tried >= CHECKS[name].few


def test_a_check_that_dies_found_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = tmp_path / "reliability" / "checks"
    checks.mkdir(parents=True)
    for module in ("__init__", "apart", "outcome"):
        (checks.parent / f"{module}.py").write_text((apart.ROOT / "reliability" / f"{module}.py").read_text())
    (checks / "__init__.py").touch()
    (checks / "dies.py").write_text("import os, signal\ndef check(given): os.kill(os.getpid(), signal.SIGSEGV)\n")
    (checks / "hangs.py").write_text("import time\ndef check(given): time.sleep(600)\n")
    monkeypatch.setattr(apart, "ROOT", tmp_path)
    (died,) = apart.run("dies", 1, seconds=60).broken
    assert died.startswith("it ended with -11")
    (hung,) = apart.run("hangs", 1, seconds=1).broken
    assert hung.startswith("it had not ended after 1 s")


def test_figures_beyond_their_bounds_break_a_promise() -> None:
    fine = Outcome(tried=1, figures={"a": Figure(value=2, unit="ms", most=2), "b": Figure(value=2, unit="%", least=2)})
    assert fine.kept
    assert Outcome.from_json(json.loads(json.dumps(fine.to_json()))) == fine
    for bound in ({"most": 1.9}, {"least": 2.1}):
        late = Outcome(tried=1, figures={"a": Figure(value=2, unit="ms", **bound)})
        assert not late.kept
        assert "beyond its bound" in report.told("load", late, seconds=1)
        known = {"load": {"machine": dict.fromkeys(("date", "processor", "memory", "system", "load before"), "x")}}
        known["load"] |= late.to_json()
        assert "**not kept**" in report.page(known)


def test_the_share_of_values() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (share(values, 0.5), share(values, 0.99), share(values, 1.0), share([7.0], 0.99)) == (51, 100, 100, 7)


def test_the_page_shows_the_results_that_there_are() -> None:
    if not report.FILE.exists():
        pytest.skip("make reliability has not written any results yet")
    assert report.PAGE.read_text() == report.page(json.loads(report.FILE.read_text()))
