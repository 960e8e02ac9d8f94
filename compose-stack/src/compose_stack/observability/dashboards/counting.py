"""How much counters grew in the time shown."""


def grown(counter: str, labels: str) -> str:
    """Return the query for how much each series of a counter grew, from zero where it began in that time.

    `increase` starts from the first value it sees, so it misses what a series began with: the first failed
    run of a model would be none.
    """
    series = f"{counter}{{{labels}}}"
    before = f"{series} offset $__range"
    return f"(increase({series}[$__range]) and {before}) or ({series} unless {before})"
