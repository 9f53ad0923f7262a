"""Direction, unit and precision of a metric: what a change of it means."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """Which way a metric gets better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEUTRAL = "neutral"


class Unit(StrEnum):
    """What a metric's number counts."""

    RATE = "rate"  # 0 to 1
    PERCENT = "percent"  # 0 to 100
    SCORE = "score"  # an open or small scale such as 0 to 5
    COUNT = "count"
    SECONDS = "s"
    USD = "usd"
    TOKENS = "tokens"
    RAW = "raw"
