"""Ids in arrays, 16 bytes each: as texts in a list they take six times as much."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from evaltui.domain.text_bytes import encoded

KeyArray = npt.NDArray[np.bytes_]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BYTES = 16
_DIGITS = 2 * _BYTES
_TYPE = f"S{_BYTES}"
_SECRET = os.urandom(_BYTES)
"""Another one in every process: nobody can choose ids that are taken for each other."""


class PackedIds:
    """Ids in the order they came, each kept as a key.

    MLflow's ids are 32 hexadecimal digits, which stand for 16 bytes. What is no such id is kept as
    a text beside its key, which is a sum of it.

    Args:
        keys: The keys.
        others: Texts by key, where a key is a sum; perhaps of other ids, too.
    """

    __slots__ = ("keys", "others")

    def __init__(self, keys: KeyArray | None = None, others: Mapping[bytes, str] = {}) -> None:
        self.keys: KeyArray = np.empty(0, dtype=_TYPE) if keys is None else keys
        self.others = others

    @classmethod
    def of(cls, *blocks: Sequence[str]) -> PackedIds:
        """Pack ids that come block by block."""
        return cls.joined(_packed(block) for block in blocks)

    @classmethod
    def joined(cls, parts: Iterable[PackedIds]) -> PackedIds:
        """Return the ids of all parts, end to end."""
        keys = [np.empty(0, dtype=_TYPE)]
        others: dict[bytes, str] = {}
        for part in parts:
            keys.append(part.keys)
            others.update(part.others)
        return cls(np.concatenate(keys), others)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, which: slice | IntArray | BoolArray) -> PackedIds:
        """Return some of the ids."""
        return PackedIds(self.keys[which], self.others)

    def texts(self) -> list[str]:
        """Return the ids as they came."""
        data = self.keys.tobytes()
        digits = data.hex()
        texts = [digits[at : at + _DIGITS] for at in range(0, len(digits), _DIGITS)]
        if self.others:
            for place in range(len(texts)):
                key = data[place * _BYTES : (place + 1) * _BYTES]
                texts[place] = self.others.get(key, texts[place])
        return texts

    def order(self) -> IntArray:
        """Return the positions that put the ids in the order that `find` needs."""
        return np.argsort(self.keys)

    def find(self, ids: PackedIds) -> IntArray:
        """Return where in these ids, which are in order, others stand; -1 where they do not."""
        if not len(self):
            return np.full(len(ids), -1, dtype=np.int64)
        places = np.searchsorted(self.keys, ids.keys)
        places[places == len(self)] = 0
        places[self.keys[places] != ids.keys] = -1
        return places

    def among(self, ids: PackedIds) -> BoolArray:
        """Return whether each of these ids, which are in order, is one of others."""
        there = np.zeros(len(self), dtype=np.bool_)
        places = self.find(ids)
        there[places[places >= 0]] = True
        return there


def _packed(ids: Sequence[str]) -> PackedIds:
    digits = "".join(ids)
    data = _bytes_of(digits)
    if data is not None and all(len(run_id) == _DIGITS for run_id in ids):
        return PackedIds(np.frombuffer(data, dtype=_TYPE))
    keys: list[bytes] = []
    others: dict[bytes, str] = {}
    for run_id in ids:
        key = _bytes_of(run_id) if len(run_id) == _DIGITS else None
        if key is None:
            key = hashlib.blake2b(encoded(run_id), digest_size=_BYTES, key=_SECRET).digest()
            others[key] = run_id
        keys.append(key)
    return PackedIds(np.frombuffer(b"".join(keys), dtype=_TYPE), others)


def _bytes_of(digits: str) -> bytes | None:
    """Return what digits stand for; None where these would not come back as they are."""
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return None
    return data if data.hex() == digits else None
