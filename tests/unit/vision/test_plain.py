"""Plain JSON of whatever a block may return."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from enum import Enum, IntEnum
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest

from workflow_engine.vision.plain import plain


class Side(Enum):
    LEFT = "left"


class Level(IntEnum):
    HIGH = 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.array(7), 7),
        (np.array([(1, None), (2, b"a")], dtype=object), [[1, None], [2, "YQ=="]]),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        ({3: np.int32(1), None: 2, (1, 2): 3, np.int64(5): 4}, {"3": 1, "null": 2, "[1, 2]": 3, "5": 4}),
        ({"b"}, ["b"]),
        (b"\x00\xff", "AP8="),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (Side.LEFT, "left"),
        (Level.HIGH, 3),
        (np.datetime64("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
        (PurePosixPath("a/b"), "a/b"),
        (1 + 2j, "(1+2j)"),
    ],
)
def test_every_value_has_a_plain_form(value: Any, expected: Any) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    json.dumps(found)


def test_numbers_that_are_not_finite_stay() -> None:
    nan, infinite = plain([np.float32("nan"), math.inf])
    assert math.isnan(nan)
    assert infinite == math.inf
