"""Calls of several threads share a batch; the fake backend stands for a GPU, and waits until it is told to go on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from blocks.instance_segmentation.backends.interface import Facts, Looked
from blocks.instance_segmentation.batching import Batching

LONG = 30.0


class Slow:
    """Answers each image with its first number, once it may; notes the sizes of its batches."""

    facts = Facts(side=1, outputs=1, nbytes=0)
    batch = 4

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.entered, self.may = threading.Semaphore(0), threading.Semaphore(0)

    def look(self, pixels: NDArray[np.float32]) -> Looked:
        self.sizes.append(len(pixels))
        self.entered.release()
        assert self.may.acquire(timeout=LONG)
        if (pixels < 0).any():
            raise ValueError("negative")
        return Looked(*[pixels[:, 0].copy()] * 4)

    def mask_maps(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features * 2

    def save(self, folder: Path) -> None:
        (folder / "saved").touch()


def image(*numbers: float) -> NDArray[np.float32]:
    return np.array(numbers, dtype=np.float32).reshape(-1, 1, 1, 1)


def value(call: Future[Looked]) -> list[float]:
    return call.result(timeout=LONG).logits.ravel().tolist()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def all_wait(batching: Batching, images: int) -> None:
    """Return when so many images are waiting for their turn."""
    with batching._changed:
        assert batching._changed.wait_for(lambda: batching._images() >= images, timeout=LONG)


def busy(threads: ThreadPoolExecutor, slow: Slow, batching: Batching) -> Future[Looked]:
    """Let a first call, with the image 0, occupy the backend."""
    first = threads.submit(batching.look, image(0))
    assert slow.entered.acquire(timeout=LONG)
    return first


def test_calls_that_arrive_meanwhile_share_batches_of_the_devices_size(threads: ThreadPoolExecutor) -> None:
    slow = Slow()
    batching = Batching(slow, wait=0.0)
    first = busy(threads, slow, batching)
    calls = [threads.submit(batching.look, image(i)) for i in range(1, 7)]
    all_wait(batching, 6)
    slow.may.release(3)
    assert value(first) == [0]
    assert [value(call) for call in calls] == [[i] for i in range(1, 7)]
    assert slow.sizes == [1, 4, 2]


def test_a_call_of_several_images_stays_together(threads: ThreadPoolExecutor) -> None:
    slow = Slow()
    batching = Batching(slow, wait=0.0)
    first = busy(threads, slow, batching)
    three = threads.submit(batching.look, image(1, 2, 3))
    all_wait(batching, 3)
    two = threads.submit(batching.look, image(4, 5))
    all_wait(batching, 5)
    slow.may.release(3)
    assert [value(call) for call in (first, three, two)] == [[0], [1, 2, 3], [4, 5]]
    assert slow.sizes == [1, 3, 2]


def test_who_had_company_waits_for_more(threads: ThreadPoolExecutor) -> None:
    slow = Slow()
    batching = Batching(slow, wait=LONG)
    first = busy(threads, slow, batching)
    company = [threads.submit(batching.look, image(i)) for i in (1, 2)]
    all_wait(batching, 2)
    slow.may.release(2)
    with batching._changed:
        # The two had no reason to wait: the call before them was alone.
        assert batching._changed.wait_for(lambda: batching._company, timeout=LONG)
    assert [value(call) for call in (first, *company)] == [[0], [1], [2]]
    slow.may.release()
    late = [threads.submit(batching.look, image(i)) for i in range(4)]
    assert [value(call) for call in late] == [[0], [1], [2], [3]]
    assert slow.sizes == [1, 2, 4]


def test_an_error_reaches_every_call_of_its_batch_and_no_other(threads: ThreadPoolExecutor) -> None:
    slow = Slow()
    batching = Batching(slow, wait=0.0)
    first = busy(threads, slow, batching)
    together = [threads.submit(batching.look, image(i)) for i in (1, -2)]
    all_wait(batching, 2)
    slow.may.release(3)
    assert value(first) == [0]
    for call in together:
        with pytest.raises(ValueError, match="negative"):
            call.result(timeout=LONG)
    assert value(threads.submit(batching.look, image(7))) == [7]


def test_the_rest_is_the_backends(tmp_path: Path) -> None:
    batching = Batching(Slow())
    assert batching.mask_maps(image(2)).item() == 4
    batching.save(tmp_path)
    assert (tmp_path / "saved").exists()
    assert (batching.facts, batching.batch) == (Slow.facts, Slow.batch)
