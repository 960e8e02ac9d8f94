"""Dates and times as people write them: a format, compiled to a parser.

A format is `ISO 8601`, `epoch seconds`, `epoch milliseconds`, or the codes of `strftime`: `%d.%m.%Y %H:%M`.
Whatever is read becomes a timestamp in UTC; one without a zone counts as UTC.
"""

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache

from data_processor.features.calendar import parse_timestamp
from data_processor.features.numerals import number_parser

ISO = "ISO 8601"
EPOCHS = {"epoch seconds": 1, "epoch milliseconds": 1000}
"""Formats that count from 1970, and how often in a second."""
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%y/%m/%d", "%y-%m-%d"),
    *("%d %b %Y", "%d. %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%d %b %y", "%d-%b-%y", "%b %d, %Y", "%b %d %Y"),
    *("%a, %d %b %Y", "%a %d %b %Y", "%a, %b %d, %Y", "%Y %b %d", "%Y-%b-%d"),
)
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %H:%M:%S", ", %I:%M %p"),
    *(", %I:%M:%S %p", "T%H:%M", "T%H:%M:%S", " %H:%M %z", " %H:%M:%S %z", ":%H:%M:%S %z"),
)
FORMATS = (ISO, *(day + time for day in _DAYS for time in _TIMES))
"""What is tried on a column of texts; of several that fit, the first is proposed."""
COMPACT = ("%Y%m%d", "%Y%m%d%H%M%S")
"""What whole numbers may be besides epochs."""
_MONTHS = (
    "jan january januar jänner janvier janv enero ene gennaio gen janeiro januari sty stycznia",
    "feb february februar février févr fév fevrier febrero febbraio fevereiro fev februari lut lutego",
    "mar march märz maerz mär mrz mars marzo março maart mrt marca",
    "apr april avril avr abril abr aprile kwi kwietnia",
    "may mai mayo maggio mag maio mei maja",
    "jun june juni juin junio giugno giu junho cze czerwca",
    "jul july juli juillet juil julio luglio lug julho lip lipca",
    "aug august août aout agosto ago augustus sie sierpnia",
    "sep sept september septembre septiembre settembre set setembro wrz września",
    "oct october okt oktober octobre octubre ottobre ott outubro out paź października",
    "nov november novembre noviembre novembro lis listopada",
    "dec december dez dezember décembre déc decembre diciembre dic dicembre dezembro gru grudnia",
)
_MONTH = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_PARTS = {
    "Y": r"(?P<Y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{2})",
    "m": r"(?P<m>[0-9]{1,2})",
    "d": r"(?P<d>[0-9]{1,2})",
    "b": r"(?P<b>[^\W\d_]+)\.?",
    "a": r"[^\W\d_]+\.?",
    "H": r"(?P<H>[0-9]{1,2})",
    "I": r"(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{2})",
    "S": r"(?P<S>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?",
    "p": r"(?P<p>[AaPp])\.?[Mm]\.?",
    "z": r"(?P<z>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})",
}
_CENTURY = 69
"""Two digits from here on are of the 1900s, as POSIX has it."""


@lru_cache(maxsize=1024)
def date_parser(form: str) -> Callable[[str], dt.datetime]:
    """Return what reads a trimmed text in a format as a timestamp without zone, in UTC.

    It raises `ValueError` for every other text. Raises `ValueError` itself for what is no format.
    """
    if form == ISO:
        return _iso
    if form in EPOCHS:
        scale, number = EPOCHS[form], number_parser()
        return lambda text: _since_1970(number(text) / scale)
    fits = re.compile(_pattern(form)).fullmatch

    def parse(text: str) -> dt.datetime:
        found = fits(text)
        if found is None:
            raise ValueError(f"{text!r} is not a date in the format {form}.")
        return _timestamp(found.groupdict())

    return parse


def counts(form: str | None) -> bool:
    """Say whether a format is written with digits alone, so that whole numbers may be meant."""
    return form in EPOCHS or form in COMPACT


def month_first(form: str | None) -> bool | None:
    """Say whether a format has the month before the day; none if it has the year before both, or no codes."""
    places = [(form or "").find(code) for code in ("%d", "%m")]
    if min(places) < 0 or (form or "").startswith(("%Y", "%y")):
        return None
    return places[1] < places[0]


def is_format(form: str) -> bool:
    """Say whether a text is a format: a day, a month and a year, once each, and no unknown code."""
    if form == ISO or form in EPOCHS:
        return True
    codes = re.findall(r"%(.)", form)
    known = all(code in _PARTS for code in codes) and len(set(codes)) == len(codes)
    return known and "d" in codes and ("Y" in codes) != ("y" in codes) and ("m" in codes) != ("b" in codes)


def _pattern(form: str) -> str:
    if not is_format(form):
        raise ValueError(f"{form!r} is not a format of dates; write one as %d.%m.%Y %H:%M, or {ISO}.")
    pieces = re.split(r"%(.)", form)
    fixed = all(not between for between in pieces[2:-1:2])  # digits without anything between: two each
    written = [_PARTS[p] if n % 2 else re.escape(p) for n, p in enumerate(pieces)]
    return "".join(written).replace("{1,2}", "{2}") if fixed else "".join(written)


def _iso(text: str) -> dt.datetime:
    if len(text) < 8 or not text[:4].isdigit():  # noqa: PLR2004  # what Python takes besides is no whole date
        raise ValueError(f"{text!r} is not a date in ISO 8601.")
    return parse_timestamp(text).replace(tzinfo=None)


def _since_1970(seconds: float) -> dt.datetime:
    try:
        return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)  # noqa: DTZ001  # UTC, as all here
    except OverflowError as error:
        raise ValueError(f"{seconds:g} seconds from 1970 are outside the years 1 to 9999.") from error


def _timestamp(found: dict[str, str | None]) -> dt.datetime:
    year = int(found.get("Y") or 0)
    if (short := found.get("y")) is not None:
        year = int(short) + (1900 if int(short) >= _CENTURY else 2000)
    month = int(found.get("m") or 0) or _MONTH.get((found.get("b") or "").casefold(), 0)
    hour = int(found.get("H") or found.get("I") or 0)
    if half := found.get("p"):
        if not 1 <= hour <= 12:  # noqa: PLR2004  # a clock's face
            raise ValueError(f"There is no hour {hour} {half}m.")
        hour = hour % 12 + (12 if half in "Pp" else 0)
    fraction = int(((found.get("f") or "") + "000000")[:6])
    when = dt.datetime(  # noqa: DTZ001  # in UTC once its offset is taken off
        year, month, int(found["d"] or 0), hour, int(found.get("M") or 0), int(found.get("S") or 0), fraction
    )
    zone = found.get("z") or "Z"
    if zone[0] not in "+-":
        return when
    try:
        offset = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        return when + offset if zone[0] == "-" else when - offset
    except OverflowError as error:
        raise ValueError("It is outside the years 1 to 9999.") from error
