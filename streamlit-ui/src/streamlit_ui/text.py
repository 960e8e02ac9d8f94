"""Text that came from people or data, made fit for a page."""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_WHITE_SPACE = re.compile(r"[ \t\r\n\f\v\u2028\u2029]+")


def plain(text: object) -> str:
    """Return text that Markdown shows as it is: no link, formula, colour or HTML in it comes to life."""
    return _PUNCTUATION.sub(r"\\\1", _WHITE_SPACE.sub(" ", str(text)).strip())


def title(name: str) -> str:
    """Return a column's or setting's name as a heading: `hours-per-week` → `Hours per week`."""
    words = _WHITE_SPACE.sub(" ", re.sub(r"[-_]+", " ", name)).strip()
    return words[:1].upper() + words[1:] if words else name


def titles(names: Iterable[str]) -> dict[str, str]:
    """Return the heading of each name: where two would read alike, the names themselves."""
    found = {name: title(name) for name in names}
    times = Counter(found.values())
    return {name: name if times[heading] > 1 else heading for name, heading in found.items()}


def shorten(text: str, length: int) -> str:
    """Return at most `length` characters, the last one `…` if something was cut off."""
    return text if len(text) <= length else text[: max(length - 1, 0)] + "…"


def listing(words: list[str]) -> str:
    """Return words as an enumeration: `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 row`, `2 rows`, `12 000 rows`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number as people write it: thousands set apart, at most `digits` behind the point."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}".replace(",", "\u202f")
    if abs(value) < 10**-digits:
        return f"{value:.1e}"
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".").replace(",", "\u202f")


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share as a percentage; what is not quite certain is never shown as 0 % or 100 %."""
    if share is None:
        return "–"
    shown = f"{100 * share:.{digits}f}"
    smallest = 10.0**-digits
    if share > 0 and float(shown) == 0:
        return f"< {smallest:g} %"
    if share < 1 and float(shown) == 100:  # noqa: PLR2004  # a hundred per cent
        return f"> {100 - smallest:g} %"
    return f"{shown} %"


def size(count: float | None) -> str:
    """Return a number of bytes in a unit that suits it."""
    if count is None:
        return "–"
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004  # SI units
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def power_of_ten(amount: float) -> float:
    """Return the largest power of ten that is no more than a positive amount, and is positive itself."""
    return max(10.0 ** math.floor(math.log10(amount)), sys.float_info.min)
