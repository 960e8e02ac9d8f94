"""Where the fits of a search are done: by this process, by processes of its own, or by a Dask cluster.

All are a `concurrent.futures.Executor`; a search knows no difference. Fits are not shared among threads: of
boosting, which holds Python's lock half of the time, two threads do less together than one alone (10 s for
what two processes do in 2 s). A Dask cluster that cannot be reached, or has no worker, does not keep a run
from training: its log says so, and the fits are done here. Nor do processes that come to an end, as when
memory runs out: what is left is done by this one.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.reduction import ForkingPickler
from threading import Thread
from typing import Any

PROCESSES_S = 20.0
"""A search with less time is better off without processes of its own: each takes seconds to start."""
CONNECT_S = 10
"""How long to wait for a scheduler, and then for its first worker."""


@dataclass(frozen=True)
class Pool:
    """Where fits are done."""

    executor: Executor
    count: Callable[[], int]
    """How many fits it does at the same time; a cluster may grow and shrink."""
    share: Callable[[Any], Any]
    """Hand over once what every fit needs; what it returns stands for it, first in `executor.submit`."""
    name: str


@contextmanager
def local_pool(processes: int | None = None) -> Iterator[Pool]:
    """Yield a pool of processes, by default one for each core; one is this process itself.

    Leaving it does not wait for fits that nobody needs any more.
    """
    count = processes or os.cpu_count() or 1
    if count == 1:
        thread = ThreadPoolExecutor(1, thread_name_prefix="fit")
        try:
            yield Pool(thread, lambda: 1, lambda value: value, "one thread")
        finally:
            thread.shutdown(wait=False, cancel_futures=True)
        return
    several = _Processes(count)
    try:
        yield Pool(several, several.count, several.share, f"{count} processes")
    finally:
        several.shutdown(wait=False, cancel_futures=True)


@contextmanager
def open_pool(scheduler: str | None, processes: int | None, say: Callable[[str], None]) -> Iterator[Pool]:
    """Yield the cluster at a scheduler's address if one is given and has a worker, else a local pool."""
    if scheduler is None:
        with local_pool(processes) as pool:
            yield pool
        return
    from distributed import Client  # noqa: PLC0415  # a second that only searches on a cluster should wait for

    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        say(f"The Dask scheduler at {scheduler} does not answer ({error}); this worker fits the candidates.")
        with local_pool(processes) as pool:
            yield pool
        return
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError:
        client.close()
        say(f"The Dask scheduler at {scheduler} has no worker; this worker fits the candidates.")
        with local_pool(processes) as pool:
            yield pool
        return
    with client:
        yield Pool(
            client.get_executor(pure=False),
            lambda: max(1, sum(client.nthreads().values())),
            lambda value: client.scatter(value, broadcast=True, hash=False),
            f"{len(client.nthreads())} workers of the Dask cluster at {scheduler}",
        )


class _Processes(Executor):
    """Processes that are given once what every fit needs; should one come to an end, a thread goes on."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._executor: ProcessPoolExecutor | ThreadPoolExecutor | None = None
        self._given: Any = None
        self._written = b""

    def count(self) -> int:
        """Return how many fits are done at the same time."""
        return 1 if isinstance(self._executor, ThreadPoolExecutor) else self._count

    def share(self, value: Any) -> None:
        """Take what every fit needs; the processes are started by the first fits, all at the same time."""
        self._given = value
        # Written once. It goes along with each fit: a process that is given it at its start is waited for.
        self._written = bytes(ForkingPickler.dumps(value))
        self._executor = ProcessPoolExecutor(
            self._count,
            # A copy of this process would hold locks of its other threads.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
        )

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Let a process do work on the shared value, for which the first argument stands."""
        if isinstance(self._executor, ProcessPoolExecutor):
            try:
                return self._executor.submit(_work_on, self._written, work, *arguments[1:], **named)
            except BrokenExecutor:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="fit")
        if self._executor is None:
            raise RuntimeError("Nothing was shared with the processes.")
        return self._executor.submit(work, self._given, *arguments[1:], **named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes, also those that are still at work."""
        if self._executor is None:
            return
        # `kill_workers` does this from Python 3.14 on.
        running = list((getattr(self._executor, "_processes", None) or {}).values())
        self._executor.shutdown(wait=wait, cancel_futures=cancel_futures)
        for process in running if not wait else ():
            process.kill()
        for process in running if not wait else ():
            process.join()


def _begin() -> None:
    """End with the process that asks for fits, however that ends."""
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work_on(written: bytes, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return work(_read(written), *arguments, **named)


@lru_cache(maxsize=1)
def _read(written: bytes) -> Any:
    """Return what every fit needs; it is read once."""
    return ForkingPickler.loads(written)
