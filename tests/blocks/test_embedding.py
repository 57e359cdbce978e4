"""Embeddings: nearness, changes, outliers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.errors import BlockError

CHANGES, OUTLIERS = "core/identify_changes@v1", "core/identify_outliers@v1"
STRATEGIES = ("Exponential Moving Average (EMA)", "Simple Moving Average (SMA)", "Sliding Window")


def usual(count: int, *, unusual: int | None = None) -> list[list[float]]:
    """Vectors about one direction, but for one of them."""
    random = np.random.default_rng(4)
    vectors = np.array([3.0, 1.0, 0.5, 0.0]) + random.normal(0, 0.05, (count, 4))
    if unusual is not None:
        vectors[unusual] = [-1, 2, -1, 2]
    return vectors.tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("one", "other", "cosine"),
    [
        ([1, 0], [3, 0], 1),
        ([1, 0], [0, 2], 0),
        ([1, 0], [-2, 0], -1),
        ([1, 0], [1, 1], math.sqrt(0.5)),
        ([0, 0], [1, 1], 0),
    ],
)
def test_similarity(run: BlockRunner, one: list[float], other: list[float], cosine: float) -> None:
    answer = run("core/cosine_similarity@v1", embedding_1=one, embedding_2=other)
    assert answer == {"similarity": pytest.approx(cosine)}


def test_embeddings_of_different_models_cannot_be_compared(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="2 and 3 elements"):
        run("core/cosine_similarity@v1", embedding_1=[1, 2], embedding_2=[1, 2, 3])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_change_stands_out(run: BlockRunner, strategy: str) -> None:
    call = run.start(CHANGES)
    answers = [call(embedding=one, strategy=strategy, threshold_percentile=0.05) for one in usual(25, unusual=20)]
    assert [answer["warming_up"] for answer in answers] == [True] * 3 + [False] * 22
    assert not any(answer["is_outlier"] for answer in answers[:3])
    assert answers[20]["is_outlier"]
    assert answers[20]["z_score"] == min(answer["z_score"] for answer in answers)
    assert answers[20]["percentile"] > 0.975


@pytest.mark.parametrize(
    ("strategy", "average", "deviation"),
    [
        (STRATEGIES[0], [0.75, 0.25], [math.sqrt(3 / 32)] * 2),
        (STRATEGIES[1], [2 / 3, 1 / 3], [math.sqrt(1 / 3)] * 2),
        (STRATEGIES[2], [0.5, 0.5], [0.5, 0.5]),
    ],
)
def test_means_and_deviations(run: BlockRunner, strategy: str, average: list[float], deviation: list[float]) -> None:
    """Of vectors of length 1; a sliding window leaves out the very first."""
    call = run.start(CHANGES)
    for vector in ([2.0, 0.0], [0.0, 3.0], [4.0, 0.0]):
        answer = call(embedding=vector, strategy=strategy, smoothing_factor=0.5)
    assert (answer["average"], answer["std"]) == (pytest.approx(average), pytest.approx(deviation))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_scene_that_never_changes(run: BlockRunner, strategy: str) -> None:
    call = run.start(CHANGES)
    answers = [call(embedding=[1.0, 0.0], strategy=strategy) for _ in range(6)]
    assert all((answer["is_outlier"], answer["percentile"], answer["z_score"]) == (False, 0.5, 0) for answer in answers)


def test_an_outlier_points_elsewhere(run: BlockRunner) -> None:
    call = run.start(OUTLIERS)
    answers: list[dict[str, Any]] = [call(embedding=one) for one in usual(25, unusual=20)]
    assert answers[0] == {"is_outlier": False, "percentile": 0.5, "warming_up": True}
    assert [answer["warming_up"] for answer in answers[:4]] == [True, True, False, False]
    assert answers[20] == {"is_outlier": True, "percentile": 0.0, "warming_up": False}


def test_the_window_forgets(run: BlockRunner) -> None:
    """What is new at first is usual when it has filled the window."""
    call = run.start(OUTLIERS)
    for _ in range(10):
        call(embedding=[1.0, 0.0], window_size=5)
    answers = [call(embedding=[0.0, 1.0], window_size=5)["percentile"] for _ in range(10)]
    assert answers[0] == 0
    assert call(embedding=[1.0, 0.0], window_size=5)["is_outlier"]


@pytest.mark.parametrize("block", [CHANGES, OUTLIERS])
def test_an_embedding_without_length(run: BlockRunner, block: str) -> None:
    call = run.start(block)
    answers = [call(embedding=[0.0, 0.0]) for _ in range(5)]
    assert all(0 <= answer["percentile"] <= 1 for answer in answers)
