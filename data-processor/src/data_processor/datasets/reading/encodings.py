"""In which encoding a text file is written: by its first bytes, else by its letters."""

import codecs
from pathlib import Path

from charset_normalizer import from_bytes

from data_processor.datasets.reading.refusals import RefusedFileError

SAMPLE_BYTES = 256 * 1024
_CHUNK_BYTES = 4 * 1024 * 1024
_MARKS = (
    # UTF-32's little-endian mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOSTLY = 0.3
"""In UTF-16 without a mark, Western text has a zero in about every second byte."""
_LONG_GONE = ("cp437", "cp7", "cp8", "mac_")
_PUNCTUATION = b"\x80\x82\x84\x85\x91\x92\x93\x94\x96\x97\xa0\xa7\xab\xb0\xb2\xb7\xbb\xbd".decode("cp1252")
"""The euro, quotes, dashes, degrees: what stands in Western text beside letters."""
_SOME = 0.5
"""Texts in other scripts consist of other letters; Western ones only have some accents."""
LATIN = ("cp1252", "cp1250", "cp1257", "cp1254")
"""What offices write Latin letters in, the West's before those of central Europe, the Baltic and Turkey."""
_NO_FILES = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7", "mbcs", "oem")
"""Python's codecs of texts that are not for the contents of files: of names, of literals, of letters."""
FALLBACK = "cp1252"
"""What files of an office in the West are in, if nothing says otherwise."""


def find_encoding(path: Path) -> str:
    """Return the name of a file's encoding as Python knows it; raises `RefusedFileError` for binary files."""
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return _utf16_by_zeros(head)
    broken_at = _first_not_utf8(path)
    if broken_at is None:
        return "utf-8"
    with path.open("rb") as file:
        file.seek(max(0, broken_at - SAMPLE_BYTES // 2))
        return _by_letters(file.read(SAMPLE_BYTES))


def check_encoding(path: Path, encoding: str) -> str:
    """Return a codec's own name if a whole file can be read with it; raises `RefusedFileError`."""
    try:
        known = codecs.lookup(encoding)
    except (LookupError, ValueError) as error:
        raise RefusedFileError(
            f"{encoding!r} is not a known encoding; try utf-8 or cp1252, or leave it out.", field="encoding"
        ) from error
    if not getattr(known, "_is_text_encoding", True) or known.name in _NO_FILES:
        raise RefusedFileError(f"{encoding!r} is not a text encoding; try utf-8.", field="encoding")
    decoder = known.incrementaldecoder()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except (UnicodeError, ValueError) as error:
        raise RefusedFileError(
            f"The file is not encoded in {known.name}: save it as UTF-8, or give its actual encoding.",
            field="encoding",
        ) from error
    return known.name


def _first_not_utf8(path: Path) -> int | None:
    """Return where a file stops being UTF-8, about, or None if it never does."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    done = 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
                done += len(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return done + error.start
    return None


def _utf16_by_zeros(head: bytes) -> str:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) / 2
    if odd > _MOSTLY * half > even:
        return "utf-16-le"
    if even > _MOSTLY * half > odd:
        return "utf-16-be"
    raise RefusedFileError("The file is binary, not text: upload CSV, Parquet, XLSX or JSON.")


def _by_letters(sample: bytes) -> str:
    """Return the encoding that makes the best text of a sample.

    Statistics of letters alone take a few umlauts for those of DOS, so the office's own goes first.
    """
    for candidate in LATIN:
        if _is_latin(sample, candidate):
            return candidate
    found = from_bytes(sample)
    usual = (match.encoding for match in found if not match.encoding.startswith((*_LONG_GONE, FALLBACK)))
    return next(usual, FALLBACK)


def _is_latin(sample: bytes, encoding: str) -> bool:
    """Tell whether a sample is Latin text with some accents in an encoding and nothing strange."""
    text = sample.decode(encoding, errors="replace")
    special = [character for character in text if not character.isascii()]
    letters = sum(character.isalpha() for character in text)
    strange = sum(not character.isalpha() and character not in _PUNCTUATION for character in special)
    return strange == 0 and len(special) < _SOME * letters
