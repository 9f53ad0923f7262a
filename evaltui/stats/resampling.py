"""Random draws for permutation and bootstrap, made once per size and seed.

Comparisons ask for many metrics over the same number of cases. The draws do not depend on the
values, so they are kept: a second metric costs well under a millisecond.

Above a number of values ("large samples" below) only the largest are drawn one by one. The sum of
the many small ones is close to normal, with a moment known exactly, and is drawn as such: 100,000
cases cost little more than the limit, and a few extreme values keep their whole influence.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from evaltui.stats.values import FloatArray

FLIPPED_ONE_BY_ONE = 1_024
"""Largest number of values whose signs are all drawn; above it those of the largest values are."""

RESAMPLED_ONE_BY_ONE = 256
"""Largest number of values that are all drawn; above it the farthest from the mean are."""

_BITS = 8
_BYTES = 256
_KEPT = 4
_SIGNS = 1.0 - 2.0 * ((np.arange(_BYTES)[:, None] >> np.arange(_BITS)) & 1)


def flipped_sums(magnitudes: FloatArray, *, seed: int, draws: int) -> FloatArray:
    """Return sums of the values with random signs.

    Args:
        magnitudes: Values, largest first.
        seed: Seed of the signs.
        draws: Number of sums.

    Eight signs are drawn as one byte and their sum looked up in a table.
    """
    head = magnitudes[:FLIPPED_ONE_BY_ONE]
    rest = magnitudes[FLIPPED_ONE_BY_ONE:]
    groups = -(-len(head) // _BITS)
    padded = np.zeros(groups * _BITS)
    padded[: len(head)] = head
    table = np.einsum("gb,sb->gs", padded.reshape(groups, _BITS), _SIGNS)
    sums = np.zeros(draws)
    for row, chosen in zip(table, _flips(groups, seed, draws), strict=True):
        sums += row.take(chosen)
    if len(rest):
        sums += math.sqrt(float((rest * rest).sum())) * _generator(seed, 1).standard_normal(draws)
    return sums


def bootstrap_means(deviations: FloatArray, *, seed: int, draws: int) -> FloatArray:
    """Return means of samples drawn with replacement.

    Args:
        deviations: Values minus their mean, farthest from 0 first.
        seed: Seed of the samples.
        draws: Number of samples, each as large as the original.
    """
    n = len(deviations)
    head, rest = deviations[:RESAMPLED_ONE_BY_ONE], deviations[RESAMPLED_ONE_BY_ONE:]
    counts = _counts(n, len(head), seed, draws)
    # Not @: the threads of a BLAS wait for each other on a busy machine, and add up in any order.
    sums = np.einsum("dc,c->d", counts, head)
    if len(rest):
        sums += _rest_sums(rest, n - counts.sum(axis=1), seed)
    means: FloatArray = sums / n
    return means


def _rest_sums(rest: FloatArray, sizes: FloatArray, seed: int) -> FloatArray:
    """Return sums of `sizes` values drawn from the rest: normal, corrected for their skewness."""
    mean, spread = float(rest.mean()), float(rest.std())
    z = _generator(seed, 1).standard_normal(len(sizes))
    if spread > 0.0:
        away = (rest - mean) / spread
        skewness = float((away * away * away).mean())
        # Cornish & Fisher 1938, first term: keeps the bootstrap right to the second order.
        z += skewness * (z**2 - 1.0) / (6.0 * np.sqrt(np.maximum(sizes, 1.0)))
    sums: FloatArray = sizes * mean + np.sqrt(sizes) * spread * z
    return sums


@lru_cache(maxsize=_KEPT)
def _flips(groups: int, seed: int, draws: int) -> np.ndarray:
    return _generator(seed, 0).integers(0, _BYTES, (groups, draws), dtype=np.uint8)


@lru_cache(maxsize=_KEPT)
def _counts(n: int, columns: int, seed: int, draws: int) -> FloatArray:
    """Return how often each of the first `columns` of n values is in each sample."""
    random = _generator(seed, 2)
    sizes = np.full(draws, n) if columns == n else random.binomial(n, columns / n, draws)
    chosen = random.integers(0, columns, int(sizes.sum()), dtype=np.int32)
    chosen += np.repeat(np.arange(draws, dtype=np.int32) * np.int32(columns), sizes)
    counts = np.bincount(chosen, minlength=draws * columns).astype(np.float64)
    return counts.reshape(draws, columns)


def _generator(seed: int, stream: int) -> np.random.Generator:
    # Named, not default_rng: its choice may change with numpy, and the answers with it.
    return np.random.Generator(np.random.PCG64([seed, stream]))
