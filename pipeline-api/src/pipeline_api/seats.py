"""How many WebSockets may be open."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from pipeline_api.service.errors import NotReady, TooManyRequests


class Seats:
    """How many WebSockets are open, in all and per credential."""

    def __init__(self, total: int, per_credential: int) -> None:
        """Allow so many."""
        self._total = total
        self._per_credential = per_credential
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def take(self, credential: str) -> Iterator[None]:
        """Hold a seat inside the block; raise 429 or 503 when there is none."""
        if self._taken[credential] >= self._per_credential:
            raise TooManyRequests(
                f"This credential has {self._per_credential} WebSockets open, which is the most it may have.",
                retry_after=5,
            )
        if self._taken.total() >= self._total:
            raise NotReady("All WebSockets are taken; try again.", headers={"Retry-After": "5"})
        self._taken[credential] += 1
        try:
            yield
        finally:
            self._taken[credential] -= 1
            self._taken += Counter()  # forgets who holds none
