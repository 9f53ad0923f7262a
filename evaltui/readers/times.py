"""Times of reports: with a zone, without one, as stamps in file names, as epoch seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from evaltui.readers.notes import Notes

_STAMP = re.compile(r"(?<!\d)(\d{8})[_T-](\d{6})(?!\d)")
_EPOCH = re.compile(r"(?<!\d)(1\d{9})(?!\d)")
_EARLIEST, _LATEST = 1970, 9998
_WIDEST_MINUTES = 14 * 60
_QUARTER = 15  # every zone is a multiple of it


def read_time(value: Any, at: str, notes: Notes, *, zone: tzinfo | None = None) -> datetime | None:
    """Return a time as aware UTC, or None when it is missing or unreadable (which is noted).

    Args:
        value: ISO 8601 text, `YYYYMMDD_HHMMSS`, or epoch seconds.
        at: Place of the value, for the notes.
        notes: Takes what was assumed.
        zone: Zone of a time that names none, or None for this machine's.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    moment = _parse(value)
    if moment is not None and moment.tzinfo is None:
        moment = _with_zone(moment, at, notes, zone)
    if moment is None:
        notes.add(f"{at}: {str(value)[:40]!r} is no time, taken as missing")
    return moment


def time_of_name(name: str, notes: Notes, *, zone: tzinfo | None = None) -> datetime | None:
    """Return the time in a file name (`…_20251103_100713.json`, `…_1762160400.json`), or None."""
    stamp = _STAMP.search(name)
    if stamp is not None and _parse(stamp[0]) is not None:
        return read_time(f"{stamp[1]}_{stamp[2]}", "the file name", notes, zone=zone)
    epoch = _EPOCH.search(name)
    return _parse(int(epoch[1])) if epoch is not None else None


def zone_between(local: Any, epoch: Any) -> tzinfo | None:
    """Return the zone in which an epoch time reads as a local one, or None when they do not fit.

    Args:
        local: Time without a zone, such as `2025-11-03 10:00:00`.
        epoch: The same moment in epoch seconds.
    """
    here, there = _parse(local), _parse(epoch)
    if here is None or there is None or here.tzinfo is not None:
        return None
    minutes = round((here - there.replace(tzinfo=None)).total_seconds() / 60)
    if abs(minutes) > _WIDEST_MINUTES or minutes % _QUARTER:
        return None
    return timezone(timedelta(minutes=minutes))


def _parse(value: Any) -> datetime | None:
    """Return the moment a value stands for, naive when it names no zone, UTC otherwise."""
    try:
        if isinstance(value, str):
            moment = _from_text(value.strip())
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            return None
        moment = moment if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if _EARLIEST <= moment.year <= _LATEST else None


def _from_text(text: str) -> datetime:
    if _STAMP.fullmatch(text):
        return datetime.strptime(text[:8] + text[9:], "%Y%m%d%H%M%S")  # noqa: DTZ007
    return datetime.fromisoformat(text)


def _with_zone(moment: datetime, at: str, notes: Notes, zone: tzinfo | None) -> datetime | None:
    try:
        aware = moment.astimezone() if zone is None else moment.replace(tzinfo=zone)
        told = aware.strftime("UTC%z")
        where = "local time of this machine" if zone is None else "local time"
        notes.add(f"{at}: {moment.isoformat(sep=' ')} names no zone, taken as {where} ({told})")
        return aware.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
