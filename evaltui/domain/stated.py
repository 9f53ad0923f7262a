"""Directions as tags: those a report states on its run, those people set on the experiment.

Of a run, only what differs from what the catalogue says anyway is kept, as JSON
`{"lower": [names], …}` in the tag `evaltui.hib`, continued in `evaltui.hib.2` and so on where one
tag is too short.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from evaltui.domain.metric import Direction
from evaltui.domain.run import DIRECTION_PREFIX

STATED_TAG = "evaltui.hib"
MAX_TAG_VALUE = 6_000


def stated_tags(directions: Mapping[str, Direction]) -> dict[str, str]:
    """Return the tags that keep `directions` (by metric name); none when all are as expected."""
    from evaltui.domain.catalogue import spec_for  # noqa: PLC0415 - who only reads does without

    told = sorted(
        (direction.value, name)
        for name, direction in directions.items()
        if spec_for(name).direction is not direction
    )
    texts = [_to_json(part) for part in _parts(told)]
    return {
        STATED_TAG if number == 1 else f"{STATED_TAG}.{number}": text
        for number, text in enumerate(texts, start=1)
    }


def stated_directions(tags: Mapping[str, str]) -> dict[str, Direction]:
    """Return the directions that a run's tags keep; what is damaged is left out."""
    found: dict[str, Direction] = {}
    number, key = 1, STATED_TAG
    while (text := tags.get(key)) is not None:
        found.update(_from_json(text))
        number += 1
        key = f"{STATED_TAG}.{number}"
    return found


def agreed_directions(*runs: Mapping[str, str]) -> dict[str, Direction]:
    """Return the directions that runs (by their tags) state and none of them states otherwise."""
    told: dict[str, set[Direction]] = {}
    for tags in runs:
        for name, direction in stated_directions(tags).items():
            told.setdefault(name, set()).add(direction)
    return {name: ways.pop() for name, ways in told.items() if len(ways) == 1}


def shared_directions(experiment_tags: Mapping[str, str]) -> dict[str, Direction]:
    """Return the directions that people set as `evaltui.metric.NAME` tags of an experiment."""
    words = {item.value for item in Direction}
    return {
        key.removeprefix(DIRECTION_PREFIX): Direction(value)
        for key, value in experiment_tags.items()
        if key.startswith(DIRECTION_PREFIX) and value in words
    }


def _parts(told: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    part: list[tuple[str, str]] = []
    size = 0
    for item in told:
        width = len(json.dumps(item))
        if part and size + width > MAX_TAG_VALUE:
            yield part
            part, size = [], 0
        part.append(item)
        size += width
    if part:
        yield part


def _to_json(part: list[tuple[str, str]]) -> str:
    groups: dict[str, list[str]] = {}
    for direction, name in part:
        groups.setdefault(direction, []).append(name)
    return json.dumps(groups)


def _from_json(text: str) -> Iterator[tuple[str, Direction]]:
    try:
        groups = json.loads(text)
    except ValueError:
        return
    for word, names in groups.items() if isinstance(groups, dict) else ():
        if word in {item.value for item in Direction} and isinstance(names, list):
            yield from ((name, Direction(word)) for name in names if isinstance(name, str))
