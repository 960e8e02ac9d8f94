"""Numbers as people write them: with a decimal mark, grouped digits, a unit; compiled to a parser."""

import math
import re
from collections.abc import Callable
from typing import Literal

Mark = Literal[".", ","]
Grouping = Literal["", ",", ".", " ", "'"]
GROUPINGS: dict[Grouping, str] = {"": "", ",": ",", ".": ".", " ": " \u00a0\u202f", "'": "'\u2019"}
"""What may stand between groups of digits: a blank may be any that does not break a line."""
MINUS = "\u2212"
"""The minus sign of typographers, which is read as the one of keyboards."""
UNITS = (
    *("%", "‰", "$", "€", "£", "¥", "₹", "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "kr", "zł", "Fr."),
    *("kg", "g", "mg", "t", "lb", "km", "m", "cm", "mm", "mi", "ft", "m²", "m2", "ha", "l", "ml"),
    *("h", "min", "s", "ms", "°", "°C", "°F", "kWh", "kW", "W", "V", "A", "Hz", "GB", "MB", "KB"),
)
"""What is looked for beside numbers; any other text beside them makes them no numbers."""


def number_parser(decimal: Mark = ".", grouping: Grouping = "", unit: str = "") -> Callable[[str], float]:
    """Return what reads a trimmed text as a number, and raises `ValueError` for every other text.

    Zeros in front are taken, underscores, `nan` and what is too large for a float are not.
    """
    point = re.escape(decimal)
    between = f"[{re.escape(GROUPINGS[grouping])}]"
    grouped = rf"[1-9][0-9]{{0,2}}(?:{between}[0-9]{{2,3}})*{between}[0-9]{{3}}" if grouping else ""
    whole = rf"(?:{grouped}|[0-9]+)" if grouping else "[0-9]+"
    fits = re.compile(
        rf"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?"
    ).fullmatch
    removed = str.maketrans("", "", GROUPINGS[grouping])

    def parse(text: str) -> float:
        if text.startswith("(") and text.endswith(")"):
            text = f"-{text[1:-1]}"  # how accountants write what is owed
        elif text.startswith(MINUS):
            text = f"-{text[1:]}"
        bare = _without(unit, text) if unit else text
        if not fits(bare):
            raise ValueError(f"{text!r} is not a number.")
        if grouping:
            bare = bare.translate(removed)
        number = float(bare.replace(",", ".") if decimal == "," else bare)
        if math.isinf(number):
            raise ValueError(f"{text!r} is too large for a number.")
        return number

    return parse


def _without(unit: str, text: str) -> str:
    """Return a text without the unit before or behind its number."""
    sign = text[:1] if text[:1] in ("+", "-") else ""
    rest = text[len(sign) :]
    if rest.startswith(unit):
        return sign + rest[len(unit) :].lstrip().replace(MINUS, "-", 1)
    return sign + rest[: -len(unit)].rstrip() if rest.endswith(unit) else text
