"""A drawing in SVG: text that fits its place, lines, areas and panels, in few calm colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {
    "text": "#1f2933",
    "muted": "#6b7785",
    "rule": "#e4e8ec",
    "paper": "#ffffff",
    "ground": "#f5f6f8",
}
SERIES = ("#3b76b0", "#d98a3d", "#4f9d69", "#b5566b", "#7a6bb0", "#4aa3a8", "#a08a4a", "#8895a3")
"""The colours of the first series of a panel; further ones begin again."""
FONT = 'font-family="system-ui, sans-serif"'
LETTER = 0.56
"""The usual width of a letter, as a share of the size of the text."""
WIDER = 0.61
"""The same where all letters are equally wide."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Box:
    """A rectangle, in units of the drawing, from its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Canvas:
    """What was drawn so far."""

    def __init__(self, width: float, height: float, says: str) -> None:
        """Begin an empty drawing; `says` is what it shows, for those who do not see it."""
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" {FONT}>',
            f"<title>{escape(says)}</title>",
            f'<rect width="{width:g}" height="{height:g}" fill="{COLOURS["ground"]}"/>',
        ]

    def panel(self, box: Box) -> None:
        """Draw the sheet that a panel stands on."""
        self._parts.append(
            f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5" '
            f'fill="{COLOURS["paper"]}" stroke="{COLOURS["rule"]}"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float,
        weight: int = 400,
        anchor: str = "start",
        colour: str = "text",
        most: float | None = None,
        mono: bool = False,
    ) -> None:
        """Write one line from a point of its base; it is cut if it would be wider than `most`."""
        if most is not None:
            words = _cut(words, int(most / (size * (WIDER if mono else LETTER))))
        drawn = [f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{COLOURS[colour]}"']
        drawn += [f'font-weight="{weight}"'] if weight != 400 else []  # noqa: PLR2004  # what is not said
        drawn += [f'text-anchor="{anchor}"'] if anchor != "start" else []
        drawn += ['font-family="ui-monospace, monospace"'] if mono else []
        self._parts.append(f"{' '.join(drawn)}>{escape(words)}</text>")

    def wrapped(self, box: Box, words: str, size: float = 13) -> None:
        """Write a sentence in the middle of a box, in as many lines as it needs."""
        lines, room = [""], int(box.width / (size * LETTER))
        for word in words.split():
            if lines[-1] and len(lines[-1]) + len(word) >= room:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".strip()
        top = box.y + box.height / 2 - (len(lines) - 1) * size * 0.7
        for number, line in enumerate(lines):
            y = top + number * size * 1.4
            self.text(box.x + box.width / 2, y, line, size=size, anchor="middle", colour="muted")

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw a faint straight line."""
        self._parts.append(
            f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{COLOURS["rule"]}" fill="none"/>'
        )

    def curve(self, points: Points, number: int) -> None:
        """Draw the line of the n-th series of a panel."""
        colour = SERIES[number % len(SERIES)]
        self._parts.append(
            f'<path d="{_path(points)}" stroke="{colour}" stroke-width="1.4" fill="none" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )

    def area(self, upper: Points, lower: Points, number: int) -> None:
        """Fill what is between two lines, in the colour of the n-th series."""
        colour = SERIES[number % len(SERIES)]
        outline = [*upper, *reversed(lower)]
        self._parts.append(f'<path d="{_path(outline)}Z" fill="{colour}" fill-opacity="0.25"/>')

    def key(self, x: float, y: float, number: int) -> None:
        """Draw the mark of the n-th series in a legend, on a base."""
        colour = SERIES[number % len(SERIES)]
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y - 6:.1f}" width="12" height="3" rx="1.5" fill="{colour}"/>'
        )

    def as_svg(self) -> str:
        """Return the drawing as a file has it."""
        return "\n".join([*self._parts, "</svg>", ""])


def _path(points: Points) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: max(1, most - 1)].rstrip()}…"
