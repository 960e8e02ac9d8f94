"""How much counters grew in the time shown, and when."""


def grown(counter: str, labels: str) -> str:
    """Return the query for how much each series of a counter grew, from zero where it began in that time.

    `increase` starts from the first value it sees, so it misses what a series began with: the first failed
    run of a model would be none.
    """
    series = f"{counter}{{{labels}}}"
    before = f"{series} offset $__range"
    return f"(increase({series}[$__range]) and {before}) or ({series} unless {before})"


def happened(counter: str, labels: str, by: str, stage: str) -> str:
    """Return the query that has a value in the minute after a counter of a stage's workers grew.

    A series that begins has not changed, and what it counts has happened all the same, unless a minute ago
    there was no leading worker to tell of it. Workers show the same or their own, so the largest counts.
    """
    series = f"{counter}{{{labels}}}"
    began = f"max by ({by}) ({series}) unless max by ({by}) ({series} offset 1m)"
    told = f"max(loopkeeper_worker_leader{{{stage}}} offset 1m) == 1"
    return f"max by ({by}) (changes({series}[1m])) > 0 or ({began} and on () ({told}))"
