"""Word clouds as data: which word stands where, and how large; whoever shows one draws letters, no picture.

The library places them in its own monospaced font, whose measures are below: a browser that has another one
is told how wide each word is.
"""

from collections.abc import Mapping

from data_processor.datasets.exploration.drawing import SEED
from data_processor.datasets.exploration.schemas import CloudWord

WIDTH, HEIGHT = 640, 320
WORDS = 60
_SMALLEST, _LARGEST = 10, 64
_ADVANCE = 0.6
"""The width of a letter by the height of its font (Droid Sans Mono)."""
_ASCENT = 0.928
"""How far the baseline is below the top of a line, by the height of the font."""
_HANGING = 24
"""The library finds room for the ink of a word and draws it somewhat lower: so much for the largest."""


def cloud(words: Mapping[str, int]) -> list[CloudWord]:
    """Place the most frequent words; those that find no room are left out."""
    from wordcloud import WordCloud  # noqa: PLC0415  # it brings half a second of imports

    ranked = dict(sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))[:WORDS])
    if not ranked:
        return []
    placed = WordCloud(
        width=WIDTH,
        height=HEIGHT - _HANGING,
        prefer_horizontal=1.0,
        min_font_size=_SMALLEST,
        max_font_size=_LARGEST,
        random_state=SEED,
        color_func=lambda *_, **__: "black",  # its own would import pyplot, and nobody sees it
    ).generate_from_frequencies(ranked)
    return [
        CloudWord(
            word=word,
            count=ranked[word],
            x=float(left),
            y=float(top) + _ASCENT * size,
            width=_ADVANCE * size * len(word),
            size=float(size),
        )
        for (word, _), size, (top, left), *_ in placed.layout_
    ]
