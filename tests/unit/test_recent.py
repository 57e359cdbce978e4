"""Values by key of which the ones unused longest are forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from workflow_engine.recent import Recent


def test_a_value_is_made_once() -> None:
    made: list[str] = []
    recent: Recent[str, int] = Recent()
    for key in ("a", "b", "a", "a"):
        recent.of(key, lambda key=key: made.append(key) or len(made))  # type: ignore[misc]
    assert made == ["a", "b"]
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, 2, None)


def test_the_one_unused_longest_goes_first() -> None:
    recent: Recent[str, str] = Recent(most=2)
    recent.put("a", "1")
    recent.put("b", "2")
    assert recent.get("a") == "1"
    recent.put("c", "3")
    assert recent.keys() == ["a", "c"]
    recent.of("a", str)
    recent.put("d", "4")
    assert recent.keys() == ["a", "d"]


def test_setting_and_forgetting() -> None:
    recent: Recent[int, str] = Recent()
    recent.put(1, "old")
    recent.put(1, "new")
    assert recent.get(1) == "new"
    recent.forget(1)
    recent.forget(1)
    assert recent.keys() == []


def test_threads_make_a_value_once() -> None:
    recent: Recent[int, list[int]] = Recent()
    with ThreadPoolExecutor(8) as pool:
        for number in range(400):
            pool.submit(lambda n: recent.of(n % 5, list).append(n), number)
    assert sum(len(recent.get(key) or ()) for key in range(5)) == 400
