"""Capital letters made small, those of plain Latin and no others: what ONNX does in the C locale."""

import string

_SMALL = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class PlainLower:
    """Makes A to Z small.

    `str.lower` would also make a plain `i` out of the Turkish capital one, and a `k` out of the Kelvin sign,
    which no compiled model does. A class and not a function: a model file can name it, and holds no code.
    """

    def __call__(self, text: str) -> str:
        """Return a text in small letters."""
        return text.lower() if text.isascii() else text.translate(_SMALL)
