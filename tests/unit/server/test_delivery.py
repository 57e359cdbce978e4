"""What waits of a pipeline's results is bounded, whoever takes it and however slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.unit.stream.clips import BLUR, place, steady
from workflow_engine import Workflow
from workflow_engine.server.pipelines.delivery import MOST_EVENTS, Delivery, Question
from workflow_engine.settings import Limits
from workflow_engine.stream.run import FrameResult
from workflow_engine.vision.decode import decode


class Answers(dict[int, tuple[dict[str, Any], bytes]]):
    """The answers that were sent, by the number of the question."""

    def __call__(self, number: int, head: Mapping[str, Any], body: bytes) -> None:
        assert number not in self
        self[number] = (dict(head), body)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[FrameResult]:
    clip = steady(tmp_path_factory.mktemp("clips") / "clip.mp4", 40)
    return list(Workflow(BLUR).video(clip))


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def delivery(answers: Answers) -> Delivery:
    return Delivery(Workflow(BLUR).plan, ["0"], 4, answers)


def test_the_newest_results_wait_to_be_consumed(delivery: Delivery, results: list[FrameResult]) -> None:
    for result in results:
        delivery.write(result)
    taken = [delivery.consume(["picture"]) for _ in range(5)]
    assert [one["frames_metadata"][0]["frame_id"] for one in taken[:4]] == [37, 38, 39, 40]
    assert taken[0]["outputs"] == [{}]
    assert taken[4] == {"outputs": [], "frames_metadata": []}


def test_who_follows_slowly_misses_results(delivery: Delivery, answers: Answers, results: list[FrameResult]) -> None:
    delivery.follow(Question(id=1, after=0))
    assert not answers
    for result in results:
        delivery.write(result)
    head, body = answers[1]
    assert body.count(b"\n\n") == 1
    delivery.follow(Question(id=2, after=head["at"]))
    numbers = [orjson.loads(line[6:])["frame"] for line in answers[2][1].splitlines() if line.startswith(b"data: ")]
    assert numbers == [*range(41 - MOST_EVENTS, 41)]


def test_nothing_is_written_for_nobody(delivery: Delivery, answers: Answers, results: list[FrameResult]) -> None:
    delivery.write(results[0])
    delivery.follow(Question(id=1, after=0))
    assert not answers


def test_the_newest_picture_is_shown(delivery: Delivery, answers: Answers, results: list[FrameResult]) -> None:
    for result in results[:3]:
        delivery.write(result)
    delivery.follow(Question(id=1, after=0, picture=True, output="picture"))
    assert place(decode(answers[1][1], limits=Limits())) == 2
    delivery.follow(Question(id=2, after=answers[1][0]["at"], picture=True))
    assert 2 not in answers
    delivery.write(results[3])
    assert place(decode(answers[2][1], limits=Limits())) == 3


def test_who_has_left_is_forgotten_and_the_end_is_told(
    delivery: Delivery, answers: Answers, results: list[FrameResult]
) -> None:
    delivery.follow(Question(id=1, after=0))
    delivery.follow(Question(id=2, after=0, picture=True))
    delivery.forget(1)
    assert answers[1] == ({"at": 0, "over": True}, b"")
    delivery.close()
    assert answers[2] == ({"at": 0, "over": True}, b"")


def test_who_comes_after_the_last_result_is_told_of_it_when_there_are_no_more(
    delivery: Delivery, answers: Answers, results: list[FrameResult]
) -> None:
    for result in results:
        delivery.write(result)
    delivery.follow(Question(id=1, after=0))
    assert not answers
    for _ in range(2):
        delivery.close()
    head, body = answers[1]
    numbers = [orjson.loads(line[6:])["frame"] for line in body.splitlines() if line.startswith(b"data: ")]
    assert numbers == [len(results)]
    delivery.follow(Question(id=2, after=head["at"]))
    assert answers[2][0]["over"]
