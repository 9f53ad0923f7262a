"""Direction and unit of a metric guessed from the words of its name."""

from __future__ import annotations

import re

from evaltui.domain.metric import Direction, Unit

_WORD = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+(?![a-z])\d*|\d+")

_SPEED = re.compile(r"(?:^|_)(?:per_(?:s|secs?|seconds?|usd|dollars?)|throughput|[tqr]ps)(?:_|\Z)")
_STATISTICS = frozenset({"mean", "avg", "average", "median", "min", "max"})

_COSTS = frozenset({"cost", "costs", "usd", "price", "spend"})
_TOKENS = frozenset({"token", "tokens"})
_TIMES = frozenset({"latency", "duration", "time", "seconds", "secs", "sec", "ttft", "elapsed"})
_TURNS = frozenset({"turns", "retries", "attempts"})
_EFFORTS = _TURNS | {"eff"}
_LOSSES = frozenset(
    {
        *("loss", "perplexity", "ppl", "byte", "brier", "nll"),
        *("error", "errors", "err", "wer", "cer", "ter", "mae", "mse", "rmse"),
        *("fail", "failed", "failure", "failures", "timeout", "timeouts", "malformed", "invalid"),
        *("hallucination", "toxicity", "bias", "regression", "regressions", "issues"),
    }
)
_GAINS = frozenset(
    {
        *("accuracy", "acc", "f1", "bleu", "rouge", "chrf", "recall", "precision", "auc"),
        *("auroc", "mrr", "ndcg", "em", "match", "score", "quality", "reward", "win", "wins"),
        *("pass", "passed", "success", "succeeded", "successful", "resolved", "solved", "correct"),
        *("correctness", "coverage", "faithfulness", "relevancy", "relevance", "similarity"),
        *("groundedness", "helpfulness", "maj"),
    }
)
_SETTINGS = frozenset({"learning", "lr", "temperature", "seed", "epoch", "timestamp", "step"})


def inferred_direction(name: str) -> Direction | None:
    """Return which way a metric gets better by its name, or None when the name does not tell."""
    words = _words(name)
    known = frozenset(words)
    if known & _SETTINGS:
        return None
    if _SPEED.search("_".join(words)):
        return None if known & _LOSSES else Direction.HIGHER
    if known & (_COSTS | _TOKENS | _TIMES | _TURNS | _LOSSES):
        return Direction.LOWER
    return Direction.HIGHER if known & _GAINS else None


def is_effort(name: str) -> bool:
    """Return whether a metric counts turns, tries or other effort, which compares by ratio."""
    words = _words(name)
    return bool(_EFFORTS.intersection(words)) and not _SPEED.search("_".join(words))


def inferred_unit(name: str) -> Unit:
    """Return what a metric counts by its name, RAW when the name does not tell."""
    words = _words(name)
    known = frozenset(words)
    if not words or "per" in known or known & _SETTINGS:
        return Unit.RAW
    for telling, unit in _UNITS:
        if known & telling:
            return unit
    return _LAST_WORDS.get(words[-1], Unit.RAW)


_UNITS: tuple[tuple[frozenset[str], Unit], ...] = (
    (_COSTS, Unit.USD),
    (_TOKENS, Unit.TOKENS),
    (frozenset({"seconds", "secs", "sec"}), Unit.SECONDS),
    (frozenset({"count", "num"}), Unit.COUNT),
)
_LAST_WORDS = {
    "s": Unit.SECONDS,
    **dict.fromkeys(("pct", "percent", "percentage"), Unit.PERCENT),
    **dict.fromkeys(("rate", "accuracy", "acc", "f1"), Unit.RATE),
}


def _words(name: str) -> list[str]:
    """Split the telling segment of a path-like name; a task's name says nothing of its metric."""
    segments = [segment for segment in name.split("/") if segment]
    while len(segments) > 1 and segments[-1].lower() in _STATISTICS:
        segments.pop()
    return [word.lower() for word in _WORD.findall(segments[-1])] if segments else []
