"""The threads that look at pictures.

Finding a face takes a core for some hundredths of a second. A few threads do all such work of a process, so
that whoever asks for anything else is not kept waiting; what they could not begin within seconds is refused
at once: a device would rather ask again than wait.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from data_processor.service.errors import NotReady

MOST_THREADS = 2
WAITING = 64
"""Pictures that may be worked on or wait: one or two seconds of work."""
RETRY_S = "1"
T = TypeVar("T")


class PicturePool:
    """Carries out work on pictures, a few at a time."""

    def __init__(self, threads: int | None = None) -> None:
        """By default, work on as many at a time as there are cores, at most 2."""
        threads = threads or min(MOST_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
        self._places = threading.BoundedSemaphore(WAITING)

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(cancel_futures=True)

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have some work done; raises `NotReady` if too much waits."""
        if not self._places.acquire(blocking=False):
            raise NotReady(
                "Too many pictures are waiting already; try again in a second.",
                headers={"Retry-After": RETRY_S},
            )
        try:
            future = self._pool.submit(work)
        except RuntimeError:  # it is closed
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return future
