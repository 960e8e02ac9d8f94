"""How many independent answers some answers are worth that come in groups.

Answers on one engine are right and wrong together, so a share of them is less sure than its number says. By
how much follows from how the groups differ: the variance of the share between groups, over that of as many
independent answers, is the design effect (Kish 1965; Rao & Scott 1992, who divide both counts by it before
any method for independent answers is used, as Wilson's interval is here).
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence

FEWEST_GROUPS = 10
"""Nothing is said of fewer groups."""


def effective_number(right: Sequence[bool], groups: Sequence[Hashable]) -> float:
    """Return how many independent answers some are worth: from the number of their groups up to their own.

    Where all are right, or none is, groups cannot be seen to differ: then they count once each.
    """
    sizes: defaultdict[Hashable, int] = defaultdict(int)
    hits: defaultdict[Hashable, int] = defaultdict(int)
    for was_right, group in zip(right, groups, strict=True):
        sizes[group] += 1
        hits[group] += was_right
    n, count = len(right), len(sizes)
    share = sum(hits.values()) / n if n else 0.0
    if count < 2 or share in (0.0, 1.0):  # noqa: PLR2004  # one group says nothing of others
        return float(count)
    off = sum((hits[group] - share * size) ** 2 for group, size in sizes.items())
    between = off * count / (count - 1) / n**2
    alone = share * (1 - share) / n
    return min(float(n), max(float(count), n * alone / between)) if between > 0 else float(n)
