"""Timestamps and durations in words; the gateway's timestamps are in UTC, and so is what is shown."""

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def timestamp(at: str | None) -> datetime | None:
    """Parse an RFC 3339 timestamp; none if there is none or it cannot be parsed."""
    if not at:
        return None
    try:
        read = datetime.fromisoformat(at)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def when(at: str | None) -> str:
    """Return a timestamp in full: `21 Nov 2025, 07:43 UTC`."""
    read = timestamp(at)
    return f"{read.day} {read:%b %Y, %H:%M} UTC" if read else "–"


def ago(at: str | None, now: datetime | None = None) -> str:
    """Return how long ago something was, in one unit; in full once it is a week."""
    read = timestamp(at)
    if read is None:
        return "–"
    seconds = ((now or datetime.now(UTC)) - read).total_seconds()
    if seconds < 5:  # noqa: PLR2004  # clocks differ by as much
        return "just now"
    if seconds >= 7 * _DAY:
        return when(at)
    for length, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def duration(seconds: float | None) -> str:
    """Return a length of time in at most two units: `3 min 20 s`."""
    if seconds is None:
        return "–"
    if seconds < 0.0995:  # noqa: PLR2004  # what a row or a request takes
        micro = seconds * 1e6
        return f"{micro:.3g} µs" if micro < 999.5 else f"{micro / 1e3:.3g} ms"  # noqa: PLR2004  # a thousand, rounded
    if seconds < 10:  # noqa: PLR2004  # below, tenths matter
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"


def between(start: str | None, end: str | None, now: datetime | None = None) -> float | None:
    """Return the seconds between two timestamps, or until now while there is no second one."""
    first, last = timestamp(start), timestamp(end)
    if first is None:
        return None
    return max(((last or now or datetime.now(UTC)) - first).total_seconds(), 0.0)
