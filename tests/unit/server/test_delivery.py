"""What those who follow a pipeline are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.unit.stream.clips import BLUR, steady
from workflow_engine import Workflow
from workflow_engine.server.pipelines.delivery import Delivery, Question


def test_who_comes_after_the_last_result_is_told_of_it_when_there_are_no_more(tmp_path: Path) -> None:
    workflow = Workflow(BLUR)
    answers: list[tuple[Mapping[str, Any], bytes]] = []
    delivery = Delivery(workflow.plan, ["0"], 8, lambda _, head, body: answers.append((head, body)))
    for result in workflow.video(steady(tmp_path / "a.mp4", 3)):
        delivery.write(result)
    delivery.follow(Question(id=1, after=0))
    assert answers == []
    for _ in range(2):
        delivery.close()
    ((head, body),) = answers
    assert b'"frame":3' in body
    assert b'"frame":2' not in body
    delivery.follow(Question(id=2, after=head["at"]))
    assert answers[1][0]["over"]
