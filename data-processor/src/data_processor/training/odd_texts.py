"""Texts that tokenizers stumble over: what a compiled model is compared with the trained one on."""

from collections.abc import Sequence

LONG_TEXT = 10_000
"""Characters of the longest texts that are compared: as many as a request may have by default."""
ODD_TEXTS = (
    " ",
    "\t\r\n",
    "a",
    "...!?,;:-",
    "don't can\N{RIGHT SINGLE QUOTATION MARK}t e-mail a_b __init__ 3.14 1,000",
    "na\u00efve caf\u00e9 \u00c9COLE stra\u00dfe STRASSE",
    "cafe\u0301 with a combining accent",
    "\u0130stanbul \u0131\u015f\u0131k \N{KELVIN SIGN}elvin \N{LATIN SMALL LETTER LONG S}ame",
    "\N{FULLWIDTH LATIN SMALL LETTER A}\N{FULLWIDTH LATIN SMALL LETTER B} \u2460 \u00b2",
    "\u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440",
    "\u4f60\u597d\u4e16\u754c \u3053\u3093\u306b\u3061\u306f",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "\N{GRINNING FACE} you\N{ZERO WIDTH SPACE}idiot\N{NO-BREAK SPACE}you \N{SNOWMAN}",
    "the " * 2500,
    "x" * 10_000,
)
"""Texts that are compared beside real ones."""
REAL = 50
"""Real texts that are compared in other forms."""


def odd_texts(real: Sequence[str]) -> list[str]:
    """Return odd texts, and some real ones shouted, turned round, joined, broken and repeated."""
    some = real[:REAL]
    return [
        *ODD_TEXTS,
        *(text.upper() for text in some),
        *(text.swapcase()[::-1] for text in some),
        *(text.replace(" ", "") for text in some),
        *("\n".join(text.split()) for text in some),
        *((f"{text} " * LONG_TEXT)[:LONG_TEXT] for text in some[:3]),
    ]
