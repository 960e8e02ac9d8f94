"""How numbers are written in the sentences that people read: as the pages show them."""


def percent(share: float) -> str:
    """Return a share as a percentage; what is not quite certain is never 0 % or 100 %."""
    shown = f"{100 * share:.1f}"
    if share > 0 and float(shown) == 0:
        return "< 0.1 %"
    if share < 1 and float(shown) == 100:  # noqa: PLR2004  # a hundred per cent
        return "> 99.9 %"
    return f"{shown} %"
